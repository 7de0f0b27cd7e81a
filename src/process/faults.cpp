// What arenas and files do when an access to a mapping cannot be carried out. Most of it runs in a
// signal handler: no locks, no memory from the heap, only system calls.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "process/arena.hpp"
#include "process/file.hpp"
#include "process/page_size.hpp"
#include "process/populate.hpp"

namespace kmapper::process {
namespace {

std::byte* page_of(std::byte* address) {
  return address - reinterpret_cast<std::uintptr_t>(address) % page_size();
}

/// The system call itself: the library's function may be somebody's who is not made for handlers.
bool replace_by_zeros(std::byte* page, int protection) {
#ifdef SYS_mmap2
  constexpr long kCall = SYS_mmap2;
#else
  constexpr long kCall = SYS_mmap;
#endif
  return syscall(kCall, page, page_size(), protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0L) != -1;
}

}  // namespace

bool Arena::patch(std::byte* address, Direction direction) noexcept {
  if (!range_.contains(address)) return patch_at_home(address, direction);
  const std::size_t unit = static_cast<std::size_t>(address - begin_) >> shape_.granule_shift;
  if (unit < shape_.slots) {
    Record& record = records_[unit];
    return !record.is_at_home() && patch(record, address, direction);
  }
  SpanUnit& span = span_units_[unit - shape_.slots];
  File* const file = span.file.load(std::memory_order_acquire);
  if (file == nullptr) return false;
  const std::int64_t offset =
      span.offset.load(std::memory_order_relaxed) +
      (address - span_address(static_cast<std::uint32_t>(unit - shape_.slots)));
  return replace(*file, address, offset, direction, span.fault);
}

/// While the granule is taken back from one slot, it may have another already, which is in use.
bool Arena::patch_at_home(std::byte* address, Direction direction) noexcept {
  for (std::uint32_t i = 0; i < shape_.slots; ++i) {
    Record& record = records_[i];
    if (!record.is_at_home() || static_cast<std::size_t>(address - record.data()) >= granule())
      continue;
    if (patch(record, address, direction)) return true;
  }
  return false;
}

/// Only of a granule that somebody holds: what else touches it is no use of the window. Filling one
/// at home is, see Home::fill().
bool Arena::patch(Record& record, std::byte* address, Direction direction) noexcept {
  std::uint32_t state = record.state.load(std::memory_order_acquire);
  if (!word::is_pinned(window_->inspect(slot_of(record)).word) ||
      (state != Record::filled && state != Record::patched && state != Record::filling)) {
    return false;
  }
  const auto granule = static_cast<std::int64_t>(
      granule_of(record.page.load(std::memory_order_relaxed)) << shape_.granule_shift);
  if (!replace(*record.owner(), address, granule + (address - record.data()), direction,
               record.fault))
    return false;
  // From now on the granule is not found by a hit; File::map_granule() sees why.
  if (state == Record::filled && record.fault.load(std::memory_order_relaxed) != 0)
    record.state.compare_exchange_strong(state, Record::patched, std::memory_order_relaxed);
  return true;
}

/// What may be a write is one that fails where the page can be read, but not written to: on a full
/// disk, say, where reading shows a hole. So no access is made again that must fail again.
bool Arena::replace(const File& file, std::byte* address, std::int64_t offset, Direction direction,
                    std::atomic<int>& fault) noexcept {
  std::byte* const page = page_of(address);
  const int protection = file.protection();
  const bool may_write = direction != Direction::read && (protection & PROT_WRITE) != 0;
  const bool is_write = direction == Direction::write && may_write;
  // Another thread may have replaced it, and written to it; or all is well again.
  const bool is_readable = is_write || populate(page, MADV_POPULATE_READ);
  if (is_readable && (!may_write || populate(page, MADV_POPULATE_WRITE))) return true;
  fault.store(file.fault_at(offset, may_write), std::memory_order_relaxed);
  return replace_by_zeros(page, protection);
}

int File::fault_of(const Mapping& mapping) const noexcept {
  if (mapping.record_ != nullptr) return mapping.record_->fault.load(std::memory_order_relaxed);
  const std::uint32_t last = arena_->unit_at(mapping.data_ + mapping.size_ - 1);
  for (std::uint32_t i = arena_->unit_at(mapping.data_); i <= last; ++i) {
    const int fault = arena_->span_unit(i).fault.load(std::memory_order_relaxed);
    if (fault != 0) return fault;
  }
  return 0;
}

int File::fault_at(std::int64_t offset, bool write) const noexcept {
  struct stat status {};
  if (fstat(descriptor_.number(), &status) == 0 && S_ISREG(status.st_mode) &&
      offset >= status.st_size) {
    return kCutShort;
  }
  struct statfs system {};
  if (write && fstatfs(descriptor_.number(), &system) == 0 && system.f_blocks != 0 &&
      system.f_bavail == 0) {
    return ENOSPC;
  }
  return EIO;
}

void File::restore_home(const Record& record) noexcept {
  home_->restore(granule_of(record.page.load(std::memory_order_relaxed)), descriptor_.number(),
                 protection());
}

int File::protection() const noexcept {
  return access_ == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
}

}  // namespace kmapper::process
