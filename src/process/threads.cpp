#include "process/threads.hpp"

#include <unistd.h>

#include <array>
#include <cstddef>
#include <mutex>

namespace kmapper::process {
namespace {

constexpr std::size_t kNumbers = 1U << 16;

/// Numbers that are in use. They are given out in turn, so that one that has become free is used
/// again late: what is still said of its old thread stays right for long.
struct Registry {
  std::mutex mutex;
  std::array<bool, kNumbers> used;
  std::array<int, kNumbers> ids;
  std::uint16_t last;
};
constinit Registry registry{};

/// Gives the thread's number back when the thread ends.
struct AtThreadEnd {
  ~AtThreadEnd() {
    const std::lock_guard lock(registry.mutex);
    registry.used[thread_number_or_none] = false;
    thread_number_or_none = 0;
  }
};

}  // namespace

std::uint16_t assign_thread_number() {
  thread_local const AtThreadEnd kAtThreadEnd;
  (void)kAtThreadEnd;
  const std::lock_guard lock(registry.mutex);
  std::uint16_t number = registry.last;
  // A process with 65,535 living threads has run out of much else before.
  do {
    ++number;
  } while (number == 0 || registry.used[number]);
  registry.used[number] = true;
  registry.ids[number] = gettid();
  registry.last = number;
  thread_number_or_none = number;
  return number;
}

int thread_id_of(std::uint16_t number) {
  const std::lock_guard lock(registry.mutex);
  return registry.ids[number];
}

}  // namespace kmapper::process
