// Shared by the games of kmap_local and of vmap: a machine whose chances a seed draws, its pages,
// and the faults found at the end.
#pragma once

#include <cstdint>
#include <string>

#include "page_model.hpp"
#include "simulated/computer.hpp"
#include "simulated/random.hpp"
#include "simulated/scheduled_threads.hpp"

namespace kmapper::simulated {

using GameComputer = Computer<ScheduledThreads>;

[[nodiscard]] inline Chances draw_chances(Random& random) {
  return {.switches = random.between(1, 12),
          .preemptions = random.between(2, 20),
          .interrupts = random.between(3, 40),
          .freezes = random.one_in(3) ? 0 : random.between(20, 200),
          .speculations = random.one_in(4) ? 0 : random.between(2, 16)};
}

/// At each switch a CPU may walk any of the region's PTEs; the game ends at the first fault.
inline void watch_switches(GameComputer& computer, Region& region, Random& random) {
  computer.threads().scheduler().on_switch([&](bool speculates) {
    const Scheduler::Pause pause;
    if (speculates) {
      const CpuIndex cpu{random.below(computer.machine().shape().cpus)};
      region.speculate(cpu, SlotIndex{random.below(region.size())});
    }
    return computer.machine().faults().empty();
  });
}

/// A low page, or one of the first `high_frames` high ones.
[[nodiscard]] inline GameComputer::Page draw_page(GameComputer& computer, std::uint32_t high_frames,
                                                  Random& random) {
  const MachineShape& shape = computer.machine().shape();
  if (random.one_in(32)) return computer.low_page(random.below(shape.low_frames));
  return computer.high_page(random.below(high_frames));
}

/// Frees an unused page, and allocates it again.
inline void return_page(GameComputer& computer, PageModel& model, std::uint32_t high_frames,
                        Random& random) {
  const FrameIndex frame = draw_page(computer, high_frames, random)->frame;
  if (!model.begin_free(frame)) return;
  computer.machine().check_unmapped(frame);
  model.end_free(frame, random.next());
}

/// The faults; empty if there are none.
[[nodiscard]] inline std::string what_went_wrong(GameComputer& computer, const Outcome& outcome) {
  std::string text = computer.machine().faults().text() + outcome.report;
  for (const auto& report : computer.reports())
    text += std::string("misuse reported: ") + describe(report.what).what + "\n";
  return text;
}

/// Plays up to ten games, each sabotaged by `sabotage`, and returns the first fault that play()
/// finds.
template <class Game, class Sabotage>
[[nodiscard]] std::string first_failure(Sabotage sabotage) {
  std::string failure;
  for (std::uint64_t seed = 1; seed <= 10 && failure.empty(); ++seed) {
    Game game(seed);
    sabotage(game.sabotage());
    failure = game.play();
  }
  return failure;
}

}  // namespace kmapper::simulated
