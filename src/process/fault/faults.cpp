// What arenas and files do when an access to a mapping fails. Most of it runs in a signal handler:
// no locks, no memory from the heap, only system calls.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "process/fault/cause.hpp"
#include "process/fault/probe.hpp"
#include "process/file/file.hpp"
#include "process/window/arena.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

std::byte* begin_of_page(std::byte* address, std::size_t page) {
  return address - reinterpret_cast<std::uintptr_t>(address) % page;
}

/// Makes the system call directly: a program may replace mmap() by a function that handlers may not
/// call.
bool replace_by_zeros(std::byte* page, std::size_t size, int protection) {
#ifdef SYS_mmap2
  constexpr long kCall = SYS_mmap2;
#else
  constexpr long kCall = SYS_mmap;
#endif
  const auto map = [&] {
    return syscall(kCall, page, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L);
  };
  // If the process locks its memory and has reached its limit, the old page is unlocked, and goes.
  return map() != -1 || (errno == EAGAIN && syscall(SYS_munlock, page, size) == 0 && map() != -1);
}

}  // namespace

bool Arena::patch(std::byte* address, system::Direction direction) noexcept {
  if (!range_.contains(address)) return patch_at_home(address, direction);
  const std::size_t unit = static_cast<std::size_t>(address - begin_) >> shape_.granule_shift;
  if (unit < shape_.slots) {
    Record& record = this->record(SlotIndex{static_cast<std::uint32_t>(unit)});
    return !record.is_at_home() && patch(record, address, direction);
  }
  SpanUnit& span = span_units_[unit - shape_.slots];
  File* const file = span.file.load(std::memory_order_acquire);
  if (file == nullptr) return false;
  const std::int64_t offset =
      span.offset.load(std::memory_order_relaxed) +
      (address - span_address(static_cast<std::uint32_t>(unit - shape_.slots)));
  const bool is_private = span.is_private.load(std::memory_order_relaxed);
  return replace(*file, address, offset, direction, span.fault,
                 is_private ? Shown::is_private : Shown::shared);
}

bool Arena::patch_at_home(std::byte* address, system::Direction direction) noexcept {
  // A file that is found here is not freed before the handler has ended: see ~File().
  for (std::uint32_t number = 1; number < files_.end(); ++number) {
    const File* const file = files_.at(number);
    if (file == nullptr || file->home() == nullptr) continue;
    const std::optional<std::uint64_t> granule = file->home()->granule_at(address);
    if (!granule) continue;
    // Without a lock: the handler may have interrupted the thread that has it.
    const SlotIndex slot = window_->find_if_seen(make_page(number, *granule));
    const auto patches = [&](Record& record) {
      // Acquire: pairs with Record::place().
      return record.at_home.load(std::memory_order_acquire) && patch(record, address, direction);
    };
    if (slot != kNoSlot && patches(record(slot))) return true;
    // The directory is being changed just there; or this is a fork's child, where it is empty.
    for (std::uint32_t i = 0; i < window_->slots_in_use(); ++i) {
      if (patches(record(SlotIndex{i}))) return true;
    }
    return false;
  }
  return false;
}

/// Patches only a granule that is pinned: any other access is no use of the window. Filling a
/// granule at home is a use, see Home::fill(); only there may a granule be accessed before it is
/// filled. The file may be closed by now, but it is not freed: see ~File().
bool Arena::patch(Record& record, std::byte* address, system::Direction direction) noexcept {
  if (static_cast<std::size_t>(address - record.data()) >= granule()) return false;
  std::uint32_t state = record.state.load(std::memory_order_acquire);
  if (!word::is_pinned(window_->inspect(slot_of(record)).word) ||
      (state != Record::filled && state != Record::patched &&
       (state != Record::filling || !record.is_at_home()))) {
    return false;
  }
  const auto granule =
      static_cast<std::int64_t>(granule_of(page_of(record)) << shape_.granule_shift);
  const std::int64_t offset = granule + (address - record.data());
  const Shown shown = state == Record::filling ? Shown::filling : Shown::shared;
  File* const file = owner_of(record);
  if (file == nullptr || !replace(*file, address, offset, direction, record.fault, shown))
    return false;
  // From now on no hit finds the granule; File::map_granule() finds the reason.
  if (state == Record::filled && record.fault.load() != 0)
    record.state.compare_exchange_strong(state, Record::patched, std::memory_order_relaxed);
  return true;
}

