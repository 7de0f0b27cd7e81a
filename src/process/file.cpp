#include "process/file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace kmapper::process {
namespace {

/// The window's clock is moved by misses, at most so often.
constexpr std::uint64_t kClockStepNs = 10'000'000;

WindowErrc code_of(MapError error) {
  switch (error) {
    case MapError::timed_out:
      return WindowErrc::timed_out;
    case MapError::cancelled:
      return WindowErrc::cancelled;
    case MapError::too_many_users:
      return WindowErrc::too_many_users;
    case MapError::too_large:
      return WindowErrc::too_large;
    default:
      return WindowErrc::would_sleep;
  }
}

std::uint64_t nanoseconds_of(std::chrono::steady_clock::time_point deadline) {
  if (deadline == std::chrono::steady_clock::time_point::max()) return UINT64_MAX;
  const std::chrono::nanoseconds since = deadline.time_since_epoch();
  return since.count() > 0 ? static_cast<std::uint64_t>(since.count()) : 0;
}

}  // namespace

File::File(Descriptor descriptor, std::string name, Access access, std::shared_ptr<Arena> arena)
    : descriptor_(std::move(descriptor)),
      name_(std::make_shared<const std::string>(std::move(name))),
      access_(access),
      arena_(std::move(arena)) {
  if (const int number = refresh_size(); number != 0)
    throw std::system_error(number, std::system_category(), *name_);
  if (arena_->wants_home()) open_home();
  number_ = arena_->add(*this);
}

File::~File() {
  arena_->give_page_tables_back(Home::page_tables_for(home_size_));
  if (number_ != 0) arena_->remove(number_);
}

void File::open_home() {
  home_ = Home::open(descriptor_.number(), size(), arena_->granule_shift(), protection());
  if (home_ != nullptr) grow_home();
  if (home_ != nullptr && home_size_ == size()) return;
  if (arena_->placement() != Placement::home) return;
  throw std::system_error(WindowErrc::invalid_option,
                          *name_ + ": no home placement of " + std::to_string(size()) +
                              " bytes of this file in granules of " +
                              std::to_string(arena_->granule()) + " bytes");
}

/// What the file has grown by gets addresses at home too, if the budget has room for their page
/// tables.
void File::grow_home() {
  const std::lock_guard lock(growing_);
  const std::int64_t size = std::min(this->size(), home_->room());
  const std::int64_t more = Home::page_tables_for(size) - Home::page_tables_for(home_size_);
  if (size <= home_size_ || !arena_->take_page_tables(more)) return;
  home_size_ = size;
  home_->admit(size);
}

/// Flattened: a hit waits for what was stored before it, as a call stores its registers.
[[gnu::flatten]] Expected<Mapping> File::map(std::int64_t offset, std::int64_t length,
                                             const Patience* patience) noexcept {
  const std::int64_t size = this->size();
  if (offset >= 0 && length > 0 && length <= size && offset <= size - length) [[likely]] {
    const std::size_t within = within_granule(offset);
    if (static_cast<std::uint64_t>(length) <= arena_->granule() - within) [[likely]] {
      const Page page = make_page(number_, granule_at(offset));
      auto* const record = static_cast<Record*>(arena_->window().kmap_if_mapped(page));
      if (record != nullptr) [[likely]] {
        if (record->ready.load(std::memory_order_acquire) == page) [[likely]] {
          arena_->window().hand_over(page);  // whichever thread destroys the mapping
          return Mapping(this, record, record->data() + within, static_cast<std::size_t>(length));
        }
        arena_->window().kunmap_address(record);
      }
    }
  }
  return map_slow(offset, length, patience);
}

File::Around File::map_around(std::int64_t offset, std::int64_t length,
                              const Patience* patience) noexcept {
  if (Error wrong = check_range(offset, length)) return {wrong, offset};
  const auto within = static_cast<std::int64_t>(within_granule(offset));
  const auto granule = static_cast<std::int64_t>(arena_->granule());
  if (length > granule - within) return {map(offset, length, patience), offset};
  const std::int64_t begin = offset - within;
  return {map(begin, std::min(granule, size() - begin), patience), begin};
}

