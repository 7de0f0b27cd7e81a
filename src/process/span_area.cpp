#include "process/span_area.hpp"

#include <algorithm>

#include "process/deadline.hpp"

namespace kmapper::process {

Result<std::uint32_t> SpanArea::take(std::uint32_t units, const Patience* patience) {
  std::unique_lock lock(mutex_);
  if (units > this->units()) return MapError::too_large;
  if (first_waiter_ == nullptr) {
    const std::uint32_t first = take_run(units);
    if (first != kNone) return first;
  }
  if (patience == nullptr) return MapError::would_sleep;

  Waiter self{.units = units};
  (last_waiter_ != nullptr ? last_waiter_->next : first_waiter_) = &self;
  last_waiter_ = &self;
  const auto served = [&self] { return self.first != kNone; };
  if (is_for_ever(patience->deadline)) {
    self.condition.wait(lock, patience->stop, served);
  } else {
    const Deadline deadline = std::max(patience->deadline, Deadline());
    self.condition.wait_until(lock, patience->stop, deadline, served);
  }
  if (self.first != kNone) return self.first;
  leave(self);
  serve();
  return patience->stop.stop_requested() ? MapError::cancelled : MapError::timed_out;
}

void SpanArea::give_back(std::uint32_t first, std::uint32_t units) {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = first; i < first + units; ++i) used_[i] = false;
  in_use_ -= units;
  serve();
}

std::uint32_t SpanArea::in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

std::uint32_t SpanArea::take_run(std::uint32_t units) {
  std::uint32_t free = 0;
  for (std::uint32_t i = 0; i < this->units(); ++i) {
    free = used_[i] ? 0 : free + 1;
    if (free != units) continue;
    const std::uint32_t first = i + 1 - units;
    for (std::uint32_t it = first; it <= i; ++it) used_[it] = true;
    in_use_ += units;
    return first;
  }
  return kNone;
}

/// Gives runs to those who wait, as long as there is one for the first.
void SpanArea::serve() {
  while (first_waiter_ != nullptr) {
    Waiter& waiter = *first_waiter_;
    waiter.first = take_run(waiter.units);
    if (waiter.first == kNone) return;
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