/// An access of unknown direction counts as a write if the page can be read but not written to: on
/// a full disk, for example, where reading shows a hole. So no access is repeated that must fail
/// again. While a granule is being filled, no caller has a mapping that shows the page:
/// File::fill() learns of the fault before it returns such a mapping; read-ahead returns none. Of a
/// private mapping, no write is lost to the file.
bool Arena::replace(File& file, std::byte* address, std::int64_t offset,
                    system::Direction direction, Fault& fault, Shown shown) noexcept {
  const std::size_t size = file.page();
  std::byte* const page = begin_of_page(address, size);
  offset -= address - page;
  const bool is_private = shown == Shown::is_private;
  const int protection = is_private ? PROT_READ | PROT_WRITE : file.protection();
  const bool writes_file = !is_private && (protection & PROT_WRITE) != 0;
  const bool may_write = direction != system::Direction::read && (protection & PROT_WRITE) != 0;
  const bool is_write = direction == system::Direction::write && may_write;
  const auto is_well = [&] {
    return (is_write || is_readable(page)) && (!may_write || is_writable(page));
  };
  // Another thread may have replaced the page, and written to it; or the cause is gone.
  if (is_well()) return true;
  int cause = file.fault_at(offset, writes_file);
  if (cause == 0) {
    if (is_well()) return true;
    cause = file.repeated_fault(writes_file);
  }
  fault.store(cause);
  if (shown == Shown::shared) file.remember_fault(offset, cause);
  // A page in the middle of a mapping splits it into three, and there may be too many mappings.
  return replace_by_zeros(page, size, protection) ||
         (make_room_for_a_few_mappings() && replace_by_zeros(page, size, protection));
}

int File::fault_of(const Mapping& mapping) const noexcept {
  if (const Record* const record = record_of(mapping); record != nullptr) {
    const int fault = record->fault.load();
    if (fault != 0 || !writes_back()) return fault;
    return arena_->dirty(arena_->slot_of(*record)).fault.load();
  }
  const std::uint32_t last = arena_->unit_at(mapping.data_ + mapping.size_ - 1);
  for (std::uint32_t i = arena_->unit_at(mapping.data_); i <= last; ++i) {
    const int fault = arena_->span_unit(i).fault.load();
    if (fault != 0) return fault;
  }
  return 0;
}

int File::fault_at(std::int64_t page_offset, bool writable) const noexcept {
  return cause_of_fault(descriptor_.number(), page_offset, writable);
}

int File::repeated_fault(bool writable) const noexcept {
  if (page_ != system::page_size()) return ENOMEM;  // the pool of huge pages is empty
  return cause_of_repeated_fault(descriptor_.number(), writable);
}

void File::remember_fault(std::int64_t offset, int cause) noexcept {
  if (cause == 0 || access_ == Access::read_only ||
      unsaid_fault_.load(std::memory_order_relaxed) != 0) {
    return;
  }
  unsaid_fault_at_.store(offset, std::memory_order_relaxed);
  unsaid_fault_.store(cause, std::memory_order_release);  // pairs with say_fault()
}

Error File::say_fault() noexcept {
  const int cause = unsaid_fault_.exchange(0, std::memory_order_acquire);
  if (cause == 0) return {};
  return system_error(cause, unsaid_fault_at_.load(std::memory_order_relaxed),
                      static_cast<std::int64_t>(page_));
}

void File::restore_home(const Record& record) noexcept {
  const std::uint64_t granule = granule_of(arena_->page_of(record));
  if (home_->restore(granule)) return;
  if (arena_->make_room_for_a_few_mappings() && home_->restore(granule)) return;
  home_->close();
}

int File::protection() const noexcept {
  return access_ == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
}

}  // namespace kmapper::process
