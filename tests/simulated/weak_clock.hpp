// Vector clocks: happens-before in numbers. Every agent counts its own steps. A clock holds, for
// each agent, the last of its steps that has happened before.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace kmapper::simulated {

/// A sequence of steps in one order: a thread, counted from 1, with the interrupts on top of it; 0
/// is the test itself, before its threads start and after they have ended.
using Agent = std::uint32_t;
inline constexpr Agent kMaxAgents = 16;

/// One step of an agent. Steps are counted from 1.
struct WeakStep {
  Agent agent = 0;
  std::uint32_t time = 0;
};

class WeakClock {
 public:
  [[nodiscard]] std::uint32_t time_of(Agent agent) const { return times_[agent]; }
  /// Whether the step has happened before the owner of this clock.
  [[nodiscard]] bool covers(WeakStep step) const { return step.time <= times_[step.agent]; }
  /// The first agent with steps in `other` that this clock does not cover; kMaxAgents: none.
  [[nodiscard]] Agent first_ahead(const WeakClock& other) const {
    for (Agent agent = 0; agent < kMaxAgents; ++agent) {
      if (other.times_[agent] > times_[agent]) return agent;
    }
    return kMaxAgents;
  }

  void include(WeakStep step) { times_[step.agent] = std::max(times_[step.agent], step.time); }
  void include(const WeakClock& other) {
    for (Agent agent = 0; agent < kMaxAgents; ++agent)
      times_[agent] = std::max(times_[agent], other.times_[agent]);
  }

 private:
  std::array<std::uint32_t, kMaxAgents> times_{};
};

/// The accesses to one plain object: a read or a write must come after all earlier writes, and a
/// write also after all earlier reads.
class WeakPlain {
 public:
  /// Notes a read. Returns the agent that it races with, or kMaxAgents.
  [[nodiscard]] Agent read(const WeakClock& reader, WeakStep step) {
    reads_.include(step);
    return reader.first_ahead(writes_);
  }
  /// Notes a write. Returns the agent that it races with, or kMaxAgents.
  [[nodiscard]] Agent write(const WeakClock& writer, WeakStep step) {
    const Agent writes = writer.first_ahead(writes_);
    const Agent reads = writer.first_ahead(reads_);
    writes_.include(step);
    return writes != kMaxAgents ? writes : reads;
  }

 private:
  WeakClock writes_;
  WeakClock reads_;
};

}  // namespace kmapper::simulated
