// Simulated CPUs, and threads that run on them one at a time, in an order that a seed chooses and
// repeats. Only one fiber runs at any moment. At every scheduling point (each access to a
// ScheduledAtomic, each call of the platform) the seed decides whether this CPU continues, or
// another CPU runs for a while.
//
// The scheduler keeps what a kernel may rely on: with interrupts off a thread stays on its CPU and
// is not interrupted; with interrupts on it may be preempted, continue on another CPU, or have an
// interrupt handler run on top of it. A CPU may also be frozen for a long time, as by a hypervisor:
// many races need one side to be very slow.
//
// When no thread can run, or all threads only spin, the run ends with a report of what each waits
// for.
//
// Longer than usual: all that may happen to a CPU and its threads is scheduled in one place.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simulated/addresses.hpp"
#include "simulated/fiber.hpp"
#include "simulated/random.hpp"

namespace kmapper::simulated {

/// How often things happen. Each is once in so many; 0 is never.
struct Chances {
  std::uint32_t switches = 6;      // scheduling points: another CPU continues
  std::uint32_t preemptions = 6;   // of those, with interrupts on: that CPU's thread is changed
  std::uint32_t interrupts = 20;   // of those, with interrupts on: that CPU's handler runs
  std::uint32_t freezes = 100;     // of those: the CPU that is left stands still for long
  std::uint32_t speculations = 8;  // of those: some CPU walks some PTE
};

struct Outcome {
  enum class End : std::uint8_t { all_done, stopped, deadlock, livelock };
  End end = End::all_done;
  std::uint64_t steps = 0;
  std::string report;  // what each thread waits for, unless all are done
};

/// For one host thread. Threads are numbered from 1, in the order in which they were spawned.
class Scheduler {
 public:
  Scheduler(std::uint64_t seed, std::uint32_t cpus, const Chances& chances = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // --- For the test ---
  void spawn(std::string name, std::function<void()> body);
  /// The interrupt handler, called on the interrupted CPU; null: no interrupts. Not during run().
  void on_interrupt(const std::function<void()>& handler);
  /// Called at every switch, on the stack that is left; false ends the run. `speculates`: the seed
  /// wants a CPU to walk a PTE.
  void on_switch(std::function<bool(bool speculates)> watch) { watch_ = std::move(watch); }
  /// Called when a CPU switches from one thread to another, or to or from none (0), on that CPU,
  /// while no other thread runs. Not during run().
  void on_context_switch(std::function<void(std::uint32_t from, std::uint32_t to)> hook) {
    context_switch_ = std::move(hook);
  }
  /// A thread for which this is true stays on the CPU on which it last ran. Not during run().
  void keep_on_cpu(std::function<bool(std::uint32_t thread)> keep) { keep_ = std::move(keep); }
  /// Runs all threads to their end, or until the run fails. After a successful run more threads may
  /// be spawned and run; after a failed one only the outcome may be used.
  [[nodiscard]] Outcome run();

  // --- For the code that runs on it ---
  /// The scheduler that runs the caller; null outside run().
  [[nodiscard]] static Scheduler* current() { return current_; }

  /// While an object exists, nothing is a scheduling point: for a test's own checks.
  class Pause {
   public:
    Pause() : paused_(std::exchange(current_, nullptr)) {}
    ~Pause() { current_ = paused_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Scheduler* paused_;
  };

  /// A scheduling point: others may run before this returns.
  void point() {
    if (--until_switch_ == 0) switch_by_chance();
  }
  /// One turn of a waiting loop: lets others run.
  void relax();
  /// Freezes the caller's CPU, from the next switch on, while others can run.
  void freeze(std::uint64_t steps) { cpu_->frozen_until = steps_ + steps; }
  /// Tells that something has changed that a waiting loop may wait for.
  void progress() { idle_turns_ = 0; }
  /// Waits, without a turn of its own, until the flag is false, as for a spinlock.
  void stall_while(const bool& locked);
  /// Stops the thread until unblock(), or until that step (UINT64_MAX: no limit); `why` is for
  /// reports. Interrupts must be on.
  void block(const char* why, std::uint64_t until_step = UINT64_MAX);
  void unblock(std::uint32_t number);
  [[nodiscard]] bool is_blocked(std::uint32_t thread) const {
    return threads_[thread - 1]->state == Thread::State::blocked;
  }
  /// The step since which the longest blocked thread has waited; nothing if no thread is blocked.
  [[nodiscard]] std::optional<std::uint64_t> blocked_since() const;

  void interrupts_off() { ++cpu_->interrupts_off; }
  void interrupts_on();
  [[nodiscard]] bool interrupts_are_off() const { return cpu_->interrupts_off != 0; }
  [[nodiscard]] bool interrupts_are_off(CpuIndex cpu) const {
    return cpus_[to_number(cpu)].interrupts_off != 0;
  }
  /// Lets nothing run on another CPU, which has interrupts on, until go_on(). What the caller does
  /// meanwhile is done on that CPU by an interrupt handler. The caller has interrupts off.
  void stop(CpuIndex cpu) {
    Cpu& stopped = cpus_[to_number(cpu)];
    stopped.is_stopped = true;
    ++stopped.interrupts_off;
    cpu_->acts_for = &stopped;
  }
  void go_on(CpuIndex cpu) {
    Cpu& stopped = cpus_[to_number(cpu)];
    stopped.is_stopped = false;
    --stopped.interrupts_off;
    cpu_->acts_for = nullptr;
    progress();
  }
  void preemption_off() { ++cpu_->preemption_off; }
  void preemption_on() { --cpu_->preemption_off; }
  [[nodiscard]] bool preemption_is_off() const { return cpu_->preemption_off != 0; }

  [[nodiscard]] CpuIndex cpu() const { return cpu_->index; }
  [[nodiscard]] std::uint32_t cpu_count() const { return static_cast<std::uint32_t>(cpus_.size()); }
  /// The running thread; an interrupt handler's is kHandler + its CPU.
  [[nodiscard]] std::uint32_t thread() const { return cpu_->running->number; }
  static constexpr std::uint32_t kHandler = 0xF000;
  /// The thread whose program order includes the caller; for a handler, the interrupted thread. 0:
  /// a handler has interrupted no thread.
  [[nodiscard]] std::uint32_t sequence() const {
    const Cpu& cpu = cpu_->acts_for != nullptr ? *cpu_->acts_for : *cpu_;
    const Thread* const thread = cpu.interrupted != nullptr ? cpu.interrupted : cpu.running;
    return thread != nullptr ? thread->number : 0;
  }

  [[nodiscard]] std::uint64_t steps() const { return steps_ + (drawn_ - until_switch_); }
  [[nodiscard]] Random& random() { return random_; }

 private:
  struct Thread {
    enum class State : std::uint8_t { ready, running, blocked, done };
    std::uint32_t number = 0;
    std::string name;
    std::function<void()> body;
    std::unique_ptr<Fiber> fiber;
    State state = State::ready;
    CpuIndex last_cpu{};
    const char* waits_for = nullptr;
    std::uint64_t blocked_since = 0;
    std::uint64_t blocked_until = UINT64_MAX;
  };
  struct Cpu {
    CpuIndex index{};
    Thread* running = nullptr;
    Thread* interrupted = nullptr;  // the thread below the handler
    std::unique_ptr<Thread> handler;
    std::uint32_t interrupts_off = 0;
    std::uint32_t preemption_off = 0;
    const bool* stalled_on = nullptr;
    std::uint64_t frozen_until = 0;
    bool is_stopped = false;
    const Cpu* acts_for = nullptr;  // the CPU that this one has stopped
  };

  void switch_by_chance();
  void go_on_elsewhere();
  void go_on_with(Cpu& cpu);
  void wake_due();
  [[nodiscard]] std::uint64_t first_deadline() const;
  Cpu* choose_cpu();
  void end(Outcome::End end);
  void draw();

  [[nodiscard]] bool can_run(const Cpu& cpu) const;
  [[nodiscard]] bool can_preempt(const Cpu& cpu) const;
  [[nodiscard]] bool may_run_on(const Thread& thread, const Cpu& cpu) const;
  [[nodiscard]] std::uint32_t count_ready_for(const Cpu& cpu) const;
  Thread* take_ready_for(const Cpu& cpu);
  void run_on(Cpu& cpu, Thread* next);
  void change_thread(Cpu& cpu);
  void interrupt(Cpu& cpu);
  void thread_ended();
  void handler_loop(Cpu& cpu);
  [[nodiscard]] std::string report() const;

  static thread_local constinit Scheduler* current_;

  Random random_;
  const Chances chances_;
  std::vector<Cpu> cpus_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Thread*> ready_;
  std::size_t alive_ = 0;
  std::size_t timed_ = 0;  // blocked threads with a step at which they wake
  std::function<bool(bool)> watch_;
  std::function<void(std::uint32_t, std::uint32_t)> context_switch_;
  std::function<bool(std::uint32_t)> keep_;
  Fiber main_;
  Fiber* executing_ = nullptr;
  Cpu* cpu_ = nullptr;
  std::uint32_t until_switch_ = 1;
  std::uint32_t drawn_ = 1;
  std::uint64_t steps_ = 0;
  std::uint32_t idle_turns_ = 0;
  Outcome outcome_;
};

}  // namespace kmapper::simulated
