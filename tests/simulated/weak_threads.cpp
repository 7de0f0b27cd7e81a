#include "simulated/weak_threads.hpp"

#include <algorithm>
#include <bit>
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
  std::vector<Loss>& losses = losses_[to_number(slot)];
  if (const std::optional<FrameIndex> frame = machine_.mapped_frame(slot)) {
    Loss& loss = losses.emplace_back(Loss{*frame, step});
    for (std::uint32_t cpu = 0; cpu < machine_.shape().cpus; ++cpu) {
      if (machine_.is_idle(CpuIndex{cpu}))
        loss.flushes.push_back({idle_since_[cpu], 1U << cpu, true});
    }
    return;
  }
  for (const Loss& loss : losses) require_flushed(loss, slot, "reuses");
  std::erase_if(losses, [](const Loss& loss) { return loss.is_freed; });
}

void WeakThreads::took_pte(SlotIndex slot, bool accessed) {
  losses_[to_number(slot)].back().accessed = accessed;
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

void WeakThreads::invalidated(std::uint32_t cpus, std::span<const SlotIndex> slots) {
  const WeakStep step = memory_.step();
  for (const SlotIndex slot : slots) {
    for (Loss& loss : losses_[to_number(slot)]) {
      if (memory_.clock().covers(loss.taken)) loss.flushes.push_back({step, cpus, false});
    }
  }
}

void WeakThreads::enters_idle(CpuIndex cpu) {
  const WeakStep step = memory_.step();
  idle_since_[to_number(cpu)] = step;
  for (std::vector<Loss>& losses : losses_) {
    for (Loss& loss : losses) loss.flushes.push_back({step, 1U << to_number(cpu), true});
  }
}

void WeakThreads::has_left_idle(CpuIndex cpu) {
  const auto is_of_cpu = [bit = 1U << to_number(cpu)](const Flush& it) { return it.cpus == bit; };
  for (std::vector<Loss>& losses : losses_) {
    for (Loss& loss : losses) {
      const bool has_dropped = std::ranges::any_of(
          loss.flushes, [&](const Flush& it) { return is_of_cpu(it) && !it.is_idle; });
      if (has_dropped) continue;
      std::erase_if(loss.flushes, is_of_cpu);
    }
  }
}

void WeakThreads::check_unmapped(FrameIndex frame) {
  machine_.check_unmapped(frame);
  for (std::uint32_t slot = 0; slot < losses_.size(); ++slot) {
    for (Loss& loss : losses_[slot]) {
      if (loss.frame != frame || loss.is_freed) continue;
      loss.is_freed = true;
      require_flushed(loss, SlotIndex{slot}, "frees what lost");
    }
  }
}

void WeakThreads::require_flushed(const Loss& loss, SlotIndex slot, const char* what) {
  const WeakClock& clock = memory_.clock();
  if (!clock.covers(loss.taken))
    return require_order(loss.taken.agent, slot, what, "taking of its PTE");
  if (!loss.accessed) return;
  std::uint32_t flushed = 0;
  for (const Flush& it : loss.flushes) {
    if (clock.covers(it.step)) flushed |= it.cpus;
  }
  const std::uint32_t missing = ~flushed & ((1U << machine_.shape().cpus) - 1);
  if (missing == 0) return;
  machine_.faults().record(
      "data race: thread " + std::to_string(scheduler().sequence()) + " " + what + " slot " +
      std::to_string(to_number(slot)) + ", and nothing orders that after a flush of it on " +
      cpu_name(CpuIndex{static_cast<std::uint32_t>(std::countr_zero(missing))}));
}

void WeakThreads::require_order(Agent other, SlotIndex slot, const char* what, const char* after) {
  if (other == kMaxAgents) return;
  machine_.faults().record("data race: thread " + std::to_string(scheduler().sequence()) + " " +
                           what + " slot " + std::to_string(to_number(slot)) +
                           ", and nothing orders that after thread " + std::to_string(other) +
                           "'s " + after);
}

}  // namespace kmapper::simulated
