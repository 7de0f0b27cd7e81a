// The file as a whole: its name, its size, syncing it with its disk, and its granules' addresses at
// home.
#include "process/file/file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <system_error>

#include "process/fault/arenas.hpp"
#include "process/file/opening.hpp"
#include "system/page_size.hpp"
#include "system/system_call.hpp"
#include "system/transfer.hpp"

namespace kmapper::process {
namespace {

/// The most address space that a range may take to be synced by itself.
constexpr std::uint64_t kMostAddresses = std::uint64_t{sizeof(void*) == 8 ? 1024 : 16} << 20;

/// The end of the last granule that can be mapped of a file, however long the file is. Both ends of
/// that granule are valid offsets. In 32-bit processes, mmap2() also limits them: it counts units
/// of 4 KiB in 32 bits.
std::int64_t last_end(const Arena& arena, bool has_copies) {
  const unsigned shift = arena.granule_shift();
  std::uint64_t granules = std::min(kMostGranules, std::uint64_t{INT64_MAX} >> shift);
  if (sizeof(void*) == 4 && !has_copies) {
    constexpr std::uint64_t kMostBytes = std::uint64_t{UINT32_MAX} << 12;
    granules = std::min(granules, kMostBytes >> shift);
  }
  return static_cast<std::int64_t>(granules << shift);
}

std::size_t check_pages(int descriptor, const std::string& name, const Arena& arena,
                        bool wants_copies) {
  if (!wants_copies) return check_mappable(descriptor, name, arena.granule());
  check_readable(descriptor, name);
  return system::page_size();
}

}  // namespace

File::File(system::Descriptor descriptor, std::string name, Access access,
           std::shared_ptr<Arena> arena, Kind kind, Placement wanted)
    : descriptor_(std::move(descriptor)),
      name_(std::make_shared<const std::string>(std::move(name))),
      access_(access),
      kind_(kind),
      arena_(std::move(arena)),
      units_(arena_->granule_shift()),
      wanted_(arena_->placement() == Placement::automatic ? wanted : arena_->placement()),
      page_(check_pages(descriptor_.number(), *name_, *arena_, wanted_ == Placement::copies)),
      choice_(choose_placement(true)),
      direct_(arena_->is_direct() && kind_ == Kind::file
                  ? DirectIo(descriptor_.number(), *name_, access_)
                  : DirectIo()),
      dirty_(has_copies() && access_ == Access::read_write
                 ? std::make_unique<DirtyCopies>(arena_->dirty_copies())
                 : nullptr),
      mark_(writes_back() ? Mapping::kToWrite : 0),
      last_end_(last_end(*arena_, has_copies())) {
  if (arena_->is_left()) throw std::system_error(WindowErrc::forked, *name_);
  if (const int number = refresh_size(); number != 0)
    throw std::system_error(number, std::system_category(), *name_);
  try {
    if (choice_.placement == Placement::home) open_home();
    number_ = arena_->files().add(*this);
  } catch (...) {
    arena_->give_page_tables_back(Home::page_tables_for(home_size_));
    throw;
  }
}

File::~File() {
  if (arena_->is_left()) return;
  arena_->give_page_tables_back(Home::page_tables_for(home_size_));
  if (number_ != 0) arena_->files().remove(number_);
  wait_for_handlers();  // a handler may have found this file in a record or in a span
}

/// Where this file is placed, unless the user says it: as what a miss costs here suggests. A 32-bit
/// process has other uses for its addresses than homes, and a strict budget unmaps each granule by
/// itself. What is written to a file is never placed in copies: then it would be lost when the
/// process is killed before it has written it back, and other users of the file would not see it.
Choice File::choose_placement(bool may_be_home) const {
  if (wanted_ != Placement::automatic)
    return {wanted_, why_chosen(wanted_, "the budget's options say so")};
  if (arena_->is_strict())
    return {Placement::slots, why_chosen(Placement::slots, "the budget is strict")};
  constexpr bool kIsWide = sizeof(void*) == 8;
  const Candidates candidates{.home = kIsWide && may_be_home,
                              .copies = access_ == Access::read_only};
  if (const auto costs = costs_of({descriptor_.number(), access_, arena_->granule_shift()}))
    return choose(*costs, candidates, arena_->granule());
  const Placement usual = candidates.home ? Placement::home : Placement::slots;
  return {usual, why_chosen(usual, "what a miss costs cannot be measured with this file")};
}

Placement File::placement() const noexcept {
  if (choice_.placement == Placement::home && home_->is_given_up()) return Placement::slots;
  return choice_.placement;
}

const char* File::why_placed() const noexcept {
  if (placement() == choice_.placement) return choice_.why.c_str();
  return "slots: the kernel maps more of the file than what is touched";
}

void File::open_home() {
  const char* reason = "the kernel maps more of such a file than what is touched";
  if (page_ == system::page_size()) {
    home_ = Home::open({.descriptor = descriptor_.number(),
                        .protection = protection(),
                        .granule_shift = arena_->granule_shift(),
                        .is_dumped = arena_->core_dump() == CoreDump::everything});
  }
  if (home_ != nullptr) reason = grow_home();
  if (reason == nullptr) return;
  if (wanted_ != Placement::home) {
    home_.reset();
    choice_ = choose_placement(false);
    return;
  }
  throw std::system_error(WindowErrc::invalid_option,
                          *name_ + ": no home placement of " + std::to_string(size()) +
                              " bytes of this file in granules of " +
                              std::to_string(arena_->granule()) + " bytes: " + reason);
}

/// Gives the part by which the file has grown addresses at home, too, if the budget has room for
/// their page tables, and the process for the addresses. Returns why not; null: it has them.
const char* File::grow_home() {
  const std::lock_guard lock(growing_);
  const std::int64_t size = end();
  if (size <= home_size_) return nullptr;
  const std::int64_t more = Home::page_tables_for(size) - Home::page_tables_for(home_size_);
  if (!arena_->take_page_tables(more)) return "page tables for it are more than the budget allows";
  if (!home_->admit(size)) {
    arena_->give_page_tables_back(more);
    return "there are not enough addresses for it, or the process locks what it maps (mlockall)";
  }
  home_size_ = size;
  return nullptr;
}

Error File::check_range(std::int64_t offset, std::int64_t length) noexcept {
  if (arena_->is_left()) return error(WindowErrc::forked, offset, length);
  if (offset < 0 || length < 1) return error(WindowErrc::invalid_range, offset, length);
  if (lies_within(offset, length, hit_end_.load(std::memory_order_relaxed))) return {};
  if (const int number = refresh_size(); number != 0) return system_error(number, offset, length);
  return check_end(offset, length);
}

Error File::check_end(std::int64_t offset, std::int64_t length) const {
  if (lies_within(offset, length, end())) return {};
  if (lies_within(offset, length, size()))
    return error({EFBIG, std::system_category()}, offset, length, end());
  return error(WindowErrc::beyond_end, offset, length, size());
}

Error File::check_granule(const Arena& arena, std::int64_t offset, std::int64_t length) noexcept {
  if (arena_.get() != &arena)
    return error(WindowErrc::invalid_option, offset, length, {},
                 "the window belongs to another budget");
  if (Error wrong = check_range(offset, length)) return wrong;
  const auto granule = static_cast<std::int64_t>(arena_->granule());
  if (length > granule - static_cast<std::int64_t>(within_granule(offset)))
    return error(WindowErrc::too_large, offset, length, granule);
  return {};
}

void File::advise(Advice advice) noexcept {
  if (arena_->is_left()) return;  // the parent has the same open file
  streams_.advise(advice);
  constexpr int kSystems[] = {POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM};
  (void)posix_fadvise(descriptor_.number(), 0, 0, kSystems[static_cast<std::size_t>(advice)]);
}

Error File::sync() noexcept {
  if (arena_->is_left()) return error(WindowErrc::forked);
  if (const int number = write_back(0, UINT64_MAX); number != 0)
    return error({number, std::system_category()});
  if (system::uninterrupted([this] { return fdatasync(descriptor_.number()); }) != 0)
    return error({errno, std::system_category()});
  return say_fault();
}

/// fsync() only syncs all of a file. msync(2) syncs a range, and it syncs the file's bytes whether
/// they are mapped or not. So the range gets inaccessible addresses for the length of the call.
Error File::sync(std::int64_t offset, std::int64_t length) noexcept {
  if (Error wrong = check_range(offset, length)) return wrong;
  if (const int number = write_back(granule_at(offset), granule_behind(offset, length));
      number != 0)
    return system_error(number, offset, length);
  const std::int64_t begin = offset - offset % static_cast<std::int64_t>(system::page_size());
  const auto size = static_cast<std::uint64_t>(offset - begin + length);
  const auto bytes = static_cast<std::size_t>(size);
  void* const address = size > kMostAddresses ? MAP_FAILED : system::uninterrupted([&] {
    return mmap64(nullptr, bytes, PROT_NONE, MAP_SHARED, descriptor_.number(), begin);
  });
  if (address == MAP_FAILED) return sync();
  const int number =
      system::uninterrupted([&] { return msync(address, bytes, MS_SYNC); }) == 0 ? 0 : errno;
  munmap(address, bytes);
  return number != 0 ? system_error(number, offset, length) : say_fault();
}

Error File::start_sync(std::int64_t offset, std::int64_t length) noexcept {
  if (Error wrong = check_range(offset, length)) return wrong;
  if (const int number = write_back(granule_at(offset), granule_behind(offset, length));
      number != 0)
    return system_error(number, offset, length);
  const auto start = [&] {
    return sync_file_range(descriptor_.number(), offset, length, SYNC_FILE_RANGE_WRITE);
  };
  if (system::uninterrupted(start) == 0) return {};
  return system_error(errno, offset, length);
}

Error File::resize(std::int64_t size) noexcept {
  const auto wrong = [&](std::error_code code) { return size_error(code, size); };
  if (arena_->is_left()) return wrong(WindowErrc::forked);
  if (size < 0) return size_error(WindowErrc::invalid_range, size, "a size below 0");
  if (access_ == Access::read_only) return wrong(WindowErrc::read_only);
  const std::lock_guard lock(resizing_);
  // The rest of the last granule stays mapped; beyond the end it is zeros, as mmap(2) says.
  const std::uint64_t first = granule_at(size) + (within_granule(size) != 0 ? 1 : 0);
  const bool is_cut = size < this->size();
  // Lives until the new size is known: no read-ahead maps the part that is cut off.
  std::optional<ReadAheads::Pause> pause;
  if (is_cut) pause.emplace(read_aheads_);
  if (is_cut && !evict_from(first)) return wrong(WindowErrc::pinned);
  const auto cut = [&] {
    const std::unique_lock lock(writing_);  // otherwise what is cut off might be written again
    return system::within_size_limit([&] { return ftruncate(descriptor_.number(), size); });
  };
  if (cut() != 0) return wrong({errno, std::system_category()});
  if (is_cut) cut_copy(size);
  if (const int number = refresh_size(); number != 0)
    return wrong({number, std::system_category()});
  return {};
}

Expected<std::int64_t> File::append(std::span<const std::byte> bytes) noexcept {
  const auto length = static_cast<std::int64_t>(bytes.size());
  if (arena_->is_left()) return error(WindowErrc::forked, size(), length);
  if (access_ == Access::read_only) return error(WindowErrc::read_only, size(), length);
  const std::lock_guard lock(resizing_);
  if (const int number = refresh_size(); number != 0) return system_error(number, size(), length);
  const std::int64_t end = size();
  if (const int number = system::write_all(descriptor_.number(), bytes, end); number != 0) {
    (void)system::uninterrupted([&] { return ftruncate64(descriptor_.number(), end); });
    (void)refresh_size();
    return system_error(number, end, length);
  }
  if (const int number = refresh_size(); number != 0) return system_error(number, size(), length);
  return end;
}

Error File::discard(std::int64_t offset, std::int64_t length) noexcept {
  if (arena_->is_left()) return error(WindowErrc::forked, offset, length);
  if (Error wrong = check_range(offset, length)) return wrong;
  // The range may end with the file, as the file was when its size was last read, or as it is now.
  const auto ends_well = [&] { return within_granule(length) == 0 || offset + length == size(); };
  if (!ends_well()) {
    if (const int number = refresh_size(); number != 0) return system_error(number, offset, length);
  }
  if (within_granule(offset) != 0 || !ends_well()) {
    return error(WindowErrc::invalid_range, offset, length,
                 static_cast<std::int64_t>(arena_->granule()),
                 "the range does not begin with a granule, and end with one or with the file");
  }
  if (access_ == Access::read_only) return error(WindowErrc::read_only, offset, length);
  const std::uint64_t end = granule_behind(offset, length);
  // A mapping across granules that is held would be written over the hole.
  bool is_pinned = writes_back() && spans_held_.load(std::memory_order_acquire) != 0;
  for_each_page(granule_at(offset), end,
                [&](Page page, const Record&) { is_pinned = is_pinned || !evict(page); });
  if (is_pinned) return error(WindowErrc::pinned, offset, length);
  const auto punch = [&] {
    return fallocate(descriptor_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                     length);
  };
  if (system::uninterrupted(punch) == 0) return {};
  return system_error(errno, offset, length);
}

int File::take_blocks(std::int64_t offset, std::int64_t length) const noexcept {
  const auto take = [&] {
    return fallocate(descriptor_.number(), FALLOC_FL_KEEP_SIZE, offset, length);
  };
  return system::uninterrupted(take) == 0 ? 0 : errno;
}

std::int64_t File::longest() const {
  // A range may begin on the last byte of a granule.
  const std::int64_t whole = arena_->spans().units() - 1;
  return (whole << arena_->granule_shift()) + 1;
}

bool File::evict(Page page) noexcept {
  if (arena_->window().evict(page) != Evicted::pinned) return true;
  const ReadAheads::Pause pause(read_aheads_);
  return arena_->window().evict(page) != Evicted::pinned;
}

bool File::evict_from(std::uint64_t first) noexcept {
  // Acquire: pairs with release(): uses come before what the caller does to the file.
  bool all = spans_held_.load(std::memory_order_acquire) == 0;
  for_each_page(first, kNoEnd, [&](Page page, const Record&) {
    if (!evict(page)) all = false;
  });
  if (all) plug_leftovers();
  return all;
}

void File::plug_leftovers() {
  if (uses_own_addresses_.load(std::memory_order_relaxed)) arena_->plug_leftovers(this);
}

/// `read_end`: where a read has ended.
int File::refresh_size(std::int64_t read_end) {
  const std::lock_guard lock(sizing_);
  struct stat status {};
  if (system::uninterrupted([&] { return fstat(descriptor_.number(), &status); }) != 0)
    return errno;
  std::int64_t size = status.st_size;
  if (S_ISBLK(status.st_mode)) {
    std::uint64_t bytes = 0;
    if (ioctl(descriptor_.number(), BLKGETSIZE64, &bytes) != 0) return errno;
    size = static_cast<std::int64_t>(bytes);
  } else if (!S_ISREG(status.st_mode)) {
    return S_ISDIR(status.st_mode) ? EISDIR : ENODEV;
  }
  set_size(readable_size(size, read_end));
  if (home_ != nullptr) (void)grow_home();
  return 0;
}

}  // namespace kmapper::process
