// What the threads of a scheduled machine know of each other's accesses, if memory is as weak as
// C++20 allows: the clocks behind WeakAtomic, after the papers on checkers of the C++ memory model
// (Norris and Demsky, "CDSChecker", OOPSLA 2013; Lidbury and Donaldson, "Dynamic Race Detection for
// C++11", POPL 2017).
//
// What synchronises with what:
//   - a load that acquires, with the store that it reads, if that releases or continues by
//     read-modify-writes what a release began;
//   - a thread that takes a Lock, with all that held it before; a sleeper, only through the lock
//     of its sleep;
//   - threads, with the test that starts them and continues when they have ended;
//   - an interrupt is part of the thread that it interrupts.
// A wake and a TLB shootdown order nothing: the seam (kmapper/core/platform.hpp) promises no more,
// and a shootdown may be left out.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "simulated/scheduler.hpp"
#include "simulated/weak_clock.hpp"

namespace kmapper::simulated {

enum class AtomicOperation : std::uint8_t { load, store, read_modify_write, compare_exchange };

/// Where in the source an atomic operation stands.
struct Site {
  std::string_view file;
  std::string_view function;
  unsigned line = 0;

  /// As a default argument: where the call stands.
  [[nodiscard]] static constexpr Site here(const char* file = __builtin_FILE(),
                                           const char* function = __builtin_FUNCTION(),
                                           unsigned line = __builtin_LINE()) {
    return {file, function, line};
  }
};

/// An ordered access of the source: one whose order is stronger than relaxed. Of a compare-exchange
/// the order is that of success.
struct OrderedAccess {
  std::string_view function;
  AtomicOperation operation = AtomicOperation::load;
  std::memory_order order = std::memory_order_relaxed;
  unsigned line = 0;  // 0: on any line

  friend constexpr bool operator==(const OrderedAccess&, const OrderedAccess&) = default;
  // clang-tidy 14 takes the comparison's 0 for a pointer's. NOLINTNEXTLINE(modernize-use-nullptr)
  friend constexpr auto operator<=>(const OrderedAccess&, const OrderedAccess&) = default;
};

/// One machine's memory; the atomics of the calling host thread find it by current(). Everything
/// but the constructor is for threads of a Scheduler, or for the test while none of them runs.
class WeakMemory {
 public:
  /// Of so many loads that could read an older store, one does, and so do the thread's next few:
  /// much goes wrong only when several loads in a row are behind. 0: none does.
  explicit WeakMemory(std::uint32_t stale = 6);
  ~WeakMemory();
  WeakMemory(const WeakMemory&) = delete;
  WeakMemory& operator=(const WeakMemory&) = delete;

  [[nodiscard]] static WeakMemory& current() { return *current_; }

  /// The running agent takes a step.
  WeakStep step();
  /// The clock of the running agent.
  [[nodiscard]] WeakClock& clock();
  /// All threads have ended, and the test goes on.
  void join_all();

  /// Which of the stores, `newest` or one of the `older` ones before it, a load reads: 0 is the
  /// newest.
  [[nodiscard]] std::uint32_t choose_age(std::uint32_t older);

  // --- To show that the orders in the source are needed ---
  /// From now on these accesses have a weaker order.
  void weaken(const OrderedAccess& access, std::memory_order weaker);
  /// Writes down every ordered access that is made.
  void record_in(std::set<OrderedAccess>* accesses) { recorded_ = accesses; }
  /// The order of an access at that place, as asked for or as weakened.
  [[nodiscard]] std::memory_order order_of(const Site& site, AtomicOperation operation,
                                           std::memory_order order);

 private:
  struct Weakened {
    OrderedAccess access;
    std::memory_order weaker;
  };

  static thread_local constinit WeakMemory* current_;

  WeakMemory* const outer_;
  const std::uint32_t stale_;
  std::array<WeakClock, kMaxAgents> clocks_{};
  std::array<std::uint32_t, kMaxAgents> stale_loads_{};  // still to come in an agent's spell
  std::vector<Weakened> weakened_;
  std::set<OrderedAccess>* recorded_ = nullptr;
};

[[nodiscard]] constexpr bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}
[[nodiscard]] constexpr bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace kmapper::simulated
