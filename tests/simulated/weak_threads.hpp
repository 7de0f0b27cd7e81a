// Threads that a seed schedules, like ScheduledThreads, on a machine whose memory is as weak as
// C++20 allows. Besides the atomics it watches what the protocol publishes without atomics:
//
// The PTE of a slot counts as plain data. The thread that has taken the slot writes it; an access
// through the slot's address reads it, because a CPU may walk it then; taking it writes it again.
// The memory orders of the core's own accesses must order these: the write before every access of
// every thread that hits the slot, and all accesses before the PTE is taken. In turn the core
// relies on write_pte() being at least an ordinary store, so that a thread that acquires the slot's
// word finds the PTE by a walk. x86 guarantees that: stores are seen in program order, also by
// walks, and a PTE that was not present is in no TLB (Intel SDM vol. 3A, 4.10.2.3 and 8.2.2). A CPU
// whose walker needs a barrier after such a store has it in its write_pte(). Speculative walks read
// the PTE at any time; they are the flush's concern, and Machine checks them.
//
// A slot's link in a chain (Slot::next) is written by the thread that has taken the slot, before it
// writes the PTE: the same order protects both.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "simulated/scheduled_threads.hpp"
#include "simulated/weak_atomic.hpp"
#include "simulated/weak_memory.hpp"

namespace kmapper::simulated {

class WeakThreads : public ScheduledThreads {
 public:
  /// Enough for every game. Each makes a window of its own, and a slot is made of weak atomics,
  /// which cost much: it would take longer to make slots that no game opens than to play.
  static constexpr std::size_t kMaxSlots = 64;

  template <class T>
  using Atomic = WeakAtomic<T>;

  class Lock;

  WeakThreads(Machine& machine, const Options& options);

  [[nodiscard]] WeakMemory& memory() { return memory_; }

  void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns);
  void change_pte(SlotIndex slot);
  void took_pte(SlotIndex slot, bool accessed);
  void memory_access(const void* address);
  void invalidated(std::uint32_t cpus, std::span<const SlotIndex> slots);
  void enters_idle(CpuIndex cpu);
  void has_left_idle(CpuIndex cpu);
  /// A fault unless the frame is in no PTE and in no TLB, and the caller comes after every step
  /// that removed it from there: the state that a page must have when it is freed.
  void check_unmapped(FrameIndex frame);

 private:
  /// A step after which CPUs, a bit each, use no translation that was lost before.
  struct Flush {
    WeakStep step;
    std::uint32_t cpus;
    bool is_idle;  // they have dropped nothing, but use nothing either until they do
  };
  /// A slot's PTE no longer maps the frame. The frame is freed, and the slot gets its next page,
  /// after one flush for each CPU: one that its CPU made knowing that the PTE was taken.
  struct Loss {
    FrameIndex frame;
    WeakStep taken;
    bool accessed = true;  // false: no TLB can hold it
    bool is_freed = false;
    std::vector<Flush> flushes{};
  };

  void require_flushed(const Loss& loss, SlotIndex slot, const char* what);
  void require_order(Agent other, SlotIndex slot, const char* what, const char* after);

  Machine& machine_;
  WeakMemory memory_;
  std::vector<WeakPlain> ptes_;            // of each slot
  std::vector<std::vector<Loss>> losses_;  // of each slot, until frame and slot are in use again
  std::array<WeakStep, kMaxCpus> idle_since_{};
};

class WeakThreads::Lock : public ScheduledThreads::Lock {
 public:
  void lock() {
    ScheduledThreads::Lock::lock();
    acquire();
  }
  void unlock() {
    release();
    ScheduledThreads::Lock::unlock();
  }

 private:
  friend WeakThreads;
  void acquire() { WeakMemory::current().clock().include(released_); }
  void release() {
    WeakMemory::current().step();
    released_ = WeakMemory::current().clock();
  }

  WeakClock released_;
};

}  // namespace kmapper::simulated
