// std::atomic's interface for the deterministic platform: every access is a scheduling point,
// before it happens. All fibers share one host thread, so the value itself is plain, and every
// access is sequentially consistent, whatever order it asks for. A weak compare-and-swap sometimes
// fails although the value matches.
#pragma once

#include <atomic>
#include <utility>

#include "simulated/scheduler.hpp"

namespace kmapper::simulated {

template <class T>
class ScheduledAtomic {
 public:
  using Order = std::memory_order;

  constexpr ScheduledAtomic() = default;
  constexpr explicit ScheduledAtomic(T value) : value_(value) {}
  ScheduledAtomic(const ScheduledAtomic&) = delete;
  ScheduledAtomic& operator=(const ScheduledAtomic&) = delete;

  [[nodiscard]] T load(Order = Order::seq_cst) const {
    point();
    return value_;
  }
  void store(T value, Order = Order::seq_cst) {
    point();
    value_ = value;
    changed();
  }
  T exchange(T value, Order = Order::seq_cst) {
    return change([value](T) { return value; });
  }

  bool compare_exchange_strong(T& expected, T desired, Order, Order) {
    point();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = desired;
    changed();
    return true;
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure) {
    Scheduler* const scheduler = Scheduler::current();
    if (scheduler != nullptr && scheduler->random().one_in(kSpuriousFailure)) {
      expected = load(failure);
      return false;
    }
    return compare_exchange_strong(expected, desired, success, failure);
  }

  T fetch_add(T n, Order = Order::seq_cst) {
    return change([n](T value) { return static_cast<T>(value + n); });
  }
  T fetch_sub(T n, Order = Order::seq_cst) {
    return change([n](T value) { return static_cast<T>(value - n); });
  }
  T fetch_or(T bits, Order = Order::seq_cst) {
    return change([bits](T value) { return static_cast<T>(value | bits); });
  }
  T fetch_and(T bits, Order = Order::seq_cst) {
    return change([bits](T value) { return static_cast<T>(value & bits); });
  }

 private:
  static constexpr std::uint32_t kSpuriousFailure = 16;

  static void point() {
    if (Scheduler* const scheduler = Scheduler::current()) scheduler->point();
  }
  static void changed() {
    if (Scheduler* const scheduler = Scheduler::current()) scheduler->progress();
  }
  template <class Change>
  T change(Change next) {
    point();
    changed();
    return std::exchange(value_, next(value_));
  }

  T value_{};
};

}  // namespace kmapper::simulated
