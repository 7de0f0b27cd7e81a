#include "process/home.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "process/descriptor.hpp"

namespace kmapper::process {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kFaultAround = std::size_t{64} << 10;
constexpr std::size_t kLargestFolio = std::size_t{2} << 20;

/// Room for a file to grow into, in bytes.
constexpr std::uint64_t kRoom =
    sizeof(void*) == 8 ? std::uint64_t{64} << 30 : std::uint64_t{16} << 20;

/// The most that a file's addresses may take: of a 32-bit process an eighth, for there is more to
/// do with them.
constexpr std::uint64_t kMostAddresses =
    sizeof(void*) == 8 ? std::uint64_t{1} << 45 : std::uint64_t{512} << 20;

/// Whether the kernel maps of this file what was asked for, and not more.
bool is_mapped_exactly(int descriptor, std::size_t granule, bool writable) {
  if (granule >= kLargestFolio) return true;
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
  int number = size > kPage ? EINTR : EINVAL;
  while (number == EINTR) number = madvise(begin, size, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
  if (number != EINVAL) return number == EFAULT ? 0 : number;
  for (std::size_t at = 0; at < size; at += kPage) touch(begin + at);
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
  const std::size_t reserved = bytes + 2 * kLargestFolio;
  void* const address =
      mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return nullptr;
  AddressRange range(static_cast<std::byte*>(address), reserved);
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  std::byte* const begin = range.begin() + (kLargestFolio - at % kLargestFolio) +
                           (granule < kLargestFolio ? kFaultAround : 0);
  if (mmap(begin, bytes, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, descriptor, 0) ==
      MAP_FAILED) {
    return nullptr;
  }
  return std::unique_ptr<Home>(new Home(std::move(range), begin, room, granule_shift));
}

std::int64_t Home::page_tables_for(std::int64_t size) {
  constexpr std::int64_t kBytesATable = 512 * 4096;
  return (size + kBytesATable - 1) / kBytesATable * 4096;
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
  const std::size_t size = std::size_t{1} << granule_shift_;
  if (!by_writing_) (void)*static_cast<volatile std::byte*>(address(granule));
  constexpr std::size_t kEach = kLargestFolio / kPage;
  std::array<std::uint64_t, 2 * kEach> entries{};
  const Descriptor pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  const auto middle = reinterpret_cast<std::uintptr_t>(address(granule)) / kPage;
  const ssize_t got = pread64(pagemap.number(), entries.data(), sizeof entries,
                              static_cast<std::int64_t>((middle - kEach) * sizeof entries[0]));
  if (got != static_cast<ssize_t>(sizeof entries)) return;  // no /proc here: take it on trust
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool is_own = i >= kEach && i < kEach + size / kPage;
    const bool is_present = entries[i] >> 63 != 0;
    const std::uintptr_t page = middle - kEach + i;
    if (is_own || !is_present || !range_.contains(reinterpret_cast<const void*>(page * kPage))) {
      continue;
    }
    granules_.store(0, std::memory_order_relaxed);
    madvise(begin_, static_cast<std::size_t>(room_ << granule_shift_), MADV_DONTNEED);
    return;
  }
}

}  // namespace kmapper::process
