// A reserve of clean slots, so that a miss rarely scavenges. CPUs that have nothing else to do keep
// it: in each tick, one that is about to halt scavenges a batch if too few slots are clean. It
// looks only if pages have been mapped since there was enough, so a window that nobody needs more
// of keeps its idle mappings, and a machine that rests does rest.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// How many clean slots there should be: some for each CPU, but never much of the window.
[[nodiscard]] std::uint32_t reserve_of_clean_slots();

/// Brings the reserve nearer to what it should be. For idle threads; interrupts must be enabled.
void scavenge_in_background();

/// While one lives, no CPU scavenges but for a miss or because it is told to: for who wants to find
/// idle mappings as they were left. Needs a context that may sleep.
class NoBackgroundScavenger {
 public:
  NoBackgroundScavenger();
  ~NoBackgroundScavenger();
  NoBackgroundScavenger(const NoBackgroundScavenger&) = delete;
  NoBackgroundScavenger& operator=(const NoBackgroundScavenger&) = delete;
};

}  // namespace kmapper::kernel
