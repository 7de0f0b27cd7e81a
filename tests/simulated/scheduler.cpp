#include "simulated/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kMostIdleTurns =
    200'000;  // turns of waiting loops without any change: livelock
constexpr std::uint32_t kLongestFreeze = 3'000;  // steps

}  // namespace

thread_local constinit Scheduler* Scheduler::current_ = nullptr;

Scheduler::Scheduler(std::uint64_t seed, std::uint32_t cpus, const Chances& chances)
    : random_(seed), chances_(chances), cpus_(cpus) {
  for (std::uint32_t i = 0; i < cpus; ++i) cpus_[i].index = CpuIndex{i};
  cpu_ = cpus_.data();
}

Scheduler::~Scheduler() = default;

void Scheduler::spawn(std::string name, std::function<void()> body) {
  threads_.push_back(std::make_unique<Thread>());
  Thread& thread = *threads_.back();
  thread.number = static_cast<std::uint32_t>(threads_.size());
  thread.name = std::move(name);
  thread.body = std::move(body);
  thread.fiber = std::make_unique<Fiber>([this, &thread] {
    thread.body();
    thread_ended();
  });
  ready_.push_back(&thread);
  ++alive_;
}

void Scheduler::on_interrupt(const std::function<void()>& handler) {
  for (Cpu& cpu : cpus_) {
    cpu.handler.reset();
    if (!handler) continue;
    cpu.handler = std::make_unique<Thread>();
    cpu.handler->number = kHandler + to_number(cpu.index);
    cpu.handler->name = "interrupt handler";
    cpu.handler->body = handler;
    cpu.handler->fiber = std::make_unique<Fiber>([this, &cpu] { handler_loop(cpu); });
  }
}

Outcome Scheduler::run() {
  if (alive_ == 0 || outcome_.end != Outcome::End::all_done) return outcome_;
  Scheduler* const outer = std::exchange(current_, this);
  executing_ = &main_;
  draw();
  go_on_with(*choose_cpu());
  current_ = outer;
  outcome_.steps = steps();
  return outcome_;
}

/// Draws the number of points until the next switch.
void Scheduler::draw() { drawn_ = until_switch_ = random_.between(1, 2 * chances_.switches); }

void Scheduler::switch_by_chance() {
  steps_ += drawn_;
  draw();
  if (watch_ && !watch_(random_.one_in(chances_.speculations))) end(Outcome::End::stopped);
  if (random_.one_in(chances_.freezes)) freeze(random_.below(kLongestFreeze));
  go_on_elsewhere();
}

void Scheduler::relax() {
  if (++idle_turns_ > kMostIdleTurns) end(Outcome::End::livelock);
  if (can_preempt(*cpu_)) change_thread(*cpu_);
  go_on_elsewhere();
}

void Scheduler::stall_while(const bool& locked) {
  while (locked) {
    cpu_->stalled_on = &locked;
    cpu_->running->waits_for = "a spinlock";
    go_on_elsewhere();
    cpu_->stalled_on = nullptr;
    cpu_->running->waits_for = nullptr;
  }
}

void Scheduler::block(const char* why, std::uint64_t until_step) {
  Thread& thread = *cpu_->running;
  run_on(*cpu_, nullptr);
  thread.state = Thread::State::blocked;
  thread.waits_for = why;
  thread.blocked_since = steps();
  thread.blocked_until = until_step;
  if (until_step != UINT64_MAX) ++timed_;
  go_on_elsewhere();
}

std::optional<std::uint64_t> Scheduler::blocked_since() const {
  std::optional<std::uint64_t> since;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    if (thread->state != Thread::State::blocked) continue;
    if (!since || thread->blocked_since < *since) since = thread->blocked_since;
  }
  return since;
}

void Scheduler::unblock(std::uint32_t number) {
  Thread& thread = *threads_[number - 1];
  if (thread.state != Thread::State::blocked) return;
  if (std::exchange(thread.blocked_until, UINT64_MAX) != UINT64_MAX) --timed_;
  thread.state = Thread::State::ready;
  thread.waits_for = nullptr;
  ready_.push_back(&thread);
  progress();
}

void Scheduler::wake_due() {
  for (const std::unique_ptr<Thread>& thread : threads_) {
    if (thread->blocked_until <= steps_) unblock(thread->number);
  }
}

std::uint64_t Scheduler::first_deadline() const {
  std::uint64_t first = UINT64_MAX;
  for (const std::unique_ptr<Thread>& thread : threads_)
    first = std::min(first, thread->blocked_until);
  return first;
}

void Scheduler::interrupts_on() {
  --cpu_->interrupts_off;
  point();  // a switch that was held back may come now
}

/// Lets some CPU that can run continue; it may be the caller's.
void Scheduler::go_on_elsewhere() {
  ++steps_;  // time passes for frozen CPUs, even if all others only wait
  if (timed_ != 0) wake_due();
  Cpu* cpu = choose_cpu();
  if (cpu == nullptr && timed_ != 0) {
    steps_ = first_deadline();  // nothing else happens until then
    wake_due();
    cpu = choose_cpu();
  }
  if (cpu == nullptr) end(Outcome::End::deadlock);
  if (cpu->running != nullptr && cpu->interrupts_off == 0) {
    if (cpu->handler && random_.one_in(chances_.interrupts)) {
      interrupt(*cpu);
    } else if (can_preempt(*cpu) && random_.one_in(chances_.preemptions)) {
      change_thread(*cpu);
    }
  }
  go_on_with(*cpu);
}

