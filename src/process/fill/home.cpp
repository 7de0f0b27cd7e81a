#include "process/fill/home.hpp"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <new>
#include <utility>

#include "process/fill/map_by_writing.hpp"
#include "process/fill/present_pages.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

/// The most that the kernel maps around a read fault, whatever its page size.
constexpr std::size_t kFaultAround = std::size_t{64} << 10;

/// The smallest extent that a growing file gets.
constexpr std::uint64_t kLeastGrowth = std::uint64_t{1} << 20;

/// Whether the kernel maps exactly what was asked for of this file.
bool is_mapped_exactly(int descriptor, std::size_t granule, bool writable) {
  if (granule >= system::page_table_reach()) return true;
  return is_memory_file(descriptor) && (writable || granule >= kFaultAround);
}

}  // namespace

bool is_memory_file(int descriptor) {
  struct stat file {};
  struct statfs system {};
  // The system's nodes of block devices are in a file system of that kind; the devices are not.
  return fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode) &&
         fstatfs(descriptor, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

Home::Home(const Terms& terms) : terms_(terms), by_writing_(granule() < kFaultAround) {}

std::unique_ptr<Home> Home::open(const Terms& terms) {
  const std::size_t granule = std::size_t{1} << terms.granule_shift;
  if (!is_mapped_exactly(terms.descriptor, granule, (terms.protection & PROT_WRITE) != 0))
    return nullptr;
  return std::unique_ptr<Home>(new Home(terms));
}

std::int64_t Home::page_tables_for(std::int64_t size) {
  const auto reach = static_cast<std::int64_t>(system::page_table_reach());
  return (size / reach + (size % reach != 0 ? 1 : 0)) *
         static_cast<std::int64_t>(system::page_size());
}

bool Home::admit(std::int64_t size) {
  const std::uint64_t granules =
      (static_cast<std::uint64_t>(size) + granule() - 1) >> granule_shift();
  if (granules > end_ && !grow(granules)) return false;
  // Release: pairs with has(). Acquire: if look_around() came first, this thread sees what it set.
  granules_.exchange(granules, std::memory_order_acq_rel);
  if (!given_up_.load(std::memory_order_relaxed)) return true;
  granules_.store(0, std::memory_order_relaxed);
  return false;
}

/// Adds as much again as there is, so that a file that grows all the time has few extents. If there
/// are no addresses for that, adds just what is needed, unless that is little.
bool Home::grow(std::uint64_t granules) {
  const std::uint64_t needed = granules - end_;
  if (end_ == 0) return add_extent(needed);
  if (add_extent(std::max({needed, end_, kLeastGrowth >> granule_shift()}))) return true;
  constexpr std::uint64_t kLittle = 8;
  return needed >= end_ / kLittle && add_extent(needed);
}

bool Home::add_extent(std::uint64_t granules) {
  HomeRange range = map_extent(end_, granules);
  if (range.is_empty()) return false;
  auto* const extent = new (std::nothrow) Extent{std::move(range), end_, std::move(extents_)};
  if (extent == nullptr) return false;
  extents_.reset(extent);
  end_ += granules;
  newest_.store(extents_.get(), std::memory_order_release);  // pairs with its readers
  return true;
}

/// An extent that ends before the end of its first huge page can have no huge page mapped in it.
HomeRange Home::map_extent(std::uint64_t first, std::uint64_t granules) const {
  const std::uint64_t size = granules << granule_shift();
  const std::uint64_t offset = first << granule_shift();
  const std::size_t reach = system::page_table_reach();
  const bool is_small = offset + size <= reach && granule() < reach;
  const std::size_t alignment = is_small ? std::max(kFaultAround, system::page_size()) : reach;
  const std::uint64_t skew = granule() < reach && !is_small ? kFaultAround : 0;
  const auto remainder = static_cast<std::size_t>((offset + skew) % alignment);
  if (size > SIZE_MAX / 2) return {};
  HomeRange range = HomeRange::reserve(static_cast<std::size_t>(size), {alignment, remainder});
  if (range.is_empty()) return {};
  if (mmap64(range.begin(), range.size(), terms_.protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
             terms_.descriptor, static_cast<std::int64_t>(offset)) == MAP_FAILED) {
    return {};
  }
  if (!terms_.is_dumped) madvise(range.begin(), range.size(), MADV_DONTDUMP);
  return range;
}

int Home::fill(std::uint64_t first, std::uint64_t granules, std::int64_t size) {
  if (by_writing_) {
    // A file that ends within a page has all of that page.
    const std::int64_t rest = size - static_cast<std::int64_t>(first << granule_shift());
    const auto all = static_cast<std::int64_t>(granules << granule_shift());
    const auto bytes = static_cast<std::size_t>(std::clamp<std::int64_t>(rest, 0, all));
    if (const int number = map_by_writing(address(first), bytes); number != 0) return number;
  }
  // Relaxed: one thread looks; it does not matter which.
  if (looked_.load(std::memory_order_relaxed) == 0 &&
      looked_.exchange(1, std::memory_order_relaxed) == 0) {
    look_around(first);
  }
  return 0;
}

bool Home::restore(std::uint64_t granule) {
  const auto offset = static_cast<std::int64_t>(granule << granule_shift());
  const std::size_t size = this->granule();
  if (system::map_over(address(granule), size, terms_.protection, MAP_SHARED | MAP_NORESERVE,
                       terms_.descriptor, offset) != 0) {
    madvise(address(granule), size, MADV_DONTNEED);  // at least frees the memory
    return false;
  }
  if (!terms_.is_dumped) madvise(address(granule), size, MADV_DONTDUMP);
  return true;
}

void Home::close() {
  given_up_.store(true, std::memory_order_relaxed);
  granules_.store(0, std::memory_order_release);  // pairs with admit()
}

bool Home::is_locked() const {
  bool is = false;
  for_each_extent(
      [&is](std::byte* begin, std::size_t size) { is = is || system::is_locked(begin, size); });
  return is;
}

void Home::unlock() {
  for_each_extent([](std::byte* begin, std::size_t size) {
    if (!system::is_locked(begin, size)) return;
    munlock(begin, size);
    madvise(begin, size, MADV_DONTNEED);
  });
}

/// Reads a byte if reading maps, and then looks for pages that are mapped around the granule. Pages
/// that other threads have mapped there meanwhile are mistaken for the kernel's doing, which costs
/// only speed.
void Home::look_around(std::uint64_t granule) {
  std::byte* const own = address(granule);
  std::byte* const behind = own + this->granule();
  if (!by_writing_) (void)*static_cast<volatile std::byte*>(own);
  const auto some = [](const std::byte* begin, const std::byte* end) {
    return std::min(system::page_table_reach(), static_cast<std::size_t>(end - begin));
  };
  const HomeRange& range = extent_of(granule).range;
  const std::size_t before = some(range.begin(), own);
  const std::size_t after = some(behind, range.begin() + range.size());
  PresentPages present;
  // Without /proc the answer is unknown (-1): the kernel is trusted.
  if (present.bytes(own - before, before) <= 0 && present.bytes(behind, after) <= 0) return;
  close();
  for_each_extent([](std::byte* begin, std::size_t size) { madvise(begin, size, MADV_DONTNEED); });
}

}  // namespace kmapper::process
