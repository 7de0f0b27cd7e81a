// The weak games notice errors: each order in the core is weakened, and some game fails. The orders
// for which no game can fail are listed too, with the reason. A test fails for an order in neither
// list, so each new order needs a reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

#include "kmapper/core/mapper.hpp"
#include "kmapper/core/reservation.hpp"
#include "simulated/computer.hpp"
#include "simulated/posting_threads.hpp"
#include "simulated/weak_threads.hpp"
#include "weak_game.hpp"

namespace kmapper::simulated {
namespace {

using enum AtomicOperation;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

constexpr std::uint64_t kMostGames = 40'000;  // nearly all fail within 1,000

struct Weakening {
  OrderedAccess access;
  std::memory_order weaker;
  std::string_view text;  // part of a failing game's text; or why no game fails

  friend std::ostream& operator<<(std::ostream& out, const Weakening& it) {
    return out << it.access.function << ", " << it.text;
  }
};

// The signs of failure. Which of several comes first depends on the seeds, so these are broad.
constexpr std::string_view kRace = "data race";  // a PTE, or a page's data
constexpr std::string_view kFlush = "free";      // a page is freed while some TLB still maps it
constexpr std::string_view kSleeper = "asleep in kmap";  // for ever
constexpr std::string_view kHidden = "a slot is free, but no kmap finds it";
constexpr std::string_view kLost = "slot";  // idle, but neither taken nor given to a sleeper

constexpr Weakening kNeeded[] = {
    // Users of a slot, and the thread that takes it back.
    {{"hit_in", compare_exchange, kAcquire}, kRelaxed, kRace},
    {{"pin", compare_exchange, kAcquire}, kRelaxed, kRace},
    {{"drop_user", read_modify_write, kRelease}, kRelaxed, kRace},
    {{"claim", compare_exchange, kAcqRel}, kRelease, kRace},
    // A page goes from slot to slot.
    {{"claim", store, kRelease}, kRelaxed, kRace},
    {{"publish", compare_exchange, kAcqRel}, kRelease, kRace},
    {{"publish", store, kSeqCst}, kRelaxed, kRace},
    // A clean slot goes from thread to thread.
    {{"insert", read_modify_write, kSeqCst}, kAcquire, kRace},
    {{"take_from", compare_exchange, kAcquire}, kRelaxed, kRace},
    // No slot is lost from a set.
    {{"remove", read_modify_write, kAcqRel}, kRelease, kLost},
    {{"mark", read_modify_write, kAcqRel}, kAcquire, kHidden},
    {{"filled_leaf", read_modify_write, kAcqRel}, kRelease, kHidden},
    // No page is freed before it is flushed.
    {{"flushes_done", read_modify_write, kRelease}, kRelaxed, kFlush},
    {{"finish_flushes", load, kAcquire}, kRelaxed, kFlush},
    {{"wait_for_flushes", load, kAcquire}, kRelaxed, kFlush},
    {{"gone", load, kAcquire}, kRelaxed, kFlush},
    {{"load_surely", load, kAcquire}, kRelaxed, kFlush},
    {{"leaf", load, kSeqCst}, kRelaxed, kFlush},
    // No wake-up is lost.
    {{"enqueue", read_modify_write, kSeqCst}, kAcqRel, kSleeper},
    {{"publish", store, kSeqCst}, kRelease, kSleeper},
    {{"publish", load, kSeqCst}, kAcquire, kSleeper},
    {{"sweep_leaf", load, kSeqCst}, kAcquire, kSleeper},
    {{"insert", read_modify_write, kSeqCst}, kAcqRel, kSleeper},
    {{"leaf", load, kSeqCst}, kAcquire, kSleeper},
    {{"finish", load, kSeqCst}, kAcquire, kSleeper},
    {{"put_clean", load, kSeqCst}, kAcquire, kSleeper},
    // The contract of evict() for its caller: it comes after all uses of the page.
    {{"end_use", read_modify_write, kRelease}, kRelaxed, kFlush},
    {{"begin_free", compare_exchange, kAcquire}, kRelaxed, kFlush},
};

// The orders that matter only where flushes are posted (posted_flushes.hpp).
constexpr Weakening kNeededToPost[] = {
    // A slot is reused, or its page freed, after all CPUs have dropped it or gone idle.
    {{"post", read_modify_write, kSeqCst}, kAcquire, kFlush},
    {{"post", read_modify_write, kSeqCst}, kRelease, kRace},
    // A CPU in ring 3 need not drop it, until it is back.
    {{"is_late", load, kSeqCst}, kAcquire, kFlush},
    {{"enter_user", store, kRelease}, kRelaxed, kFlush},
    {{"leave_user", read_modify_write, kSeqCst}, kAcqRel, kFlush},
    {{"latest", load, kAcquire}, kRelaxed, kFlush},
    {{"note", store, kRelease}, kRelaxed, kFlush},
    {{"own", load, kAcquire}, kRelaxed, kRace},
    {{"is_late", load, kAcquire}, kRelaxed, kFlush},
    {{"late", load, kAcquire}, kRelaxed, kFlush},
    {{"enter_idle", read_modify_write, kRelease}, kRelaxed, kFlush},
    {{"leave_idle", read_modify_write, kAcquire}, kRelaxed, kFlush},
    {{"leave_long_idle", read_modify_write, kAcqRel}, kRelease, kFlush},
    // Users of a slot, and the thread that takes it back; a page goes from slot to slot.
    {{"take_run", compare_exchange, kAcqRel}, kRelease, kRace},
    {{"operator()", store, kRelease}, kRelaxed, kFlush},  // take_run(), page->virtual
    {{"load_surely", load, kAcquire}, kRelaxed, kFlush},
    // A run goes from thread to thread.
    {{"lock_list", read_modify_write, kAcquire}, kRelaxed, kRace},
    {{"unlock_list", store, kRelease}, kRelaxed, kRace},
    {{"insert_apart", read_modify_write, kSeqCst}, kAcquire, kRace},
};

// The orders that matter where slots are found: a page keeps its slot until its flush has been
// made.
constexpr Weakening kNeededToFind[] = {
    {{"hit_in", compare_exchange, kAcquire}, kRelaxed, kRace},
    {{"drop_user", read_modify_write, kRelease}, kRelaxed, kRace},
    {{"publish", compare_exchange, kAcqRel}, kRelease, kRace},
    // A page without a slot has been flushed.
    {{"forget", store, kRelease}, kRelaxed, kFlush},
    {{"load_surely", load, kAcquire}, kRelaxed, kFlush},
};

constexpr Weakening kNotSeen[] = {
    {{"leave_long_idle", read_modify_write, kAcqRel},
     kAcquire,
     "the note before it differs from the older one only when the count has come round"},
    {{"latest_surely", read_modify_write, kRelease},
     kRelaxed,
     "a sleeper missed here sleeps on until the next kunmap of a parked slot, or the next miss"},
    {{"post", read_modify_write, kSeqCst},
     kAcqRel,
     "here the load after it in is_late() comes after it in the one order, too"},
    {{"leave_user", load, kSeqCst},
     kAcquire,
     "here a load after a sequentially consistent exchange reads what came before that"},
    {{"take_again", compare_exchange, kAcquire}, kRelaxed, "as in take_from(), and met seldom"},
    {{"served", load, kSeqCst},
     kAcquire,
     "as latest_surely(); SleeperForSeveralSlots below shows what it does"},
    {{"make_waiting_clean", load, kSeqCst}, kAcquire, "as latest_surely()"},
    {{"end_free", store, kRelease}, kRelaxed, "as end_use(), but seen in one game of 70,000"},
    {{"park", load, kSeqCst},
     kAcquire,
     "a sleeper missed here sleeps on only until the next kunmap of a parked slot"},
    {{"inspect", load, kAcquire}, kRelaxed, "for reports; Inspect below shows what it does"},
    {{"evict", load, kAcquire},
     kRelaxed,
     "the slot's word; load_surely() before it acquires what matters here"},
    {{"grant", read_modify_write, kSeqCst},
     kRelaxed,
     "counts down: a thread that misses it takes the slow path in vain"},
    {{"leave_queue", read_modify_write, kSeqCst}, kRelaxed, "as in grant()"},
    {{"filled_leaf", load, kAcquire},
     kRelaxed,
     "a hint: a wrong look is corrected after the clear, which acquires"},
};

std::set<OrderedAccess> accesses_of_the_core() {
  std::set<OrderedAccess> recorded;
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    EXPECT_EQ(play_weak_game(seed, [&](WeakMemory& memory) { memory.record_in(&recorded); }), "");
  }
  std::set<OrderedAccess> accesses;
  for (OrderedAccess access : recorded) {
    access.line = 0;
    accesses.insert(access);
  }
  return accesses;
}

enum class Kind : std::uint8_t { usual, posting, finding };

[[nodiscard]] Kind kind_of(std::uint64_t seed) {
  if (finds_slots(seed)) return Kind::finding;
  return posts_flushes(seed) ? Kind::posting : Kind::usual;
}

/// Games of one kind, until the weakening shows.
void expect_to_see(const Weakening& it, Kind kind) {
  if constexpr (Platform<WeakThreads>::kChecked)
    GTEST_SKIP()
        << "a checked build's ledger has a lock, which orders the users of a slot by itself";
  std::string failure;
  const auto is_seen = [&] { return failure.find(it.text) != std::string::npos; };
  // An order with two effects has two signs: games go on until the expected one shows.
  std::uint64_t seed = 1;
  for (std::uint64_t games = 0; !is_seen() && games != kMostGames; ++seed) {
    if (kind_of(seed) != kind) continue;
    ++games;
    failure =
        play_weak_game(seed, [&](WeakMemory& memory) { memory.weaken(it.access, it.weaker); });
  }
  EXPECT_TRUE(is_seen()) << failure;
}

TEST(WeakeningList, NamesEveryOrderOfTheCoreAndNoOther) {
  const std::set<OrderedAccess> made = accesses_of_the_core();
  std::set<OrderedAccess> listed;
  for (const Weakening& it : kNeeded) listed.insert(it.access);
  for (const Weakening& it : kNeededToPost) listed.insert(it.access);
  for (const Weakening& it : kNeededToFind) listed.insert(it.access);
  for (const Weakening& it : kNotSeen) listed.insert(it.access);
  for (const OrderedAccess& it : made)
    EXPECT_TRUE(listed.contains(it)) << "not listed: an access with an order in " << it.function;
  for (const OrderedAccess& it : listed)
    EXPECT_TRUE(made.contains(it)) << "listed, but not made: an access in " << it.function;
}

class EachOrder : public testing::TestWithParam<Weakening> {};

TEST_P(EachOrder, IsMissedWhenItIsWeaker) { expect_to_see(GetParam(), Kind::usual); }

std::string name_of(const testing::TestParamInfo<Weakening>& info) {
  static constexpr const char* kOperations[] = {"Load", "Store", "ReadModifyWrite",
                                                "CompareExchange"};
  static constexpr const char* kOrders[] = {"Relaxed", "Consume", "Acquire",
                                            "Release", "AcqRel",  "SeqCst"};
  const OrderedAccess& access = info.param.access;
  const bool is_lambda = access.function == "operator()";
  return std::string(is_lambda ? "lambda" : access.function) + "_" +
         kOperations[static_cast<std::size_t>(access.operation)] + "_" +
         kOrders[static_cast<std::size_t>(access.order)] + "_" +
         kOrders[static_cast<std::size_t>(info.param.weaker)];
}

INSTANTIATE_TEST_SUITE_P(Weakening, EachOrder, testing::ValuesIn(kNeeded), name_of);

class EachOrderOfPosts : public testing::TestWithParam<Weakening> {};

TEST_P(EachOrderOfPosts, IsMissedWhenItIsWeaker) { expect_to_see(GetParam(), Kind::posting); }

INSTANTIATE_TEST_SUITE_P(Weakening, EachOrderOfPosts, testing::ValuesIn(kNeededToPost), name_of);

class EachOrderOfFinding : public testing::TestWithParam<Weakening> {};

TEST_P(EachOrderOfFinding, IsMissedWhenItIsWeaker) { expect_to_see(GetParam(), Kind::finding); }

INSTANTIATE_TEST_SUITE_P(Weakening, EachOrderOfFinding, testing::ValuesIn(kNeededToFind), name_of);

/// How often an access through a slot that maps the only page showed another page, or none.
std::uint32_t wrong_pages_seen(const std::function<void(WeakMemory&)>& prepare) {
  std::uint32_t wrong = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Computer<WeakThreads> computer({.cpus = 2, .slots = 1, .low_frames = 1, .high_frames = 1},
                                   {.seed = seed, .chances = {.switches = 2}});
    auto mapper = std::make_unique<kmapper::Mapper<Platform<WeakThreads>>>(computer.platform());
    mapper->open(1);
    prepare(computer.threads().memory());
    Scheduler& scheduler = computer.threads().scheduler();
    scheduler.spawn("maps", [&] {
      static_cast<void>(mapper->kmap(computer.high_page(0)));
      mapper->kunmap(computer.high_page(0));
    });
    scheduler.spawn("looks", [&] {
      for (int i = 0; i < 20; ++i) {
        const auto view = mapper->inspect(SlotIndex{0});
        if (word::is_live(view.word) && view.page != computer.high_page(0)) ++wrong;
      }
    });
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
    EXPECT_EQ(computer.machine().faults().text(), "");
  }
  return wrong;
}

