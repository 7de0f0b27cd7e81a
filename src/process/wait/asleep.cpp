#include "process/wait/asleep.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

#include "system/descriptor.hpp"

namespace kmapper::process {
namespace {

// The number of sleepers, in the low half. The high half changes with each change. So two equal
// values prove that the same threads slept all the time between. Sequentially consistent: read by
// threads that share no lock.
constexpr std::uint64_t kChange = std::uint64_t{1} << 32;
std::atomic<std::uint64_t> sleepers{0};

/// The number of living threads of this process; 0: the kernel does not say.
std::uint32_t threads_of_process() noexcept {
  const system::Descriptor stat(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
  if (stat.number() < 0) return 0;
  std::array<char, 1024> text{};
  const ssize_t got = read(stat.number(), text.data(), text.size() - 1);
  // The second field is the program's name in parentheses, and may contain anything.
  const char* const name_end = got > 0 ? std::strrchr(text.data(), ')') : nullptr;
  const char* at = name_end;
  for (int field = 2; at != nullptr && field < 20; ++field) at = std::strchr(at + 1, ' ');
  return at != nullptr ? static_cast<std::uint32_t>(std::strtoul(at, nullptr, 10)) : 0;
}

}  // namespace

void Asleep::begin() noexcept {
  if (is_counted_) return;
  is_counted_ = true;
  sleepers.fetch_add(kChange + 1, std::memory_order_seq_cst);
}

void Asleep::end() noexcept {
  if (!is_counted_) return;
  is_counted_ = false;
  sleepers.fetch_add(kChange - 1, std::memory_order_seq_cst);
}

bool Asleep::is_alone() noexcept {
#if __has_include(<sys/single_threaded.h>)
  // The second test finds threads that the C library has not made.
  return __libc_single_threaded != 0 && threads_of_process() <= 1;
#else
  return threads_of_process() == 1;
#endif
}

bool Asleep::are_all() noexcept {
  // If the value has not changed, all threads that were counted slept during the whole count.
  const std::uint64_t before = sleepers.load(std::memory_order_seq_cst);
  const std::uint32_t threads = threads_of_process();
  return threads != 0 && static_cast<std::uint32_t>(before) == threads &&
         sleepers.load(std::memory_order_seq_cst) == before;
}

void Asleep::forget_others() noexcept { sleepers.store(0, std::memory_order_seq_cst); }

}  // namespace kmapper::process
