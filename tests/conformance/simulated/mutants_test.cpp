// A wrong platform does not pass: the suite finds each mistake by the check of that function, and
// names it.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "conformance/conformance.hpp"
#include "conformance/simulated/mutant.hpp"
#include "conformance/simulated/simulated_rig.hpp"
#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/core/impl/vmalloc.hpp"

template class kmapper::Mapper<kmapper::simulated::Mutant>;
template class kmapper::LocalMapper<kmapper::simulated::Mutant>;
template class kmapper::VmapRange<kmapper::simulated::Mutant>;
template class kmapper::VmallocRange<kmapper::simulated::Mutant>;

namespace kmapper::simulated {
namespace {

using Rig = SimulatedRig<Mutant>;

/// The line of the first check that fails; empty if none does.
std::string first_failure(const std::string& text) {
  const std::size_t failure = text.find("NOT OK");
  const std::size_t end = text.find('\n', failure == std::string::npos ? text.size() : failure);
  return text.substr(text.rfind('\n', failure) + 1, end - text.rfind('\n', failure) - 1);
}

/// What the suite prints about a platform with this mistake.
std::string said_about(Wrong wrong, const std::function<void(Rig&)>& prepare = {},
                       std::uint32_t cpus = 2) {
  Mutant::begin(wrong);
  Rig rig(1, cpus);
  rig.tolerate_faults();
  if (prepare) prepare(rig);
  (void)rig.run([](Rig& it) { (void)conformance::run(it); });
  EXPECT_EQ(rig.uses_of_null(), 0U);
  return first_failure(rig.text());
}

TEST(Mutants, ThePlatformThatTheyAreMadeOfPasses) {
  Mutant::begin(Wrong::nothing);
  Rig rig(1, 2);
  conformance::Tally tally;
  const Outcome outcome = rig.run([&tally](Rig& it) { tally = conformance::run(it); });
  EXPECT_EQ(outcome.end, Outcome::End::all_done) << outcome.report << rig.text();
  EXPECT_EQ(tally.failed + tally.skipped, 0U) << rig.text();
}

struct Caught {
  Wrong wrong;
  const char* line;  // of the check that finds it
};

constexpr Caught kCaught[] = {
    {Wrong::low_is_high,
     "is_high: what is high, and what is low: NOT OK: it says that a low page is high"},
    {Wrong::window_is_direct,
     "is_direct: low addresses are told from the window's: NOT OK: is_direct() takes the address "
     "of slot 0 for a low page's"},
    {Wrong::cells_shared,
     "page_virtual: each page has a cell of its own, 0 at first: NOT OK: page 31 shares its cell "
     "with another page"},
    {Wrong::cells_not_cleared,
     "page_virtual: each page has a cell of its own, 0 at first: NOT OK: the cell of page 0 holds "
     "7, not 0: clear all before open()"},
    {Wrong::slots_two_pages_apart,
     "address: slots lie a page apart, in their order: NOT OK: slot 1 is not 1 pages above slot 0"},
    {Wrong::sleep_allowed_anywhere,
     "InterruptsOff: no waiting inside, and it nests: NOT OK: may_sleep() says yes where a sleep "
     "would never end: are interrupts off, and does it check that?"},
    {Wrong::flush_allowed_anywhere,
     "InterruptsOff: no waiting inside, and it nests: NOT OK: may_flush() says yes where waiting "
     "for other CPUs may deadlock: are interrupts off, and does it check that?"},
    {Wrong::interrupts_stay_on,
     "InterruptsOff: no waiting inside, and it nests: NOT OK: may_sleep() says yes where a sleep "
     "would never end: are interrupts off, and does it check that?"},
    {Wrong::interrupts_do_not_nest,
     "InterruptsOff: no waiting inside, and it nests: NOT OK: an InterruptsOff inside another "
     "turned interrupts on at its end: it must nest"},
    {Wrong::interrupts_off_in_name_only,
     "InterruptsOff: no other thread runs on this CPU meanwhile: NOT OK: another thread ran on CPU "
     "0 while an InterruptsOff existed there: it must stop interrupts, and with them preemption"},
    {Wrong::flush_refused_after_a_while,
     "kmap: every page shows its bytes: NOT OK: kmap() of page 32 returned no address; report() "
     "got the reason"},
    {Wrong::interrupt_unknown,
     "may_sleep, may_flush: no waiting in an interrupt: NOT OK: may_sleep() says yes where a sleep "
     "would never end: are interrupts off, and does it check that?"},
    {Wrong::lock_keeps_nobody_out,
     "Lock: it keeps others out: NOT OK: two threads counted to 548 under a lock, and it should be "
     "600: the lock excludes nothing"},
    {Wrong::unlock_turns_interrupts_on,
     "Lock: no waiting while it is held, and it puts interrupts back: NOT OK: unlock() turned "
     "interrupts on that were off before lock(): it must put back what it found"},
    {Wrong::clock_stands_still,
     "now: the clock goes on, and never back: NOT OK: now() stood still: sleeps with a time limit "
     "would never end"},
    {Wrong::stamp_is_no_threads,
     "stamp, same_holder: threads are told apart: NOT OK: same_holder() takes another thread for "
     "this one: is stamp() per thread?"},
    {Wrong::age_runs_backwards,
     "age_ns: a new stamp is young: NOT OK: a stamp is 4294967295 s old as soon as it is made"},
    {Wrong::count_leaves_n_out,
     "count, counted: each event by itself: NOT OK: event 0 was counted 1 + 5 times, and counted() "
     "says 2"},
    {Wrong::counted_is_of_this_cpu,
     "count, counted: each event by itself: NOT OK: event 0 was counted 1 + 5 times, and counted() "
     "says 0"},
    {Wrong::sleep_returns_at_once,
     "sleep: it lasts until its deadline, and takes its lock again: NOT OK: sleep() returned 1000 "
     "times before its deadline, without a wake(): it does not sleep"},
    {Wrong::sleep_keeps_the_lock,
     "wake, sleep: no wake is lost, and a sleep frees the lock: NOT OK: no thread could take the "
     "lock during sleep(): sleep() must release it"},
    {Wrong::sleep_returns_without_lock,
     "wake, sleep: no wake is lost, and a sleep frees the lock: NOT OK: sleep() returned without "
     "its lock: another thread had it"},
    {Wrong::wake_is_lost,
     "wake, sleep: no wake is lost, and a sleep frees the lock: NOT OK: sleep() slept on after its "
     "wake(): a wake was lost"},
    {Wrong::wake_is_lost_now_and_then,
     "wake, sleep: no wake is lost, and a sleep frees the lock: NOT OK: sleep() slept on after its "
     "wake(): a wake was lost"},
    {Wrong::wake_wakes_another,
     "wake: it wakes the sleeper that it is given: NOT OK: wake() of one sleeper did not wake that "
     "sleeper"},
    {Wrong::pte_write_lost,
     "write_pte: each slot shows its page: NOT OK: slot 0 maps nothing: write_pte() did not reach "
     "the page table"},
    {Wrong::pte_of_the_page_beside,
     "write_pte: each slot shows its page: NOT OK: slot 0 shows another page's bytes"},
    {Wrong::take_leaves_the_entry,
     "take_pte: a taken slot maps nothing: NOT OK: after take_pte() and invalidate() the slot "
     "still maps a page"},
    {Wrong::accessed_never,
     "take_pte: it says whether the slot was used: NOT OK: take_pte() says that a used slot was "
     "not used: no flush would follow"},
    {Wrong::accessed_always,
     "take_pte: it says whether the slot was used: NOT OK: take_pte() never says that a slot was "
     "not used: each costs a flush; does write_pte() set Accessed?"},
    {Wrong::accessed_of_another_slot,
     "take_pte: each slot has its own Accessed bit: NOT OK: using a slot marks another slot as "
     "used"},
    {Wrong::accessed_of_this_cpu_only,
     "take_pte: it knows of a use on another CPU: NOT OK: take_pte() does not know that CPU 0 used "
     "a slot"},
    {Wrong::flush_does_nothing,
     "invalidate: a slot forgets its last page: NOT OK: the slot still shows its last page: "
     "invalidate() flushed nothing"},
    {Wrong::flush_of_the_first_only,
     "invalidate: every slot of a batch forgets its last page: NOT OK: slot 1 still shows its last "
     "page after a batch of 2: invalidate() left a translation in this CPU's TLB"},
    {Wrong::flush_of_eight_at_most,
     "invalidate: every slot of a batch forgets its last page: NOT OK: slot 8 still shows its last "
     "page after a batch of 9: invalidate() left a translation in this CPU's TLB"},
    {Wrong::flush_of_the_slot_beside,
     "invalidate: a slot forgets its last page: NOT OK: the slot still shows its last page: "
     "invalidate() flushed nothing"},
    {Wrong::flush_on_this_cpu_only,
     "invalidate: all CPUs forget a slot's last page: NOT OK: CPU 0 still has what a batch of 2 "
     "slots mapped before: does it answer?"},
    {Wrong::flush_forgets_a_cpu_now_and_then,
     "invalidate: all CPUs forget a slot's last page: NOT OK: CPU 1 still has what a batch of 2 "
     "slots mapped before: does it answer?"},
    {Wrong::cpu_is_always_0,
     "cpu: each CPU knows its number: NOT OK: CPU 1 says that its number is 0"},
    {Wrong::local_unknown,
     "local_address, is_local: local slots lie apart, and are known: NOT OK: is_local() does not "
     "know the address of local slot 0"},
    {Wrong::local_slots_shared,
     "first_local_slot: each CPU has slots of its own: NOT OK: CPUs 0 and 1 share local slots"},
    {Wrong::local_flush_lost,
     "write_local_pte, clear_local_pte: a slot shows its page: NOT OK: a local slot shows its last "
     "page: clear_local_pte() has to drop it from this CPU's TLB"},
    {Wrong::local_page_unknown,
     "write_local_pte, clear_local_pte: a slot shows its page: NOT OK: local_page() does not know "
     "the page of a local slot"},
    {Wrong::local_entry_not_kept,
     "take_local_pte, put_local_pte: an entry is kept: NOT OK: put_local_pte() does not put back "
     "what take_local_pte() took"},
    {Wrong::local_take_not_flushed,
     "take_local_pte, put_local_pte: an entry is kept: NOT OK: a local slot shows its last page: "
     "take_local_pte() has to drop it from this CPU's TLB"},
    {Wrong::local_stack_shared,
     "switch_stacks: local mappings survive a context switch: NOT OK: after others ran, a thread's "
     "local mappings show other pages: does the scheduler call switch_stacks(), and keep the "
     "thread on its CPU?"},
    {Wrong::vmap_apart,
     "vmap_address: the range's pages lie in a row: NOT OK: vmap page 1 is not 1 pages above the "
     "first"},
    {Wrong::vmap_write_lost,
     "write_vmap_pte, take_vmap_pte: each address shows its page: NOT OK: vmap page 7 does not "
     "show its page"},
    {Wrong::vmap_accessed_never,
     "write_vmap_pte, take_vmap_pte: each address shows its page: NOT OK: take_vmap_pte() says "
     "that 0 pages were used, and 8 were"},
    {Wrong::memory_given_twice,
     "alloc_page, free_page: memory comes and goes: NOT OK: alloc_page() gives a page that it has "
     "given already"},
    {Wrong::memory_never_comes_back,
     "alloc_page, free_page: memory comes and goes: NOT OK: alloc_page() has 2 pages in round 2: "
     "does free_page() give them back?"},
    {Wrong::hidden_accessed_never,
     "hide_vmap_pte, take_hidden_page: a PTE remembers its page: NOT OK: hide_vmap_pte() says "
     "that a page was not used, and it was"},
    {Wrong::hidden_still_mapped,
     "hide_vmap_pte, take_hidden_page: a PTE remembers its page: NOT OK: a CPU still finds a page "
     "where hide_vmap_pte() left one: it has to clear Present"},
    {Wrong::hidden_page_forgotten,
     "hide_vmap_pte, take_hidden_page: a PTE remembers its page: NOT OK: take_hidden_page() says "
     "another page than was hidden"},
    {Wrong::hidden_page_said_twice,
     "hide_vmap_pte, take_hidden_page: a PTE remembers its page: NOT OK: take_hidden_page() says "
     "the same page twice: it has to empty the PTE"},
    {Wrong::taken_page_remembered,
     "hide_vmap_pte, take_hidden_page: a PTE remembers its page: NOT OK: take_hidden_page() says a "
     "page that take_vmap_pte() took: only hide_vmap_pte() lets a PTE remember"},
    {Wrong::vmap_flush_lost,
     "flush_vmap: all CPUs forget all of the range: NOT OK: CPU 0 still has what vmap page 7 "
     "mapped last, after flush_vmap()"},
};

// A CPU that switches threads has dropped all translations that it should have been told to drop:
// only a CPU that keeps running can show that it was not told.
constexpr Caught kCaughtWhereSwitchesFlush[] = {
    {Wrong::flush_does_nothing,
     "invalidate: a slot forgets its last page: NOT OK: the slot still shows its last page: "
     "invalidate() flushed nothing"},
    {Wrong::flush_on_this_cpu_only,
     "invalidate: a CPU that does nothing but spin is told, and waited for: NOT OK: CPU 0 did "
     "nothing but spin, and still had the last page when the flush had returned on CPU 1: does the "
     "flush tell that CPU, and wait for it?"},
    {Wrong::flush_on_one_other_cpu_only,
     "invalidate: a CPU that does nothing but spin is told, and waited for: NOT OK: CPU 1 did "
     "nothing but spin, and still had the last page when the flush had returned on CPU 2: does the "
     "flush tell that CPU, and wait for it?"},
    {Wrong::flush_not_waited_for,
     "invalidate: a CPU that does nothing but spin is told, and waited for: NOT OK: CPU 0 had "
     "interrupts off and the last page in its TLB when the flush returned on CPU 1: the flush has "
     "to wait until every CPU has answered"},
    {Wrong::flush_forgets_a_cpu_now_and_then,
     "invalidate: a CPU that does nothing but spin is told, and waited for: NOT OK: CPU 0 did "
     "nothing but spin, and still had the last page when the flush had returned on CPU 1: does the "
     "flush tell that CPU, and wait for it?"},
    {Wrong::vmap_flush_lost,
     "flush_vmap: all CPUs forget all of the range: NOT OK: CPU 0 still has what vmap page 7 "
     "mapped last, after flush_vmap()"},
    {Wrong::vmap_flush_on_this_cpu_only,
     "flush_vmap: a CPU that does nothing but spin is told, and waited for: NOT OK: CPU 0 did "
     "nothing but spin, and still had the last page when the flush had returned on CPU 1: does the "
     "flush tell that CPU, and wait for it?"},
    {Wrong::vmap_flush_not_waited_for,
     "flush_vmap: a CPU that does nothing but spin is told, and waited for: NOT OK: CPU 0 had "
     "interrupts off and the last page in its TLB when the flush returned on CPU 1: the flush has "
     "to wait until every CPU has answered"},
};

TEST(Mutants, ThePlatformThatTheyAreMadeOfPassesWhereSwitchesFlush) {
  for (const std::uint32_t cpus : {1U, 2U, 4U}) {
    Mutant::begin(Wrong::nothing);
    Rig rig(1, cpus);
    rig.flush_at_switches();
    conformance::Tally tally;
    const Outcome outcome = rig.run([&tally](Rig& it) { tally = conformance::run(it); });
    EXPECT_EQ(outcome.end, Outcome::End::all_done) << outcome.report << rig.text();
    EXPECT_EQ(tally.failed, 0U) << rig.text();
    EXPECT_GT(tally.passed, 40U) << rig.text();
  }
}

TEST(Mutants, EachShootdownThatIsNoneIsFoundWhereSwitchesFlush) {
  for (const Caught& it : kCaughtWhereSwitchesFlush) {
    EXPECT_EQ(said_about(
                  it.wrong, [](Rig& rig) { rig.flush_at_switches(); }, 4),
              it.line);
  }
}

TEST(Mutants, EachIsFoundByTheCheckThatIsAboutIt) {
  for (const Caught& it : kCaught) EXPECT_EQ(said_about(it.wrong), it.line);
}

TEST(Mutants, TheReadmeSaysWhatTheSuiteSays) {
  std::ifstream file(KMAPPER_ROOT "/tests/conformance/README.md");
  const std::string guide(std::istreambuf_iterator<char>(file), {});
  for (const Caught& it : kCaughtWhereSwitchesFlush)
    EXPECT_NE(guide.find('`' + std::string(it.line) + '`'), std::string::npos) << it.line;
  for (const Caught& it : kCaught)
    EXPECT_NE(guide.find('`' + std::string(it.line) + '`'), std::string::npos) << it.line;
}

// With only as many pages as slots, no kmap would sleep in the whole window.
TEST(Mutants, ALostWakeIsFoundByARigOfFewPages) {
  Mutant::begin(Wrong::nothing);
  Rig rig(1, 2);
  rig.have_pages(5);
  (void)rig.run([](Rig& it) { (void)conformance::run(it); });
  EXPECT_NE(rig.text().find("kmap: it sleeps in a full window, and a kunmap wakes it: ok"),
            std::string::npos)
      << rig.text();
}

TEST(Mutants, ASchedulerThatForgetsSwitchStacksIsFound) {
  EXPECT_EQ(said_about(Wrong::nothing, [](Rig& rig) { rig.forget_switch_stacks(); }),
            "switch_stacks: local mappings survive a context switch: NOT OK: after others ran, a "
            "thread's local mappings show other pages: does the scheduler call switch_stacks(), "
            "and keep the thread on its CPU?");
}

}  // namespace
}  // namespace kmapper::simulated
