#include "process/fill/home_range.hpp"

#include <sys/auxv.h>
#include <sys/resource.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdio>

#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

/// All ranges together may take a quarter of the addresses, in a 32-bit process an eighth.
constexpr unsigned kShareShift = sizeof(void*) == 8 ? 2 : 3;

std::atomic<std::size_t> taken{0};  // relaxed: a sum

/// The size of a process's address space, in bits. The kernel puts the program's name at the top of
/// it, and the stack below that.
unsigned address_bits() {
  const auto name = static_cast<std::uintptr_t>(getauxval(AT_EXECFN));
  const std::uintptr_t top = name != 0 ? name : reinterpret_cast<std::uintptr_t>(&name);
  return static_cast<unsigned>(std::bit_width(top));
}

/// All that the process has mapped, in bytes. 0: the kernel does not say.
std::uint64_t mapped_bytes() {
  unsigned long pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
  std::fclose(file);
  return std::uint64_t{pages} * system::page_size();
}

/// Whether `more` bytes are within the share, with which there are `all`. Under a limit (ulimit -v)
/// they must also leave half of the remaining addresses to the rest of the program.
bool may_take(std::size_t all, std::size_t more) {
  const std::uint64_t share = (std::uint64_t{1} << address_bits()) >> kShareShift;
  if (all > share) return false;
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  const std::uint64_t mapped = mapped_bytes();
  return all <= limit.rlim_cur >> kShareShift && mapped < limit.rlim_cur &&
         more <= (limit.rlim_cur - mapped) / 2;
}

}  // namespace

HomeRange HomeRange::reserve(std::size_t size, Position position) {
  if (size > SIZE_MAX / 2) return {};
  const std::size_t all = taken.fetch_add(size, std::memory_order_relaxed) + size;
  if (may_take(all, size)) {
    HomeRange range(system::reserve_at(size, position.alignment, position.remainder));
    if (!range.is_empty() && system::is_locked(range.begin(), size)) return {};
    if (!range.is_empty()) return range;
  }
  taken.fetch_sub(size, std::memory_order_relaxed);
  return {};
}

HomeRange::~HomeRange() { taken.fetch_sub(range_.size(), std::memory_order_relaxed); }

}  // namespace kmapper::process