[[gnu::noinline]] Expected<Mapping> File::map_slow(std::int64_t offset, std::int64_t length,
                                                   const Patience* patience) noexcept {
  if (arena_->is_left()) return error(WindowErrc::forked, offset, length);
  if (Error wrong = check_range(offset, length)) return wrong;
  arena_->clock().move(Platform::now(), kClockStepNs);
  if (static_cast<std::uint64_t>(length) <= arena_->granule() - within_granule(offset))
    return map_granule(offset, length, patience);
  return map_span(offset, length, patience);
}

Error File::check_range(std::int64_t offset, std::int64_t length) noexcept {
  if (offset < 0 || length < 1) return error(WindowErrc::invalid_range, offset, length);
  const auto lies_within = [&] { return length <= size() && offset <= size() - length; };
  if (lies_within()) return {};
  if (const int number = refresh_size(); number != 0) return system_error(number, offset, length);
  if (lies_within()) return {};
  return error(WindowErrc::beyond_end, offset, length, size());
}

/// A range within one granule, which has no slot, or whose slot is not ready.
Expected<Mapping> File::map_granule(std::int64_t offset, std::int64_t length,
                                    const Patience* patience) noexcept {
  const Page page = make_page(number_, granule_at(offset));
  const Directory::Hold hold(arena_->directory(), page);
  if (!hold) return error(WindowErrc::busy, offset, length);
  Result<void*> slot = kmap(page, patience);
  // A granule that has been patched is mapped anew, unless somebody still holds it.
  while (slot && static_cast<Record*>(*slot)->fault.load(std::memory_order_relaxed) != 0) {
    arena_->window().kunmap_address(*slot);
    const bool is_held = arena_->window().evict(page) == Evicted::pinned;
    slot = kmap(page, patience);
    if (is_held) break;
  }
  if (!slot) return error(code_of(slot.error()), offset, length);
  Record& record = *static_cast<Record*>(*slot);
  if (const int number = fill(record); number != 0) {
    arena_->window().kunmap_address(&record);
    return system_error(number, offset, length);
  }
  arena_->window().hand_over(page);
  return Mapping(this, &record, record.data() + within_granule(offset),
                 static_cast<std::size_t>(length));
}

Result<void*> File::kmap(Page page, const Patience* patience) {
  Arena::Window& window = arena_->window();
  if (patience == nullptr) {
    if (void* const record = window.try_kmap(page)) return record;
    return MapError::would_sleep;
  }
  Limits<Platform> limits{.deadline_ns = nanoseconds_of(patience->deadline)};
  if (!patience->stop.stop_possible()) return window.kmap_until(page, limits);
  Cancellation<Platform> cancellation;
  limits.cancellation = &cancellation;
  const auto cancel = [&] { window.cancel(cancellation); };
  const std::stop_callback on_stop(patience->stop, cancel);
  return window.kmap_until(page, limits);
}

/// Has the record's granule mapped when it returns 0; else it returns an errno. The caller holds
/// a pin.
int File::fill(Record& record) {
  for (;;) {
    // Acquire, both: pairs with the releases below, and the record's earlier users.
    std::uint32_t state = record.state.load(std::memory_order_acquire);
    if (state == Record::filled) return 0;
    if (state == Record::filling) {
      record.state.wait(Record::filling, std::memory_order_acquire);
    } else if (record.state.compare_exchange_strong(
                   state, Record::filling, std::memory_order_acquire, std::memory_order_relaxed)) {
      const int number = map_record(record);
      if (number == 0) {
        // Release: pairs with map().
        record.ready.store(record.page.load(std::memory_order_relaxed), std::memory_order_release);
      }
      record.state.store(number == 0 ? Record::filled : Record::pending, std::memory_order_release);
      record.state.notify_all();
      return number;
    }
  }
}

