#include "process/home.hpp"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "process/page_size.hpp"
#include "process/present_pages.hpp"

namespace kmapper::process {
namespace {

/// The most that the kernel maps around a read fault, whatever its page size.
constexpr std::size_t kFaultAround = std::size_t{64} << 10;

/// Room for a file to grow into, in bytes.
constexpr std::uint64_t kRoom =
    sizeof(void*) == 8 ? std::uint64_t{64} << 30 : std::uint64_t{16} << 20;

/// The most that a file's addresses may take: of a 32-bit process an eighth, for there is more to
/// do with them.
constexpr std::uint64_t kMostAddresses =
    sizeof(void*) == 8 ? std::uint64_t{1} << 45 : std::uint64_t{512} << 20;

/// Whether the kernel maps of this file what was asked for, and not more.
bool is_mapped_exactly(int descriptor, std::size_t granule, bool writable) {
  if (granule >= page_table_reach()) return true;
  struct statfs status {};
  const bool in_memory = fstatfs(descriptor, &status) == 0 && status.f_type == TMPFS_MAGIC;
  return in_memory && (writable || granule >= kFaultAround);
}

/// A write access that changes nothing, whoever writes there at the same time.
void touch(std::byte* address) {
#if defined(__x86_64__) || defined(__i386__)
  asm volatile("lock orb $0, %0" : "+m"(*address) : : "memory");
#else
  std::atomic_ref(reinterpret_cast<unsigned char&>(*address)).fetch_or(0);
#endif
}

/// Has the kernel map pages as a write does. Returns an errno, or 0, also where the file cannot
/// give them (EFAULT): an access will say why. One page is mapped faster by an access than by the
/// call, which kernels before 5.14 do not have (EINVAL).
int map_by_writing(std::byte* begin, std::size_t size) {
  int number = size > page_size() ? EINTR : EINVAL;
  while (number == EINTR) number = madvise(begin, size, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
  if (number != EINVAL) return number == EFAULT ? 0 : number;
  for (std::size_t at = 0; at < size; at += page_size()) touch(begin + at);
  return 0;
}

}  // namespace

Home::Home(AddressRange range, std::byte* begin, std::uint64_t room, unsigned granule_shift)
    : range_(std::move(range)),
      begin_(begin),
      room_(room),
      granule_shift_(granule_shift),
      by_writing_((std::size_t{1} << granule_shift) < kFaultAround) {}

std::unique_ptr<Home> Home::open(int descriptor, std::int64_t size, unsigned granule_shift,
                                 int protection) {
  const std::size_t granule = std::size_t{1} << granule_shift;
  if (!is_mapped_exactly(descriptor, granule, (protection & PROT_WRITE) != 0)) return nullptr;
  const std::uint64_t room =
      (static_cast<std::uint64_t>(size) + kRoom + granule - 1) >> granule_shift;
  if (room == 0 || room > kMostAddresses >> granule_shift) return nullptr;
  const auto bytes = static_cast<std::size_t>(room << granule_shift);
  const std::size_t largest_folio = page_table_reach();
  const std::size_t reserved = bytes + 2 * largest_folio;
  void* const address =
      mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return nullptr;
  AddressRange range(static_cast<std::byte*>(address), reserved);
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  std::byte* const begin = range.begin() + (largest_folio - at % largest_folio) +
                           (granule < largest_folio ? kFaultAround : 0);
  if (mmap(begin, bytes, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, descriptor, 0) ==
      MAP_FAILED) {
    return nullptr;
  }
  return std::unique_ptr<Home>(new Home(std::move(range), begin, room, granule_shift));
}

std::int64_t Home::page_tables_for(std::int64_t size) {
  const auto reach = static_cast<std::int64_t>(page_table_reach());
  return (size + reach - 1) / reach * static_cast<std::int64_t>(page_size());
}

void Home::admit(std::int64_t size) {
  const std::uint64_t granule = std::uint64_t{1} << granule_shift_;
  granules_.store((static_cast<std::uint64_t>(size) + granule - 1) >> granule_shift_,
                  std::memory_order_relaxed);
}

int Home::fill(std::uint64_t first, std::uint64_t granules, std::int64_t size) {
  if (by_writing_) {
    // What ends within a page has all of it.
    const std::int64_t rest = size - static_cast<std::int64_t>(first << granule_shift_);
    const auto all = static_cast<std::int64_t>(granules << granule_shift_);
    const auto bytes = static_cast<std::size_t>(std::clamp<std::int64_t>(rest, 0, all));
    if (const int number = map_by_writing(address(first), bytes); number != 0) return number;
  }
  // Relaxed: one looks, whichever.
  if (!looked_.load(std::memory_order_relaxed) &&
      !looked_.exchange(true, std::memory_order_relaxed)) {
    look_around(first);
  }
  return 0;
}

void Home::restore(std::uint64_t granule, int descriptor, int protection) {
  const auto offset = static_cast<std::int64_t>(granule << granule_shift_);
  const std::size_t size = std::size_t{1} << granule_shift_;
  // Refused where there are too many mappings; then at least no memory is kept.
  if (mmap(address(granule), size, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, descriptor,
           offset) == MAP_FAILED) {
    madvise(address(granule), size, MADV_DONTNEED);
  }
}

/// Reads a byte where reading maps, and then looks for pages that are mapped around the granule.
/// What other threads have mapped there meanwhile is taken for the kernel's doing: that costs
/// speed, and nothing else.
void Home::look_around(std::uint64_t granule) {
  std::byte* const own = address(granule);
  std::byte* const behind = own + (std::size_t{1} << granule_shift_);
  if (!by_writing_) (void)*static_cast<volatile std::byte*>(own);
  const auto some = [](const std::byte* begin, const std::byte* end) {
    return std::min(page_table_reach(), static_cast<std::size_t>(end - begin));
  };
  const std::size_t before = some(range_.begin(), own);
  const std::size_t after = some(behind, range_.begin() + range_.size());
  PresentPages present;
  // Without /proc nobody says (-1): the kernel is trusted.
  if (present.bytes(own - before, before) <= 0 && present.bytes(behind, after) <= 0) return;
  granules_.store(0, std::memory_order_relaxed);
  madvise(begin_, static_cast<std::size_t>(room_ << granule_shift_), MADV_DONTNEED);
}

}  // namespace kmapper::process
