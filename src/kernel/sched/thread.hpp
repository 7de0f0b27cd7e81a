// A kernel thread. The object lies at the top of the thread's own stack; the stack grows down from
// there towards an unmapped page. So a thread costs only its stack.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "arch/atomic.hpp"
#include "arch/context.hpp"
#include "arch/paging.hpp"
#include "arch/per_cpu.hpp"
#include "kmapper/core/local_stack.hpp"

namespace kmapper::kernel {

class Mutex;
class Process;

/// How a thread ended.
enum class Ending : std::uint8_t {
  returned,  // its function returned, or it called thread_exit()
  died,      // a fault, or a misuse that was reported
};

class Thread {
 public:
  using Function = void (*)(void* argument);
  enum class State : std::uint8_t { ready, running, sleeping, waiting_for_tick, moving, ended };

  /// An idle thread belongs to one CPU, and runs when no other thread is ready.
  enum class Kind : std::uint8_t { common, idle };

  /// Numbers from 1 on are those of stacks; 0 is the idle thread on the boot stack.
  constexpr Thread(std::string_view name, std::uint32_t number, Kind kind)
      : name_(name), number_(number), kind_(kind) {}
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  [[nodiscard]] std::string_view name() const { return name_; }
  /// Unique among existing threads.
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] bool is_idle() const { return kind_ == Kind::idle; }
  /// Whether it may move to another CPU: not with local mappings. Asked while the thread does not
  /// run, or by the thread itself.
  [[nodiscard]] bool can_move() const { return !stays_ && local_stack_.is_empty(); }

  /// The thread's mappings by kmap_local().
  using LocalStack = kmapper::LocalStack<PageTableEntry::Value, Atomic>;
  [[nodiscard]] LocalStack& local_stack() { return local_stack_; }

  /// The process that owns the thread; null: a kernel thread.
  [[nodiscard]] Process* process() const { return process_; }
  /// Called by the thread itself.
  void set_process(Process* process) { process_ = process; }
  /// The mutex that the thread took last of those that it holds, or null. Called by the thread
  /// itself.
  [[nodiscard]] Mutex* last_mutex() const { return last_mutex_; }

 private:
  friend class Mutex;
  friend class RunQueue;
  friend class Scheduler;
  friend Thread* thread_create(std::string_view name, Function function, void* argument);

  std::string_view name_;
  std::uint32_t number_;
  Kind kind_;
  LocalStack local_stack_{};
  // The CPU on whose queue the thread is put when it is ready. It changes only with that queue
  // locked, so a CPU that locks the queue and finds home_ unchanged has the thread's lock.
  std::atomic<CpuNumber> home_{CpuNumber{0}};
  State state_ = State::sleeping;  // from here to is_timed_: guarded by the home's queue
  bool stays_ = false;             // on its home
  bool is_timed_ = false;          // its home wakes it at wake_tick_
  std::uint32_t wake_tick_ = 0;
  Thread* next_ = nullptr;        // in the run queue
  Thread* next_timed_ = nullptr;  // in its spoke of the run queue's wheel
  Context context_{};             // while not running
  Function function_ = nullptr;
  void* argument_ = nullptr;
  Ending ending_ = Ending::returned;  // from here on: guarded by the scheduler's ends_lock_
  bool has_ended_ = false;            // and has left its stack
  Thread* joiner_ = nullptr;          // the thread that sleeps until then
  Process* process_ = nullptr;        // only the thread itself uses this and the next two
  Mutex* last_mutex_ = nullptr;       // the mutex taken last of those that it holds
  const PageDirectoryPointers* directories_ = nullptr;  // null: the kernel's
};

/// Makes a thread that runs function(argument), and lets it run. `name` must outlive it. Every
/// thread must be joined. Null: no memory, or no room for one more stack. Needs a context that may
/// sleep.
[[nodiscard]] Thread* thread_create(std::string_view name, Thread::Function function,
                                    void* argument);

/// A thread for another CPU to become: that CPU begins as this thread, on its stack. Null: no
/// memory.
[[nodiscard]] Thread* make_idle_thread();

/// Sleeps until the thread has ended, then frees it. One caller, once.
Ending thread_join(Thread& thread);

/// Ends the calling thread, as returning from its function does.
[[noreturn]] void thread_exit();

/// Ends the calling thread because of its error: its spinlocks and its pins in the window are
/// released, and the machine goes on. Panics if there is no thread to end: in an interrupt, in an
/// idle thread, in the scheduler itself.
[[noreturn]] void thread_die();
/// Whether thread_die() would end a thread.
[[nodiscard]] bool can_die();
/// The upper end of the thread's stack: thread_die() has room there when the stack is used up.
[[nodiscard]] void* thread_stack_top(Thread& thread);

// A thread dies if it calls one of these, or thread_join(), where it may not sleep (in an
// interrupt, with preemption or interrupts off, with a spinlock held).

/// Lets the other threads run first.
void thread_yield();

/// Moves the calling thread to that CPU, which must be running, and keeps it there until
/// thread_roam(). A thread with local mappings dies.
void thread_move_to(CpuNumber cpu);
/// Lets the calling thread move to any CPU again, as a new thread may.
void thread_roam();

/// Sleeps for at least `ticks` - 1 and at most about `ticks` ticks of the timer (kTicksPerSecond).
void thread_sleep(std::uint32_t ticks);

// --- Stamps: a thread and a time ---

inline constexpr std::uint32_t kStampTickBits = 18;
inline constexpr std::uint32_t kStampTickMask = (1U << kStampTickBits) - 1;

[[nodiscard]] constexpr Stamp make_stamp(std::uint32_t thread_number, std::uint32_t tick) {
  return Stamp{thread_number << kStampTickBits | (tick & kStampTickMask)};
}
[[nodiscard]] constexpr std::uint32_t thread_number(Stamp stamp) {
  return static_cast<std::uint32_t>(stamp) >> kStampTickBits;
}
/// Ticks from the stamp to `now`, which must be less than 43 minutes.
[[nodiscard]] constexpr std::uint32_t ticks_since(Stamp stamp, std::uint32_t now) {
  return (now - static_cast<std::uint32_t>(stamp)) & kStampTickMask;
}

/// The name of the thread with that number, for reports: the thread may just have ended.
[[nodiscard]] std::string_view name_of_thread(std::uint32_t number);

}  // namespace kmapper::kernel
