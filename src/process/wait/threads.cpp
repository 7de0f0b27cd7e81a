#include "process/wait/threads.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "process/wait/at_thread_end.hpp"

namespace kmapper::process {
namespace {

constexpr std::uint32_t kNumbers = kSharedThreadNumber - 1U;  // from 1 on

/// For each number, the gettid() of its thread; or, negated, that of the last thread, which has
/// ended. Without a lock, so that a child that is forked at any time can use it.
constinit std::array<std::atomic<int>, kNumbers + 1> ids{};
/// Numbers are assigned in turn, so that a free number is used again late, and reports about its
/// old thread stay right for a long time.
constinit std::atomic<std::uint32_t> turn{0};

void return_number(void* /*value*/) {
  const std::uint16_t number = thread_number_or_none;
  // Destructors that run after this may map, too; their thread then has no number of its own.
  thread_number_or_none = kSharedThreadNumber;
  if (number == kSharedThreadNumber) return;
  std::atomic<int>& id = ids[number];
  // Release: pairs with assign_thread_number(). The next thread adds to this one's counters.
  id.store(-id.load(std::memory_order_relaxed), std::memory_order_release);
}

constinit AtThreadEnd at_thread_end{return_number};

}  // namespace

std::uint16_t assign_thread_number() noexcept {
  thread_number_or_none = kSharedThreadNumber;
  if (!at_thread_end.arm(&ids)) return kSharedThreadNumber;
  const int id = gettid();
  for (std::uint32_t i = 0; i < kNumbers; ++i) {
    const std::uint32_t number = 1 + turn.fetch_add(1, std::memory_order_relaxed) % kNumbers;
    int last = ids[number].load(std::memory_order_relaxed);
    // Acquire: pairs with return_number().
    if (last <= 0 && ids[number].compare_exchange_strong(last, id, std::memory_order_acquire,
                                                         std::memory_order_relaxed)) {
      thread_number_or_none = static_cast<std::uint16_t>(number);
      return thread_number_or_none;
    }
  }
  return kSharedThreadNumber;  // with so many living threads, other things run out first
}

int thread_id_of(std::uint16_t number) noexcept {
  if (number > kNumbers) return 0;
  const int id = ids[number].load(std::memory_order_relaxed);
  return id < 0 ? -id : id;
}

bool has_thread(std::uint16_t number) noexcept {
  return number <= kNumbers && ids[number].load(std::memory_order_relaxed) > 0;
}

void forget_other_threads() noexcept {
  for (std::uint32_t number = 1; number <= kNumbers; ++number) {
    const int id = ids[number].load(std::memory_order_relaxed);
    if (id == 0) continue;  // avoids copying a page that the parent has not used
    if (number == thread_number_or_none) {
      ids[number].store(gettid(), std::memory_order_relaxed);
    } else if (id > 0) {
      ids[number].store(-id, std::memory_order_relaxed);
    }
  }
}

}  // namespace kmapper::process
