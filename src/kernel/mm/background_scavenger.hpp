// A reserve of clean slots, so that a miss rarely scavenges. Idle CPUs keep it: in each tick, one
// CPU that is about to halt scavenges a batch if too few slots are clean. It does so only if pages
// have been mapped since there were enough. So an unused window keeps its idle mappings, and an
// idle machine stays idle.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// How many clean slots the reserve should have: some for each CPU, but only a small part of the
/// window.
[[nodiscard]] std::uint32_t reserve_of_clean_slots();

/// Moves the reserve towards its aim. For idle threads; interrupts must be enabled.
void scavenge_in_background();

/// While an object exists, a CPU scavenges only for a miss or for an explicit call. For tests that
/// look at idle mappings. Needs a context that may sleep.
class NoBackgroundScavenger {
 public:
  NoBackgroundScavenger();
  ~NoBackgroundScavenger();
  NoBackgroundScavenger(const NoBackgroundScavenger&) = delete;
  NoBackgroundScavenger& operator=(const NoBackgroundScavenger&) = delete;
};

}  // namespace kmapper::kernel