void Scheduler::go_on_with(Cpu& cpu) {
  if (cpu.running == nullptr) change_thread(cpu);
  cpu_ = &cpu;
  Fiber& from = *std::exchange(executing_, cpu.running->fiber.get());
  Fiber::switch_to(from, *executing_);
}

Scheduler::Cpu* Scheduler::choose_cpu() {
  std::array<Cpu*, kMaxCpus> able{};
  std::array<Cpu*, kMaxCpus> awake{};
  std::uint32_t able_count = 0;
  std::uint32_t awake_count = 0;
  for (Cpu& cpu : cpus_) {
    if (!can_run(cpu)) continue;
    able[able_count++] = &cpu;
    if (cpu.frozen_until <= steps_) awake[awake_count++] = &cpu;
  }
  if (awake_count != 0) return awake[random_.below(awake_count)];
  return able_count != 0 ? able[random_.below(able_count)] : nullptr;
}

bool Scheduler::can_run(const Cpu& cpu) const {
  if (cpu.is_stopped) return false;
  if (cpu.running == nullptr) return count_ready_for(cpu) != 0;
  return cpu.stalled_on == nullptr || !*cpu.stalled_on;
}

bool Scheduler::can_preempt(const Cpu& cpu) const {
  return cpu.interrupts_off == 0 && cpu.preemption_off == 0 && count_ready_for(cpu) != 0;
}

bool Scheduler::may_run_on(const Thread& thread, const Cpu& cpu) const {
  if (!keep_) return true;
  const Pause looking;
  return thread.last_cpu == cpu.index || !keep_(thread.number);
}

std::uint32_t Scheduler::count_ready_for(const Cpu& cpu) const {
  if (!keep_) return static_cast<std::uint32_t>(ready_.size());
  std::uint32_t count = 0;
  for (const Thread* const thread : ready_) count += may_run_on(*thread, cpu) ? 1 : 0;
  return count;
}

/// Any ready thread; there must be one.
Scheduler::Thread* Scheduler::take_ready_for(const Cpu& cpu) {
  std::uint32_t skip = random_.below(count_ready_for(cpu));
  Thread** chosen = ready_.data();
  while (!may_run_on(**chosen, cpu) || skip-- != 0) ++chosen;
  Thread* const next = std::exchange(*chosen, ready_.back());
  ready_.pop_back();
  return next;
}

/// The CPU switches from its thread to another, or from or to none.
void Scheduler::run_on(Cpu& cpu, Thread* next) {
  Thread* const before = std::exchange(cpu.running, next);
  if (next != nullptr) next->last_cpu = cpu.index;
  if (!context_switch_) return;
  const Pause in_one_piece;
  Cpu* const executing = std::exchange(cpu_, &cpu);
  context_switch_(before != nullptr ? before->number : 0, next != nullptr ? next->number : 0);
  cpu_ = executing;
}

/// The CPU gets some ready thread, and its own becomes ready.
void Scheduler::change_thread(Cpu& cpu) {
  Thread* const next = take_ready_for(cpu);
  if (cpu.running != nullptr) {
    cpu.running->state = Thread::State::ready;
    ready_.push_back(cpu.running);
  }
  next->state = Thread::State::running;
  run_on(cpu, next);
}

void Scheduler::interrupt(Cpu& cpu) {
  cpu.interrupts_off = 1;
  cpu.interrupted = std::exchange(cpu.running, cpu.handler.get());
}

void Scheduler::handler_loop(Cpu& cpu) {
  for (;;) {
    cpu.running->body();
    cpu.running = std::exchange(cpu.interrupted, nullptr);
    cpu.interrupts_off = 0;
    go_on_elsewhere();
  }
}

void Scheduler::thread_ended() {
  cpu_->running->state = Thread::State::done;
  run_on(*cpu_, nullptr);
  progress();
  if (--alive_ == 0) end(Outcome::End::all_done);
  go_on_elsewhere();
}

/// Returns to run() for ever.
void Scheduler::end(Outcome::End end) {
  outcome_.end = end;
  if (end != Outcome::End::all_done) outcome_.report = report();
  Fiber::switch_to(*executing_, main_);
}

std::string Scheduler::report() const {
  static constexpr const char* kStates[] = {"is ready", "runs", "is blocked", "is done"};
  std::string text;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    if (thread->state == Thread::State::done) continue;
    text += "thread " + std::to_string(thread->number) + " (" + thread->name + ") " +
            kStates[static_cast<std::size_t>(thread->state)];
    for (const Cpu& cpu : cpus_) {
      if (cpu.running != thread.get() && cpu.interrupted != thread.get()) continue;
      text += " on CPU " + std::to_string(to_number(cpu.index));
      if (cpu.interrupts_off != 0) text += ", interrupts off";
    }
    if (thread->waits_for != nullptr) text += std::string(", waits for ") + thread->waits_for;
    text += "\n";
  }
  return text;
}

}  // namespace kmapper::simulated
