#include "simulated/weak_memory.hpp"

#include <stdexcept>
#include <utility>

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kLongestSpell = 12;  // loads

Agent running_agent() {
  const Scheduler* const scheduler = Scheduler::current();
  return scheduler != nullptr ? scheduler->sequence() : 0;
}

/// Without the arguments of a function template.
std::string_view plain_name(std::string_view function) {
  return function.substr(0, function.find('<'));
}

}  // namespace

thread_local constinit WeakMemory* WeakMemory::current_ = nullptr;

WeakMemory::WeakMemory(std::uint32_t stale) : outer_(std::exchange(current_, this)), stale_(stale) {
  clocks_[0].include(WeakStep{0, 1});
}

WeakMemory::~WeakMemory() { current_ = outer_; }

WeakClock& WeakMemory::clock() {
  const Agent agent = running_agent();
  if (agent >= kMaxAgents) {
    throw std::out_of_range("weak memory: thread " + std::to_string(agent) +
                            " is too many, must be below " + std::to_string(kMaxAgents));
  }
  WeakClock& clock = clocks_[agent];
  // A thread's first step comes after all that the test did before it started its threads.
  if (clock.time_of(agent) == 0) {
    clock.include(clocks_[0]);
    clock.include(WeakStep{agent, 1});
  }
  return clock;
}

WeakStep WeakMemory::step() {
  const Agent agent = running_agent();
  WeakClock& own = clock();
  const WeakStep step{agent, own.time_of(agent) + 1};
  own.include(step);
  return step;
}

void WeakMemory::join_all() {
  for (const WeakClock& ended : clocks_) clocks_[0].include(ended);
}

std::uint32_t WeakMemory::choose_age(std::uint32_t older) {
  Scheduler* const scheduler = Scheduler::current();
  if (older == 0 || scheduler == nullptr) return 0;
  Random& random = scheduler->random();
  std::uint32_t& left = stale_loads_[running_agent()];
  if (left == 0) {
    if (!random.one_in(stale_)) return 0;
    left = random.between(1, kLongestSpell);
  }
  --left;
  return random.between(1, older);
}

void WeakMemory::weaken(const OrderedAccess& access, std::memory_order weaker) {
  weakened_.push_back({access, weaker});
}

std::memory_order WeakMemory::order_of(const Site& site, AtomicOperation operation,
                                       std::memory_order order) {
  if (order == std::memory_order_relaxed) return order;
  if (recorded_ != nullptr)
    recorded_->insert({plain_name(site.function), operation, order, site.line});
  for (const Weakened& it : weakened_) {
    if (it.access.operation == operation && it.access.order == order &&
        (it.access.line == 0 || it.access.line == site.line) &&
        it.access.function == plain_name(site.function))
      return it.weaker;
  }
  return order;
}

}  // namespace kmapper::simulated
