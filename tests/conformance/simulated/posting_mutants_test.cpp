// The same for platforms that post their flushes: the right one passes in any order of its threads,
// and the suite finds each mistake by the check of that function.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "conformance/conformance.hpp"
#include "conformance/simulated/posting_mutant.hpp"
#include "conformance/simulated/simulated_rig.hpp"
#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/core/impl/vmalloc.hpp"

template class kmapper::Mapper<kmapper::simulated::PostingMutant>;
template class kmapper::LocalMapper<kmapper::simulated::PostingMutant>;
template class kmapper::VmapRange<kmapper::simulated::PostingMutant>;
template class kmapper::VmallocRange<kmapper::simulated::PostingMutant>;
using PostingPlatform = kmapper::simulated::Platform<kmapper::simulated::PostingScheduledThreads>;
template class kmapper::LocalMapper<PostingPlatform>;
template class kmapper::VmapRange<PostingPlatform>;
template class kmapper::VmallocRange<PostingPlatform>;

namespace kmapper::simulated {
namespace {

using Rig = SimulatedRig<PostingMutant, PostingScheduledThreads>;
using RightRig = SimulatedRig<Platform<PostingScheduledThreads>, PostingScheduledThreads>;

static_assert(kmapper::PostingPlatform<PostingMutant>);

std::string first_failure(const std::string& text) {
  const std::size_t failure = text.find("NOT OK");
  const std::size_t end = text.find('\n', failure == std::string::npos ? text.size() : failure);
  return text.substr(text.rfind('\n', failure) + 1, end - text.rfind('\n', failure) - 1);
}

std::string said_about(WrongPost wrong, const std::function<void(Rig&)>& prepare = {}) {
  PostingMutant::begin(wrong);
  Rig rig(1, 4);
  rig.tolerate_faults();
  if (prepare) prepare(rig);
  const Outcome outcome = rig.run([](Rig& it) { (void)conformance::run(it); });
  EXPECT_EQ(outcome.end, Outcome::End::all_done) << outcome.report << rig.text();
  return first_failure(rig.text());
}

TEST(PostingMutants, TheSimulatedPlatformConforms) {
  for (const std::uint32_t cpus : {1U, 2U, 4U}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      RightRig rig(seed, cpus);
      if (seed == 3) rig.flush_at_switches();
      conformance::Tally tally;
      const Outcome outcome = rig.run([&tally](RightRig& it) { tally = conformance::run(it); });
      ASSERT_EQ(outcome.end, Outcome::End::all_done) << outcome.report << rig.text();
      ASSERT_EQ(tally.failed, 0U) << rig.text();
      ASSERT_EQ(tally.skipped, cpus == 1 ? 12U : 0U) << rig.text();
      ASSERT_TRUE(rig.faults().empty()) << rig.faults().text() << rig.text();
    }
  }
}

TEST(PostingMutants, ThePlatformThatTheyAreMadeOfPasses) {
  EXPECT_EQ(said_about(WrongPost::nothing), "");
}

struct Caught {
  WrongPost wrong;
  const char* line;  // of the check that finds it
};

constexpr Caught kCaught[] = {
    {WrongPost::tick_does_not_come_by,
     "posted_flushes: each CPU comes by at its timer tick: NOT OK: CPU 0 did not come by in a "
     "second, with interrupts on: does its timer tick call drop() of PostedFlushes?"},
    {WrongPost::call_tells_nobody,
     "call: a CPU that does nothing but spin comes by, and is waited for: NOT OK: CPU 0 had not "
     "come by when call() returned on CPU 1: call() has to interrupt all CPUs that it is given, "
     "and wait until each has called drop() of PostedFlushes"},
    {WrongPost::call_tells_one_cpu,
     "call: a CPU that does nothing but spin comes by, and is waited for: NOT OK: CPU 3 had not "
     "come by when call() returned on CPU 0: call() has to interrupt all CPUs that it is given, "
     "and wait until each has called drop() of PostedFlushes"},
    {WrongPost::call_not_waited_for,
     "call: a CPU that does nothing but spin comes by, and is waited for: NOT OK: CPU 0 had not "
     "come by when call() returned on CPU 1: call() has to interrupt all CPUs that it is given, "
     "and wait until each has called drop() of PostedFlushes"},
    {WrongPost::call_forgets_its_cpu,
     "call: the caller's own CPU comes by: NOT OK: CPU 0 called itself, and did not come by: "
     "call() has to call drop() of PostedFlushes here, too"},
    {WrongPost::drop_does_nothing,
     "drop: a slot leaves this CPU's TLB: NOT OK: slot 0 still shows its last page after drop() of "
     "that slot"},
    {WrongPost::drop_of_the_slot_beside,
     "drop: a slot leaves this CPU's TLB: NOT OK: slot 0 still shows its last page after drop() of "
     "that slot"},
    {WrongPost::drop_all_does_nothing,
     "drop_all: all slots leave this CPU's TLB: NOT OK: slot 0 still shows its last page after "
     "drop_all(): it has to drop this CPU's whole TLB"},
    {WrongPost::drop_all_leaves_the_last,
     "drop_all: all slots leave this CPU's TLB: NOT OK: slot 30 still shows its last page after "
     "drop_all(): it has to drop this CPU's whole TLB"},
    {WrongPost::call_notes_only,
     "call: a CPU that has come by has dropped its TLB: NOT OK: CPU 0 has come by, and sees an "
     "older page than CPU 1 has just mapped: where it calls drop() of PostedFlushes, it has to "
     "drop "
     "its whole TLB"},
    {WrongPost::tick_notes_only,
     "posted_flushes: a CPU that has come by at a tick has dropped its TLB: NOT OK: CPU 0 has come "
     "by at its timer tick, not called by CPU 1, and still has the last page: where it calls "
     "drop() of PostedFlushes, it has to drop its whole TLB"},
};
constexpr const char* kAwakeForgotten =
    "posted_flushes: each CPU that runs is awake: NOT OK: CPU 0 runs, and no post waits for it: it "
    "has to call leave_idle() whenever it wakes, and leave_long_idle() when it starts";
constexpr const char* kDropsForgotten =
    "posted_flushes: a CPU that wakes has dropped its TLB: NOT OK: CPU 0 idled while a slot was "
    "taken, and woke with the slot's last page in its TLB: leave_idle() has to drop the whole TLB, "
    "before anything else";

TEST(PostingMutants, EachIsFoundByTheCheckThatIsAboutIt) {
  for (const Caught& it : kCaught) EXPECT_EQ(said_about(it.wrong), it.line);
}

// As in mutants_test.cpp: only a CPU that keeps running can show that it has dropped nothing.
TEST(PostingMutants, EachIsFoundWhereSwitchesFlush) {
  for (const Caught& it : kCaught)
    EXPECT_EQ(said_about(it.wrong, [](Rig& rig) { rig.flush_at_switches(); }), it.line);
}

TEST(PostingMutants, AKernelThatForgetsItsIdleCpusIsFound) {
  EXPECT_EQ(said_about(WrongPost::nothing, [](Rig& rig) { rig.forget_awake_cpus(); }),
            kAwakeForgotten);
  EXPECT_EQ(said_about(WrongPost::nothing, [](Rig& rig) { rig.forget_drops_at_wakes(); }),
            kDropsForgotten);
}

TEST(PostingMutants, TheReadmeSaysWhatTheSuiteSays) {
  std::ifstream file(KMAPPER_ROOT "/tests/conformance/README.md");
  const std::string guide(std::istreambuf_iterator<char>(file), {});
  const auto expect_in_guide = [&guide](const std::string& line) {
    EXPECT_NE(guide.find('`' + line + '`'), std::string::npos) << line;
  };
  for (const Caught& it : kCaught) expect_in_guide(it.line);
  expect_in_guide(kAwakeForgotten);
  expect_in_guide(kDropsForgotten);
}

}  // namespace
}  // namespace kmapper::simulated
