// Threads of a machine that is used as a process uses its window: a page keeps its slot until the
// slot's flush has been made (kmapper/core/platform.hpp, kFindsSlots), words have the width of a
// pointer, and there are no interrupts. A page still has a cell of its own here, in place of a
// search.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "simulated/host_threads.hpp"
#include "simulated/scheduled_threads.hpp"
#include "simulated/weak_threads.hpp"

namespace kmapper::simulated {

/// Any atomic, with what the core asks of a page's cell and of a slot's page beyond that.
template <class Atomic, class T>
class FoundAtomic : public Atomic {
 public:
  using Atomic::Atomic;

  [[nodiscard]] bool is(T value, std::memory_order order) const {
    return this->load(order) == value;
  }
  [[nodiscard]] T load_surely(std::memory_order order) const { return this->load(order); }
};

/// The same, of which one can be hidden: there, a search without a lock finds nothing.
template <class Atomic, class T>
class HidingAtomic : public FoundAtomic<Atomic, T> {
 public:
  using FoundAtomic<Atomic, T>::FoundAtomic;

  [[nodiscard]] T load(std::memory_order order) const {
    return this != hidden_ ? Atomic::load(order) : T{};
  }
  /// Null: none is hidden.
  static void hide(const HidingAtomic* it) { hidden_ = it; }

 private:
  static inline const HidingAtomic* hidden_ = nullptr;
};

/// kOutside: the window's tables lie behind its mapper, and slots come into use little by little.
template <class Base, bool kOutside>
class FindingThreads : public Base {
 public:
  static constexpr bool kFindsSlots = true;
  static constexpr bool kTablesOutside = kOutside;
  using SlotWord = std::uintptr_t;
  template <class T>
  using Atomic = FoundAtomic<typename Base::template Atomic<T>, T>;

  using Base::Base;

  struct InterruptsOff {
    explicit InterruptsOff(FindingThreads&) {}
  };
};

using FindingHostThreads = FindingThreads<HostThreads, true>;
class FindingScheduledThreads : public FindingThreads<ScheduledThreads, true> {
 public:
  template <class T>
  using Atomic = HidingAtomic<typename ScheduledThreads::template Atomic<T>, T>;

  using FindingThreads::FindingThreads;
};
// Inside: a weak atomic owns memory, which is freed only with the mapper that it is a part of.
using FindingWeakThreads = FindingThreads<WeakThreads, false>;

}  // namespace kmapper::simulated
