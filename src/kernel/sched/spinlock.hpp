// Locks for short sections. The holder's CPU has interrupts disabled, so an interrupt handler may
// take the same lock, and the holder is never descheduled. Held locks form a list, newest first, so
// that those of a thread that dies can be released. Lock order: a Spinlock before the scheduler's
// RawSpinlock.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/cpu.hpp"
#include "arch/per_cpu.hpp"

namespace kmapper::kernel {

/// The bare lock: its taker must have interrupts disabled, and must not fault while it holds the
/// lock. Not first come first served: if CPUs are threads of an emulator, and more than the host
/// has, the next CPU in a queue often does not run, and all others would wait for it.
class RawSpinlock {
 public:
  void lock() {
    // Acquire, in try_lock(): pairs with the release in unlock().
    while (!try_lock()) {
      while (holder_.load(std::memory_order_relaxed) != kFree) pause();
    }
  }
  /// False: the lock is held.
  [[nodiscard]] bool try_lock() {
    std::uint32_t expected = kFree;
    return holder_.compare_exchange_strong(expected, self(), std::memory_order_acquire,
                                           std::memory_order_relaxed);
  }
  void unlock() { holder_.store(kFree, std::memory_order_release); }

  /// Whether this CPU holds the lock.
  [[nodiscard]] bool is_held_here() const {
    return holder_.load(std::memory_order_relaxed) == self();
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  [[nodiscard]] static std::uint32_t self() { return this_cpu::read(this_cpu::fields.number) + 1; }

  std::atomic<std::uint32_t> holder_{kFree};
};

/// The lock to use. Not recursive; released in the reverse order of taking. Any context.
class Spinlock {
 public:
  constexpr Spinlock() = default;
  Spinlock(const Spinlock&) = delete;
  Spinlock& operator=(const Spinlock&) = delete;

  void lock() { relock(take_interrupts()); }
  void unlock() { restore_interrupts(unlock_keeping_interrupts_off()); }

  /// The two halves of releasing a lock for a sleep. The first returns the interrupt state from
  /// before the lock was taken; interrupts stay disabled.
  [[nodiscard]] InterruptState unlock_keeping_interrupts_off() {
    const InterruptState state = interrupts_before_;
    this_cpu::write(this_cpu::fields.last_lock, lock_before_);
    raw_.unlock();
    return state;
  }
  void relock(InterruptState interrupts_before) {
    raw_.lock();
    interrupts_before_ = interrupts_before;
    lock_before_ = this_cpu::read(this_cpu::fields.last_lock);
    this_cpu::write(this_cpu::fields.last_lock, this);
  }

 private:
  RawSpinlock raw_;
  InterruptState interrupts_before_{};
  Spinlock* lock_before_ = nullptr;  // the lock that this CPU took before this one
};

/// Holds a lock while the object exists.
template <class Lock>
class Locked {
 public:
  explicit Locked(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~Locked() { lock_.unlock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  Lock& lock_;
};

}  // namespace kmapper::kernel
