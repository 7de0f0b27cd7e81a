// DESIGN.md's invariants, as far as the mapper and the machine show them at any moment, whatever
// the threads are doing. The machine checks the others itself, when a PTE or a TLB changes.
#pragma once

#include <string>

#include "kmapper/core/mapper.hpp"
#include "simulated/computer.hpp"
#include "simulated/scheduled_threads.hpp"

namespace kmapper::simulated {

/// Logs a fault for each invariant that the slot breaks now. No thread may run meanwhile.
template <class Threads>
void check_slot(Computer<Threads>& computer, Mapper<Platform<Threads>>& mapper, SlotIndex slot) {
  Machine& machine = computer.machine();
  const auto require = [&machine, slot](bool holds, const char* invariant) {
    if (!holds)
      machine.faults().record("slot " + std::to_string(to_number(slot)) + ": " + invariant);
  };
  const auto view = mapper.inspect(slot);
  if (mapper.is_clean(slot)) {
    require(!word::is_live(view.word), "a clean slot is live");
    require(!machine.mapped_frame(slot), "a clean slot has a PTE");
    for (std::uint32_t cpu = 0; cpu < machine.shape().cpus; ++cpu)
      require(machine.is_idle(CpuIndex{cpu}) || !machine.cached_frame(CpuIndex{cpu}, slot),
              "a clean slot is in a TLB");
  }
  if (!word::is_live(view.word)) return;
  require(word::users(view.word) != 0, "a live slot counts no users, not even the 1 of idle");
  require(view.page != nullptr && mapper.find(view.page) == slot,
          "a live slot's page is found in another slot, or in none");
  require(machine.mapped_frame(slot) == view.page->frame, "a live slot's PTE maps another page");
  require(word::users(view.word) > machine.holders(slot), "a slot counts fewer users than it has");
}

/// Checks all slots.
template <class Threads>
void check_window(Computer<Threads>& computer, Mapper<Platform<Threads>>& mapper) {
  for (std::uint32_t i = 0; i < mapper.slot_count(); ++i)
    check_slot(computer, mapper, SlotIndex{i});
}

/// For the time after all threads have ended: no slot is pinned or lost, at least `mapped` kmaps of
/// high pages were counted, and the window can be emptied. The caller may flush, and is the only
/// thread that runs.
template <class Threads>
void check_end(Computer<Threads>& computer, Mapper<Platform<Threads>>& mapper,
               std::uint64_t mapped) {
  FaultLog& faults = computer.machine().faults();
  mapper.finish_flushes();  // for slots whose last page was freed where the caller could not flush
  check_window(computer, mapper);
  std::uint32_t live = 0;
  for (std::uint32_t i = 0; i < mapper.slot_count(); ++i) {
    const auto word = mapper.inspect(SlotIndex{i}).word;
    if (word::is_live(word)) ++live;
    if (word::is_pinned(word)) faults.record("slot " + std::to_string(i) + " stays pinned");
    if (word::is_live(word) && word::is_parked(word))
      faults.record("slot " + std::to_string(i) + " stays parked");
  }
  const Stats stats = mapper.stats();
  if (stats.hits + stats.misses < mapped)
    faults.record(std::to_string(stats.hits) + " hits and " + std::to_string(stats.misses) +
                  " misses are less than " + std::to_string(mapped) + " kmaps");
  const std::uint32_t taken = mapper.flush_all_zero_pkmaps();
  if (taken != live)
    faults.record("flush_all_zero_pkmaps() took " + std::to_string(taken) + " of " +
                  std::to_string(live) + " idle slots");
  for (std::uint32_t i = 0; i < mapper.slots_in_use(); ++i) {
    if (!mapper.is_clean(SlotIndex{i}))
      faults.record("slot " + std::to_string(i) + " is lost: neither live nor clean");
  }
  check_window(computer, mapper);
}

}  // namespace kmapper::simulated