int File::map_record(Record& record) {
  const std::uint64_t granule = granule_of(record.page.load(std::memory_order_relaxed));
  if (home_ != nullptr && home_->has(granule)) {
    const int number = map_at_home(record, granule);
    if (number != 0 || home_->has(granule)) return number;
    // It has just been found that home will not do.
  }
  record.place(arena_->slot_address(arena_->slot_of(record)), false, this);
  record.occupied = true;
  const auto offset = static_cast<std::int64_t>(granule << arena_->granule_shift());
  const auto map = [&] {
    return arena_->map(record.data(), arena_->granule(), protection(), descriptor_.number(),
                       offset);
  };
  int number = map();
  if (number == ENOMEM) {  // perhaps too many mappings
    arena_->make_room_for_mappings();
    number = map();
  }
  return number;
}

int File::map_at_home(Record& record, std::uint64_t granule) {
  if (record.occupied)  // else there would be more mapped than there are slots
    arena_->plug(arena_->slot_address(arena_->slot_of(record)), arena_->granule());
  record.occupied = false;
  record.place(home_->address(granule), true, this);
  arena_->counters().add(Work::map_call);
  return home_->fill(granule, size());
}

/// A range across granules: a run of the span area, mapped by one call.
Expected<Mapping> File::map_span(std::int64_t offset, std::int64_t length,
                                 const Patience* patience) noexcept {
  if (length > longest()) return error(WindowErrc::too_large, offset, length, longest());
  const std::uint64_t first = granule_at(offset);
  const auto units = static_cast<std::uint32_t>(granule_at(offset + length - 1) - first + 1);
  const Result<std::uint32_t> run = arena_->spans().take(units, patience);
  if (!run) return error(code_of(run.error()), offset, length);
  std::byte* const address = arena_->span_address(*run);
  const auto map = [&] {
    return arena_->map(address, std::size_t{units} << arena_->granule_shift(), protection(),
                       descriptor_.number(),
                       static_cast<std::int64_t>(first << arena_->granule_shift()));
  };
  int number = map();
  if (number == ENOMEM) {
    arena_->make_room_for_mappings();
    number = map();
  }
  if (number != 0) {
    arena_->spans().give_back(*run, units);
    return system_error(number, offset, length);
  }
  for (std::uint32_t i = 0; i < units; ++i) {
    Arena::SpanUnit& unit = arena_->span_unit(*run + i);
    unit.fault.store(0, std::memory_order_relaxed);
    unit.offset.store(static_cast<std::int64_t>((first + i) << arena_->granule_shift()),
                      std::memory_order_relaxed);
    unit.file.store(this, std::memory_order_release);  // acquired by Arena::patch()
  }
  arena_->counters().add(Work::span);
  spans_held_.fetch_add(1, std::memory_order_relaxed);
  return Mapping(this, nullptr, address + within_granule(offset), static_cast<std::size_t>(length));
}

void File::release(const Mapping& mapping) noexcept {
  if (arena_->is_left()) [[unlikely]]
    return;
  if (mapping.record_ != nullptr) return arena_->window().kunmap_address(mapping.record_);
  release_span(mapping);
}

[[gnu::noinline]] void File::release_span(const Mapping& mapping) noexcept {
  const std::uint32_t first = arena_->unit_at(mapping.data_);
  const std::uint32_t last = arena_->unit_at(mapping.data_ + mapping.size_ - 1);
  if (arena_->is_strict()) {
    arena_->plug(arena_->span_address(first),
                 std::size_t{last - first + 1} << arena_->granule_shift());
  }
  for (std::uint32_t i = first; i <= last; ++i)
    arena_->span_unit(i).file.store(nullptr, std::memory_order_relaxed);
  // Release: pairs with evict_from().
  spans_held_.fetch_sub(1, std::memory_order_release);
  arena_->spans().give_back(first, last - first + 1);
}

Error File::sync() noexcept {
  if (fdatasync(descriptor_.number()) == 0) return {};
  return system_error(errno, 0, size());
}