TEST(Inspect, ShowsThePageThatBelongsToTheWord) {
  EXPECT_EQ(wrong_pages_seen([](WeakMemory&) {}), 0U);
  EXPECT_GT(wrong_pages_seen([](WeakMemory& memory) {
              memory.weaken({"inspect", load, kAcquire}, kRelaxed);
            }),
            0U);
}

/// How many sleepers for two slots sleep for ever. The other thread takes a run of one slot, and
/// puts the next run on its CPU's list.
std::uint32_t sleepers_lost(std::uint64_t games, const std::function<void(WeakMemory&)>& prepare) {
  std::uint32_t lost = 0;
  for (std::uint64_t seed = 1; seed <= games; ++seed) {
    Computer<PostingWeakThreads> computer(
        {.cpus = 2, .slots = 2, .low_frames = 1, .high_frames = 4},
        {.seed = seed, .chances = {.switches = 20, .freezes = 10, .speculations = 0}});
    auto mapper =
        std::make_unique<kmapper::Mapper<Platform<PostingWeakThreads>>>(computer.platform());
    mapper->open(2);
    prepare(computer.threads().memory());
    Scheduler& scheduler = computer.threads().scheduler();
    scheduler.spawn("maps", [&] {
      for (std::uint32_t i = 0; i < 6; ++i) {
        const auto page = computer.high_page(i % 4);
        void* const address = mapper->try_kmap(page);
        if (address == nullptr) continue;
        static_cast<void>(computer.read(address));
        mapper->kunmap(page);
      }
    });
    scheduler.spawn("reserves", [&] { static_cast<void>(mapper->reserve(2)); });
    if (scheduler.run().end != Outcome::End::all_done) ++lost;
    EXPECT_EQ(computer.machine().faults().text(), "");
  }
  return lost;
}

TEST(SleeperForSeveralSlots, IsNotMissedByAThreadThatPostsARun) {
  EXPECT_EQ(sleepers_lost(5'000, [](WeakMemory&) {}), 0U);
  EXPECT_GT(sleepers_lost(5'000,
                          [](WeakMemory& memory) {
                            memory.weaken({"served", load, kSeqCst}, kAcquire);
                          }),
            0U);
}

}  // namespace
}  // namespace kmapper::simulated
