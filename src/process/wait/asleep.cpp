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
#include <string_view>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

#include "system/descriptor.hpp"
#include "system/read_ring.hpp"

namespace kmapper::process {
namespace {

// The number of sleepers, in the low half. The high half changes with each change. So two equal
// values prove that the same threads slept all the time between. Sequentially consistent: read by
// threads that share no lock.
constexpr std::uint64_t kChange = std::uint64_t{1} << 32;
std::atomic<std::uint64_t> sleepers{0};

/// A stat file of /proc (man 5 proc).
class Stat {
 public:
  explicit Stat(const char* path) noexcept {
    const system::Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
    if (file.number() >= 0) (void)!read(file.number(), text_.data(), text_.size() - 1);
  }
  /// A number behind the second field; 0: it cannot be read.
  [[nodiscard]] unsigned long number(int wanted) const noexcept {
    // The second field is the thread's name in parentheses, and may contain anything.
    const char* at = std::strrchr(text_.data(), ')');
    for (int field = 2; at != nullptr && field < wanted; ++field) at = std::strchr(at + 1, ' ');
    return at != nullptr ? std::strtoul(at, nullptr, 10) : 0;
  }
  [[nodiscard]] bool name_begins_with(std::string_view begin) const noexcept {
    const char* const name = std::strchr(text_.data(), '(');
    return name != nullptr && std::string_view(name + 1).starts_with(begin);
  }

 private:
  std::array<char, 1024> text_{};
};

/// Whether it is a thread by which the kernel carries out requests to io_uring. It counts as one of
/// the process's, may last as long as the process, and holds no mapping.
bool is_worker(const char* thread) noexcept {
  std::array<char, 300> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/task/%s/stat", thread);
  constexpr int kFlags = 9;
  // PF_IO_WORKER since Linux 5.12; before, these are no threads of the process, and the bit has
  // another meaning. A program's own threads may have such a name, but not the bit.
  constexpr unsigned long kIsWorker = 0x10;
  const Stat stat(path.data());
  return stat.name_begins_with("iou-") && (stat.number(kFlags) & kIsWorker) != 0;
}

std::uint32_t threads_with_workers() noexcept {
  constexpr int kThreads = 20;
  return static_cast<std::uint32_t>(Stat("/proc/self/stat").number(kThreads));
}

/// The number of living threads of this process, without the kernel's workers; if there are more
/// than `enough`, any larger number. 0: the kernel does not say. Looks for workers, at the cost of
/// a file for each thread, only where the library has given the kernel reason to start some.
std::uint32_t threads_of_process(std::uint32_t enough) noexcept {
  const std::uint32_t all = threads_with_workers();
  if (all <= enough || !system::ReadRing::was_made()) return all;
  DIR* const threads = opendir("/proc/self/task");
  if (threads == nullptr) return all;
  std::uint32_t listed = 0;
  std::uint32_t workers = 0;
  while (listed - workers <= enough) {
    const dirent* const it = readdir(threads);
    if (it == nullptr) break;
    if (it->d_name[0] == '.') continue;
    ++listed;
    if (is_worker(it->d_name)) ++workers;
  }
  closedir(threads);
  // A thread that ends meanwhile may keep others off the list.
  return listed == all && threads_with_workers() == all ? all - workers : all;
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
