#include "process/wait/long_wait.hpp"

#include "process/wait/asleep.hpp"
#include "process/wait/deadline.hpp"
#include "process/window/arena.hpp"

namespace kmapper::process {
namespace {

constexpr std::uint64_t kFirstLookNs = 10'000'000;
constexpr std::uint64_t kLongNs = 1'000'000'000;

}  // namespace

bool LongWait::is_endless() const noexcept {
  return is_for_ever(patience_.deadline) && !patience_.stop.stop_possible();
}

std::uint64_t LongWait::next_look() noexcept {
  if (since_ == 0) {
    since_ = Platform::now();
    next_look_ = is_endless() ? since_ : since_ + kLongNs;
  }
  return next_look_;
}

std::uint64_t LongWait::slept_ns() const noexcept { return Platform::now() - since_; }

void LongWait::look() noexcept {
  const std::uint64_t slept = slept_ns();
  if (is_endless()) {
    const bool is_first = next_look_ == since_;
    if (is_first ? Asleep::is_alone() : Asleep::are_all()) return end(MapError::holds_a_pin);
    next_look_ = since_ + (is_first ? kFirstLookNs : (slept / kLongNs + 1) * kLongNs);
  } else {
    next_look_ = UINT64_MAX;
  }
  if (slept >= kLongNs && !is_told_) tell();
}

void LongWait::tell() noexcept {
  is_told_ = true;
  const OnLongWait what = arena_.on_long_wait();
  if (what == OnLongWait::report) arena_.report_wait(*this);
  if (what == OnLongWait::error && is_for_ever(patience_.deadline)) end(MapError::timed_out);
}

void LongWait::end(MapError verdict) noexcept {
  verdict_ = verdict;
  next_look_ = UINT64_MAX;
  arena_.window().cancel(cancellation_);
}

}  // namespace kmapper::process
