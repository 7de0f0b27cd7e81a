#include "process/wait/asleep.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
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

/// A field of a stat file of /proc (man 5 proc), behind the second; 0: it cannot be read.
unsigned long stat_field(const char* path, int number) noexcept {
  const system::Descriptor stat(open(path, O_RDONLY | O_CLOEXEC));
  if (stat.number() < 0) return 0;
  std::array<char, 1024> text{};
  const ssize_t got = read(stat.number(), text.data(), text.size() - 1);
  // The second field is the program's name in parentheses, and may contain anything.
  const char* const name_end = got > 0 ? std::strrchr(text.data(), ')') : nullptr;
  const char* at = name_end;
  for (int field = 2; at != nullptr && field < number; ++field) at = std::strchr(at + 1, ' ');
  return at != nullptr ? std::strtoul(at, nullptr, 10) : 0;
}

/// Whether it is a thread by which the kernel carries out requests to io_uring. It counts as one of
/// the process's, may last as long as the process, and holds no mapping.
bool is_worker(const char* thread) noexcept {
  std::array<char, 300> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/task/%s/stat", thread);
  constexpr int kFlags = 9;
  constexpr unsigned long kIsWorker = 0x10;  // PF_IO_WORKER of the kernel
  return (stat_field(path.data(), kFlags) & kIsWorker) != 0;
}

/// The number of living threads of this process, without the kernel's workers; if there are more
/// than `enough`, any larger number. 0: the kernel does not say.
std::uint32_t threads_of_process(std::uint32_t enough) noexcept {
  constexpr int kThreads = 20;
  const auto all = static_cast<std::uint32_t>(stat_field("/proc/self/stat", kThreads));
  if (all <= enough) return all;
  DIR* const threads = opendir("/proc/self/task");
  if (threads == nullptr) return all;
  std::uint32_t count = 0;
  while (count <= enough) {
    const dirent* const it = readdir(threads);
    if (it == nullptr) break;
    if (it->d_name[0] != '.' && !is_worker(it->d_name)) ++count;
  }
  closedir(threads);
  return count;
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
  return __libc_single_threaded != 0 && threads_of_process(1) <= 1;
#else
  return threads_of_process(1) == 1;
#endif
}

bool Asleep::are_all() noexcept {
  // If the value has not changed, all threads that were counted slept during the whole count.
  const std::uint64_t before = sleepers.load(std::memory_order_seq_cst);
  const auto asleep = static_cast<std::uint32_t>(before);
  return asleep != 0 && threads_of_process(asleep) == asleep &&
         sleepers.load(std::memory_order_seq_cst) == before;
}

void Asleep::forget_others() noexcept { sleepers.store(0, std::memory_order_seq_cst); }

}  // namespace kmapper::process
