// The simulated platform passes the suite in any order of its threads.
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
      ASSERT_EQ(tally.skipped, cpus == 1 ? 8U : 0U) << rig.text();
      ASSERT_TRUE(rig.faults().empty()) << rig.faults().text();
    }
  }
}

// What could not be checked on a kernel is no pass: the suite lists it, and lists nothing if all
// was checked.
TEST(Conformance, WhatCouldNotBeFoundOutIsSaidAtTheEnd) {
  for (const std::uint32_t cpus : {1U, 2U}) {
    Rig rig(1, cpus);
    (void)rig.run([](Rig& it) { (void)conformance::run(it); });
    const bool is_open =
        rig.text().find(
            "\nnot checked on this kernel:\n  whether counted() sums over all CPUs (the rig has "
            "one CPU)\n") != std::string::npos &&
        rig.text().find(
            "\n  whether there is a TLB shootdown at all, it reaches every CPU, and invalidate() "
            "waits for it (the rig has one CPU)\n") != std::string::npos;
    EXPECT_EQ(is_open, cpus == 1) << rig.text();
    EXPECT_EQ(rig.text().find("not checked") != std::string::npos, cpus == 1) << rig.text();
  }
}

}  // namespace
}  // namespace kmapper::simulated
