#include "kernel/sched/run_queue.hpp"

namespace kmapper::kernel {
namespace {

// Only the holder of the lock writes the count.
void add(std::atomic<std::uint32_t>& count, std::uint32_t n) {
  count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

void RunQueue::put(Thread& thread) {
  if (thread.is_timed_) stop_timer(thread);
  thread.state_ = Thread::State::ready;
  thread.next_ = nullptr;
  (first_ == nullptr ? first_ : last_->next_) = &thread;
  last_ = &thread;
  add(ready_, 1);
  if (thread.can_move()) add(movable_, 1);
}

/// Takes the thread behind `before`, or the first one if it is null.
Thread* RunQueue::take_behind(Thread* before) {
  Thread*& link = before == nullptr ? first_ : before->next_;
  Thread* const taken = link;
  if (taken == nullptr) return nullptr;
  link = taken->next_;
  if (last_ == taken) last_ = before;
  add(ready_, UINT32_MAX);
  if (taken->can_move()) add(movable_, UINT32_MAX);
  return taken;
}

Thread* RunQueue::take() { return take_behind(nullptr); }

Thread* RunQueue::take_movable() {
  Thread* before = nullptr;
  for (Thread* it = first_; it != nullptr; it = it->next_) {
    if (it->can_move()) return take_behind(before);
    before = it;
  }
  return nullptr;
}

void RunQueue::start_timer(Thread& thread, std::uint32_t tick) {
  thread.wake_tick_ = tick;
  thread.is_timed_ = true;
  thread.next_timed_ = spokes_[tick % kSpokes];
  spokes_[tick % kSpokes] = &thread;
}

void RunQueue::stop_timer(Thread& thread) {
  Thread** link = &spokes_[thread.wake_tick_ % kSpokes];
  while (*link != &thread) link = &(*link)->next_timed_;
  *link = thread.next_timed_;
  thread.is_timed_ = false;
}

void RunQueue::put_due(std::uint32_t tick) {
  while (tick_ != tick) {
    ++tick_;
    for (Thread* thread = spokes_[tick_ % kSpokes]; thread != nullptr;) {
      Thread* const next = thread->next_timed_;
      if (thread->wake_tick_ == tick_) put(*thread);
      thread = next;
    }
  }
}

}  // namespace kmapper::kernel
