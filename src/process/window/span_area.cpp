#include "process/window/span_area.hpp"

#include <algorithm>

#include "process/wait/deadline.hpp"
#include "process/wait/long_wait.hpp"

namespace kmapper::process {

Result<std::uint32_t> SpanArea::take(const Run& run, LongWait* wait) {
  std::unique_lock lock(mutex_);
  if (run.units > units()) return MapError::too_large;
  if (first_waiter_ == nullptr) {
    const std::uint32_t first = take_run(run);
    if (first != kNone) return first;
  }
  if (wait == nullptr) return MapError::would_sleep;

  Waiter self{.run = run};
  (last_waiter_ != nullptr ? last_waiter_->next : first_waiter_) = &self;
  last_waiter_ = &self;
  sleep(lock, self, *wait);
  if (self.first != kNone) return self.first;
  leave(self);
  serve();
  if (wait->verdict() != MapError::none) return wait->verdict();
  return wait->patience().stop.stop_requested() ? MapError::cancelled : MapError::timed_out;
}

/// Sleeps until the waiter has its run, or must return without one.
void SpanArea::sleep(std::unique_lock<std::mutex>& lock, Waiter& self, LongWait& wait) {
  const Patience& patience = wait.patience();
  const auto served = [&self] { return self.first != kNone; };
  if (wait.is_endless()) self.asleep.begin();
  while (!served() && wait.verdict() == MapError::none && !patience.stop.stop_requested()) {
    const std::uint64_t look = wait.next_look();
    const Deadline until = std::min(patience.deadline, deadline_of(look));
    if (is_for_ever(until)) {
      self.condition.wait(lock, patience.stop, served);
    } else {
      self.condition.wait_until(lock, patience.stop, std::max(until, Deadline()), served);
    }
    const Deadline now = std::chrono::steady_clock::now();
    if (served() || now >= patience.deadline) break;
    if (now < until) continue;
    lock.unlock();
    wait.look();
    lock.lock();
  }
  self.asleep.end();
}

void SpanArea::give_back(std::uint32_t first) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t units = runs_[first].units;
  runs_[first].units = 0;
  for (std::uint32_t i = first; i < first + units; ++i) used_[i] = false;
  in_use_ -= units;
  serve();
}

SpanArea::State SpanArea::state() const {
  State state{};
  for_each_free_run([&state](std::uint32_t, std::uint32_t units) {
    state.longest_free = std::max(state.longest_free, units);
  });
  const std::lock_guard lock(mutex_);
  state.in_use = in_use_;
  for (const Waiter* it = first_waiter_; it != nullptr; it = it->next) ++state.waiters;
  return state;
}

std::uint32_t SpanArea::take_run(const Run& run) {
  std::uint32_t free = 0;
  for (std::uint32_t i = 0; i < units(); ++i) {
    free = used_[i] ? 0 : free + 1;
    if (free != run.units) continue;
    const std::uint32_t first = i + 1 - run.units;
    for (std::uint32_t it = first; it <= i; ++it) used_[it] = true;
    in_use_ += run.units;
    runs_[first] = run;
    runs_[first].since_ns = Platform::now();
    return first;
  }
  return kNone;
}

/// Gives runs to waiting calls, as long as there is one for the first of them.
void SpanArea::serve() {
  while (first_waiter_ != nullptr) {
    Waiter& waiter = *first_waiter_;
    waiter.first = take_run(waiter.run);
    if (waiter.first == kNone) return;
    waiter.asleep.end();
    first_waiter_ = waiter.next;
    if (first_waiter_ == nullptr) last_waiter_ = nullptr;
    waiter.condition.notify_one();
  }
}

void SpanArea::leave(Waiter& self) {
  Waiter* before = nullptr;
  for (Waiter* it = first_waiter_; it != &self; it = it->next) before = it;
  (before != nullptr ? before->next : first_waiter_) = self.next;
  if (last_waiter_ == &self) last_waiter_ = before;
}

}  // namespace kmapper::process
