// The simulated platform passes the suite, whatever the order in which its threads run.
#include <gtest/gtest.h>

#include "conformance/conformance.hpp"
#include "conformance/simulated/simulated_rig.hpp"

namespace kmapper::simulated {
namespace {

using Rig = SimulatedRig<Platform<ScheduledThreads>>;

TEST(Conformance, TheSimulatedPlatformConforms) {
  for (const std::uint32_t cpus : {1U, 2U, 4U}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      Rig rig(seed, cpus);
      conformance::Tally tally;
      const Outcome outcome = rig.run([&tally](Rig& it) { tally = conformance::run(it); });
      ASSERT_EQ(outcome.end, Outcome::End::all_done) << outcome.report << rig.text();
      ASSERT_EQ(tally.failed, 0U) << rig.text();
      ASSERT_EQ(tally.skipped, cpus == 1 ? 5U : 0U) << rig.text();
      ASSERT_TRUE(rig.faults().empty()) << rig.faults().text();
    }
  }
}

}  // namespace
}  // namespace kmapper::simulated