Error File::start_sync(std::int64_t offset, std::int64_t length) noexcept {
  if (Error wrong = check_range(offset, length)) return wrong;
  if (sync_file_range(descriptor_.number(), offset, length, SYNC_FILE_RANGE_WRITE) == 0) return {};
  return system_error(errno, offset, length);
}

Error File::resize(std::int64_t size) noexcept {
  if (arena_->is_left()) return error(WindowErrc::forked, size);
  if (size < 0) return error(WindowErrc::invalid_range, size);
  if (access_ == Access::read_only) return error(WindowErrc::read_only, size);
  // What is left of the last granule stays; beyond the end it is zeros, as mmap(2) says.
  const std::uint64_t first = granule_at(size) + (within_granule(size) != 0 ? 1 : 0);
  if (size < this->size() && !evict_from(first))
    return error(WindowErrc::pinned, size, this->size() - size, this->size());
  if (ftruncate(descriptor_.number(), size) != 0) return system_error(errno, size);
  if (const int number = refresh_size(); number != 0) return system_error(number, size);
  return {};
}

Error File::discard(std::int64_t offset, std::int64_t length) noexcept {
  if (arena_->is_left()) return error(WindowErrc::forked, offset, length);
  if (within_granule(offset) != 0 || within_granule(length) != 0)
    return error(WindowErrc::invalid_range, offset, length);
  if (Error wrong = check_range(offset, length)) return wrong;
  if (access_ == Access::read_only) return error(WindowErrc::read_only, offset, length);
  const std::uint64_t end = granule_at(offset + length);
  for (std::uint64_t granule = granule_at(offset); granule != end; ++granule) {
    const Page page = make_page(number_, granule);
    const Directory::Hold hold(arena_->directory(), page);
    if (!hold) return error(WindowErrc::busy, offset, length);
    if (arena_->window().evict(page) == Evicted::pinned)
      return error(WindowErrc::pinned, offset, length);
  }
  if (fallocate(descriptor_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) !=
      0) {
    return system_error(errno, offset, length);
  }
  return {};
}

std::int64_t File::longest() const {
  // A range may begin on the last byte of a granule.
  const std::int64_t whole = arena_->spans().units() - 1;
  return (whole << arena_->granule_shift()) + 1;
}

bool File::evict_from(std::uint64_t first) noexcept {
  // Acquire: pairs with release(): uses come before what the caller does to the file.
  bool all = spans_held_.load(std::memory_order_acquire) == 0;
  for (std::uint32_t i = 0; i < arena_->slots(); ++i) {
    const Arena::Window::SlotView view = arena_->window().inspect(SlotIndex{i});
    if (!word::is_live(view.word) || file_of(view.page) != number_ ||
        granule_of(view.page) < first) {
      continue;
    }
    const Directory::Hold hold(arena_->directory(), view.page);
    if (!hold || arena_->window().evict(view.page) == Evicted::pinned) all = false;
  }
  if (all) arena_->plug_leftovers(this);
  return all;
}

int File::refresh_size() {
  struct stat status {};
  if (fstat(descriptor_.number(), &status) != 0) return errno;
  std::int64_t size = status.st_size;
  if (S_ISBLK(status.st_mode)) {
    std::uint64_t bytes = 0;
    if (ioctl(descriptor_.number(), BLKGETSIZE64, &bytes) != 0) return errno;
    size = static_cast<std::int64_t>(bytes);
  } else if (!S_ISREG(status.st_mode)) {
    return S_ISDIR(status.st_mode) ? EISDIR : ENODEV;
  }
  size_.store(size, std::memory_order_relaxed);
  if (home_ != nullptr) grow_home();
  return 0;
}

Error File::error(std::error_code code, std::int64_t offset, std::int64_t length,
                  std::int64_t limit) const {
  return {code, offset, length, limit, name_};
}

Error File::system_error(int number, std::int64_t offset, std::int64_t length) const {
  return error({number, std::system_category()}, offset, length);
}

}  // namespace kmapper::process
