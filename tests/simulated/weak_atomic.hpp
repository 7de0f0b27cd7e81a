// std::atomic's interface with all the freedom that C++20 gives it: a load may read an older store
// if no order forbids it (weak_history.hpp); a compare-and-swap may fail because it read one; a
// weak one may fail without a reason. The same seed makes the same choices.
//
// Every access is a scheduling point, before it happens. Outside Scheduler::run(), and within a
// Scheduler::Pause, an access sees the newest value and orders nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "simulated/scheduler.hpp"
#include "simulated/weak_history.hpp"
#include "simulated/weak_memory.hpp"

namespace kmapper::simulated {

template <class T>
class WeakAtomic {
 public:
  using Order = std::memory_order;

  WeakAtomic() = default;
  explicit WeakAtomic(T value) : newest_(value) {}
  WeakAtomic(const WeakAtomic&) = delete;
  WeakAtomic& operator=(const WeakAtomic&) = delete;

  [[nodiscard]] T load(Order order = Order::seq_cst, Site site = Site::here()) const {
    point();
    if (Scheduler::current() == nullptr) return newest_;
    WeakMemory& memory = WeakMemory::current();
    order = memory.order_of(site, AtomicOperation::load, order);
    return read(memory, history().choose(memory, order), order);
  }

  void store(T value, Order order = Order::seq_cst, Site site = Site::here()) {
    point();
    // The value that the threads find when they start.
    if (Scheduler::current() == nullptr && kept_ == nullptr) {
      newest_ = value;
      return;
    }
    WeakMemory& memory = WeakMemory::current();
    order = memory.order_of(site, AtomicOperation::store, order);
    wrote(history().store(memory, order), value);
  }

  T exchange(T value, Order order = Order::seq_cst, Site site = Site::here()) {
    return change([value](T) { return value; }, order, site);
  }
  T fetch_add(T n, Order order = Order::seq_cst, Site site = Site::here()) {
    return change([n](T value) { return static_cast<T>(value + n); }, order, site);
  }
  T fetch_sub(T n, Order order = Order::seq_cst, Site site = Site::here()) {
    return change([n](T value) { return static_cast<T>(value - n); }, order, site);
  }
  T fetch_or(T bits, Order order = Order::seq_cst, Site site = Site::here()) {
    return change([bits](T value) { return static_cast<T>(value | bits); }, order, site);
  }
  T fetch_and(T bits, Order order = Order::seq_cst, Site site = Site::here()) {
    return change([bits](T value) { return static_cast<T>(value & bits); }, order, site);
  }

  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               Site site = Site::here()) {
    point();
    return compare_exchange(expected, desired, success, failure, site);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             Site site = Site::here()) {
    Scheduler* const scheduler = Scheduler::current();
    if (scheduler != nullptr && scheduler->random().one_in(kSpuriousFailure)) {
      expected = load(failure, site);
      return false;
    }
    return compare_exchange_strong(expected, desired, success, failure, site);
  }

 private:
  static constexpr std::uint32_t kSpuriousFailure = 16;

  /// The stores that a load may still read. Most atomics of a large window are never used.
  struct Kept {
    WeakHistory history;
    std::array<T, WeakHistory::kKept> values{};
  };

  static void point() {
    if (Scheduler* const scheduler = Scheduler::current()) scheduler->point();
  }

  [[nodiscard]] WeakHistory& history() const {
    if (kept_ == nullptr) {
      kept_ = std::make_unique<Kept>();
      kept_->values[0] = newest_;
    }
    return kept_->history;
  }
  T read(WeakMemory& memory, std::uint64_t store, Order order) const {
    kept_->history.load(memory, store, order);
    return kept_->values[store % WeakHistory::kKept];
  }
  void wrote(std::uint64_t store, T value) {
    kept_->values[store % WeakHistory::kKept] = value;
    newest_ = value;
    if (Scheduler* const scheduler = Scheduler::current()) scheduler->progress();
  }

  template <class Change>
  T change(Change next, Order order, Site site) {
    point();
    WeakMemory& memory = WeakMemory::current();
    order = memory.order_of(site, AtomicOperation::read_modify_write, order);
    const T before = newest_;
    wrote(history().read_modify_write(memory, order), next(before));
    return before;
  }

  /// Only the newest store can be swapped; a failure is a load like any other.
  bool compare_exchange(T& expected, T desired, Order success, Order failure, Site site) {
    WeakMemory& memory = WeakMemory::current();
    success = memory.order_of(site, AtomicOperation::compare_exchange, success);
    std::uint64_t store = history().choose(memory, failure);
    if (kept_->values[store % WeakHistory::kKept] == expected) store = kept_->history.newest();
    if (kept_->values[store % WeakHistory::kKept] != expected) {
      expected = read(memory, store, failure);
      return false;
    }
    wrote(kept_->history.read_modify_write(memory, success), desired);
    return true;
  }

  T newest_{};
  mutable std::unique_ptr<Kept> kept_;
};

}  // namespace kmapper::simulated
