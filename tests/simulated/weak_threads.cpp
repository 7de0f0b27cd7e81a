#include "simulated/weak_threads.hpp"

#include <algorithm>
#include <optional>

namespace kmapper::simulated {

WeakThreads::WeakThreads(Machine& machine, const Options& options)
    : ScheduledThreads(machine, options),
      machine_(machine),
      ptes_(machine.shape().slots),
      losses_(machine.shape().slots) {}

void WeakThreads::sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
  lock.release();
  ScheduledThreads::sleep(lock, sleeper, deadline_ns);
  lock.acquire();
}

void WeakThreads::change_pte(SlotIndex slot) {
  point();
  const WeakStep step = memory_.step();
  require_order(ptes_[to_number(slot)].write(memory_.clock(), step), slot, "changes the PTE of",
                "use of it");
  if (const std::optional<FrameIndex> frame = machine_.mapped_frame(slot))
    losses_[to_number(slot)].push_back({*frame, step, {}});
}

void WeakThreads::memory_access(const void* address) {
  point();
  if (is_in_direct_map(address)) return;
  const SlotIndex slot = slot_at(address);
  if (to_number(slot) >= ptes_.size()) return;  // the machine will say so
  const WeakStep step = memory_.step();
  require_order(ptes_[to_number(slot)].read(memory_.clock(), step), slot, "accesses memory through",
                "change of its PTE");
}

void WeakThreads::invalidated(std::span<const SlotIndex> slots) {
  const WeakStep step = memory_.step();
  for (const SlotIndex slot : slots) {
    for (Loss& loss : losses_[to_number(slot)]) loss.flushed.push_back(step);
  }
}

void WeakThreads::check_unmapped(FrameIndex frame) {
  machine_.check_unmapped(frame);
  for (std::uint32_t slot = 0; slot < losses_.size(); ++slot) {
    for (const Loss& loss : losses_[slot]) {
      if (loss.frame == frame) require_freed_after(loss, SlotIndex{slot});
    }
    std::erase_if(losses_[slot], [frame](const Loss& loss) { return loss.frame == frame; });
  }
}

void WeakThreads::require_freed_after(const Loss& loss, SlotIndex slot) {
  const WeakClock& clock = memory_.clock();
  const auto comes_after = [&clock](WeakStep step) { return clock.covers(step); };
  if (!comes_after(loss.taken))
    require_order(loss.taken.agent, slot, "frees what lost", "taking of its PTE");
  else if (!loss.flushed.empty() && std::ranges::none_of(loss.flushed, comes_after))
    require_order(loss.flushed[0].agent, slot, "frees what lost", "flush of it");
}

void WeakThreads::require_order(Agent other, SlotIndex slot, const char* what, const char* after) {
  if (other == kMaxAgents) return;
  machine_.faults().record("data race: thread " + std::to_string(scheduler().sequence()) + " " +
                           what + " slot " + std::to_string(to_number(slot)) +
                           ", and nothing orders that after thread " + std::to_string(other) +
                           "'s " + after);
}

}  // namespace kmapper::simulated
