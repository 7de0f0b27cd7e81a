// All CPUs together: each counted CPU works, and all know the same time.
#include <atomic>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "kernel/jobs/roll_call.hpp"
#include "tests/kernel/self_test/self_test.hpp"
#include "tests/kernel/self_test/two_cpus.hpp"

namespace kmapper::kernel {
namespace {

// For the roll call, a CPU that answers nothing for a while does not work.
Outcome the_roll_call_names_a_cpu_that_does_not_work() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  const StayOn here(kFirst);  // the other CPU would not wake it
  std::atomic<std::uint32_t> phase{0};
  Thread* const other = thread_create(
      "deaf",
      [](void* argument) {
        auto& phase = *static_cast<std::atomic<std::uint32_t>*>(argument);
        const StayOn there(kSecond);
        const InterruptsOff silence;
        phase.store(1);
        while (phase.load() == 1) pause();
      },
      &phase);
  if (other == nullptr) return failed("no memory for a thread");
  while (phase.load() == 0) thread_sleep(1);
  RollCall roll;
  const auto missing = roll.missing(100'000'000);
  phase.store(2);
  const auto missing_later = roll.missing(10'000'000'000);
  roll.end();
  thread_join(*other);
  if (missing != kSecond) return failed("it was not named");
  return missing_later ? failed("it was named again when it worked") : passed();
}

// Two CPUs pass a turn to each other, and read the time in between.
struct TimeGame {
  static constexpr std::uint32_t kTurns = 2000;

  std::atomic<std::uint32_t> turn{0};
  std::uint64_t latest = 0;
  bool ran_backwards = false;

  void play(std::uint32_t parity) {
    for (std::uint32_t mine = parity; mine < kTurns; mine += 2) {
      while (turn.load() != mine) pause();
      const std::uint64_t now = now_ns();
      ran_backwards = ran_backwards || now < latest;
      latest = now;
      turn.store(mine + 1);
    }
  }
};

Outcome time_does_not_run_backwards_between_cpus() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  TimeGame game;
  const std::uint64_t begin = now_ns();
  if (!play_on_two_cpus(game)) return failed("no memory for a thread");
  if (game.ran_backwards) return failed("a CPU read an earlier time than another before it");
  constexpr std::uint64_t kMost = 100'000'000'000;
  return game.latest - begin < kMost ? passed() : failed("a CPU's time is far from another's");
}

constexpr SelfTest kTests[] = {
    {"the roll call names a CPU that does not work", the_roll_call_names_a_cpu_that_does_not_work},
    {"time does not run backwards between CPUs", time_does_not_run_backwards_between_cpus},
};

}  // namespace

std::span<const SelfTest> all_cpus_tests() { return kTests; }

}  // namespace kmapper::kernel
