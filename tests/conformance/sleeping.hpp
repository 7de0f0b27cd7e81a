// Sleep and wake. A lost wake, or a lost lock, shows once in a thousand times on a machine in use,
// and there it looks like a thread that hangs.
#pragma once

#include "conformance/check.hpp"
#include "conformance/context.hpp"
#include "conformance/watching.hpp"

namespace kmapper::conformance {

/// How long a sleeper waits for a wake that may be lost: longer than any machine is slow.
inline constexpr uint64_t kPatience = 20 * kNanosecondsPerSecond;

template <Rig R>
Verdict a_sleep_lasts_until_its_deadline(Subject<R>& it) {
  constexpr uint64_t kTime = kNanosecondsPerSecond / 50;
  constexpr uint32_t kMostForNoReason = 1000;
  using P = typename R::Platform;
  typename P::Lock lock{};
  typename P::Sleeper self(it.platform);
  lock.lock();
  const uint64_t deadline = it.platform.now() + kTime;
  uint32_t returns = 0;
  bool locked = true;
  while (it.platform.now() < deadline && returns < kMostForNoReason) {
    it.platform.sleep(lock, self, deadline);
    locked = locked && wrong_where_nothing_waits(it) == nullptr;
    ++returns;
  }
  lock.unlock();
  if (returns == kMostForNoReason)
    return failed(
        "sleep() returned # times before its deadline, without a wake(): it does not sleep",
        returns);
  if (!locked) return failed("sleep() returned without its lock");
  if (!it.platform.may_flush()) return failed("interrupts stay off after a sleep");
  return passed();
}

/// One sleeper and one waker, again and again.
template <Rig R>
struct Pair {
  using P = typename R::Platform;
  static constexpr uint32_t kRounds = 100;

  typename P::Lock lock{};
  // Guarded by the lock:
  typename P::Sleeper* sleeper = nullptr;  // the sleeper to wake
  bool woken = false;
  bool over = false;
  volatile bool alone = true;  // the sleeper does not have the lock
  bool together = false;       // both had the lock at the same time

  static void wake_whenever_it_sleeps(Subject<R>& it, Pair& self) {
    for (bool over = false; !over; it.rig.yield()) {
      self.lock.lock();
      over = self.over;
      const bool wakes = self.sleeper != nullptr && !self.woken;
      if (wakes) {
        self.woken = true;
        it.platform.wake(*self.sleeper);
      }
      self.lock.unlock();
      for (int turn = 0; wakes && turn < 10; ++turn) self.look(it);
    }
  }
  /// Whether the sleeper, which has just been woken, waits for the lock.
  void look(Subject<R>& it) {
    lock.lock();
    if (!alone) together = true;
    it.platform.relax();
    if (!alone) together = true;
    lock.unlock();
    it.platform.relax();
  }

  /// Null, or what went wrong.
  const char* sleep_once(Subject<R>& it) {
    typename P::Sleeper self(it.platform);
    const char* wrong = nullptr;
    lock.lock();
    sleeper = &self;
    woken = false;
    const uint64_t deadline = it.platform.now() + kPatience;
    while (!woken && it.platform.now() < deadline) it.platform.sleep(lock, self, deadline);
    alone = false;
    if (!woken) {
      wrong = "no thread could take the lock during sleep(): sleep() must release it";
    } else if (it.platform.now() >= deadline) {
      wrong = "sleep() slept on after its wake(): a wake was lost";
    }
    for (int turn = 0; turn < 20; ++turn) it.platform.relax();
    sleeper = nullptr;
    alone = true;
    lock.unlock();
    return wrong;
  }
};

template <Rig R>
Verdict a_wake_ends_a_sleep(Subject<R>& it) {
  Pair<R> pair;
  const char* wrong = nullptr;
  {
    const Thread<R, Pair<R>> other(it, &Pair<R>::wake_whenever_it_sleeps, pair);
    if (!other.started()) return failed(kNoThread);
    for (uint32_t i = 0; i < Pair<R>::kRounds && wrong == nullptr; ++i) wrong = pair.sleep_once(it);
    pair.lock.lock();
    pair.over = true;
    pair.lock.unlock();
  }
  if (wrong != nullptr) return failed(wrong);
  if (pair.together) return failed("sleep() returned without its lock: another thread had it");
  return passed();
}

/// Several sleepers; the last one is woken first.
template <Rig R>
struct Sleepers {
  using P = typename R::Platform;
  static constexpr uint32_t kCount = 3;

  typename P::Lock lock{};
  // Guarded by the lock:
  uint32_t arrived = 0;
  typename P::Sleeper* sleepers[kCount] = {};
  bool woken[kCount] = {};
  bool late = false;

  static void run(Subject<R>& it, Sleepers& self) {
    typename P::Sleeper sleeper(it.platform);
    self.lock.lock();
    const uint32_t me = self.arrived++;
    self.sleepers[me] = &sleeper;
    const uint64_t deadline = it.platform.now() + kPatience;
    while (!self.woken[me] && it.platform.now() < deadline)
      it.platform.sleep(self.lock, sleeper, deadline);
    if (it.platform.now() >= deadline) self.late = true;
    self.sleepers[me] = nullptr;
    self.lock.unlock();
  }
  bool all_sleep() {
    lock.lock();
    const bool all = arrived == kCount;
    lock.unlock();
    return all;
  }
  bool is_gone(uint32_t which) {
    lock.lock();
    const bool gone = sleepers[which] == nullptr;
    lock.unlock();
    return gone;
  }
};

template <Rig R>
Verdict a_wake_is_for_one_sleeper(Subject<R>& it) {
  Sleepers<R> all;
  {
    const Thread<R, Sleepers<R>> one(it, &Sleepers<R>::run, all);
    const Thread<R, Sleepers<R>> two(it, &Sleepers<R>::run, all);
    const Thread<R, Sleepers<R>> three(it, &Sleepers<R>::run, all);
    if (!one.started() || !two.started() || !three.started()) return failed(kNoThread);
    it.wait_for([&all] { return all.all_sleep(); });
    for (uint32_t i = Sleepers<R>::kCount; i-- > 0;) {
      all.lock.lock();
      all.woken[i] = true;
      if (all.sleepers[i] != nullptr) it.platform.wake(*all.sleepers[i]);
      all.lock.unlock();
      it.wait_for([&all, i] { return all.is_gone(i); });
    }
  }
  if (all.late) return failed("wake() of one sleeper did not wake that sleeper");
  return passed();
}

template <Rig R>
inline constexpr Check<R> kSleepingChecks[] = {
    {"sleep: it lasts until its deadline, and takes its lock again",
     &a_sleep_lasts_until_its_deadline<R>},
    {"wake, sleep: no wake is lost, and a sleep frees the lock", &a_wake_ends_a_sleep<R>},
    {"wake: it wakes the sleeper that it is given", &a_wake_is_for_one_sleeper<R>},
};

}  // namespace kmapper::conformance
