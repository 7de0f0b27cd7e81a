// Several pages at once: all or none, and no sleep while some are held.
#include <gtest/gtest.h>

#include <array>

#include "kmapper/core/reservation.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kSeeds = 100;
using Shared = Platform<ScheduledThreads>;
using Alone = Platform<HostThreads>;

TEST(Reserve, TakesSlotsThatNobodyElseGets) {
  Window window(4);
  Result<Reservation<Alone>> reservation = window.mapper.reserve(3);
  ASSERT_TRUE(reservation);
  EXPECT_EQ(reservation->left(), 3U);
  window.touch(window.high(0));
  ASSERT_NE(window.mapper.try_kmap(window.high(0)), nullptr);
  EXPECT_EQ(window.mapper.try_kmap(window.high(1)), nullptr);
  window.mapper.kunmap(window.high(0));
}

TEST(Reserve, MapsWhatItPromisedEvenInAFullWindow) {
  Window window(4);
  Result<Reservation<Alone>> reservation = window.mapper.reserve(2);
  ASSERT_TRUE(reservation);
  for (std::uint32_t i = 0; i < 2; ++i) ASSERT_NE(window.mapper.try_kmap(window.high(i)), nullptr);
  for (std::uint32_t i = 2; i < 4; ++i) {
    Result<void*> address = reservation->kmap(window.high(i));
    ASSERT_TRUE(address);
    EXPECT_TRUE(window.shows(*address, window.high(i)));
  }
  EXPECT_EQ(reservation->kmap(window.high(4)).error(), MapError::spent);
  for (std::uint32_t i = 0; i < 4; ++i) window.mapper.kunmap(window.high(i));
}

TEST(Reserve, AMappedPageUsesNoSlotUp) {
  Window window(4);
  window.touch(window.high(0));
  Result<Reservation<Alone>> reservation = window.mapper.reserve(1);
  ASSERT_TRUE(reservation->kmap(window.high(0)));
  ASSERT_TRUE(reservation->kmap(window.low(0)));
  EXPECT_EQ(reservation->left(), 1U);
  window.mapper.kunmap(window.high(0));
}

TEST(Reserve, AReservationOfNothingIsSpent) {
  Window window(2);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  Reservation<Alone> none;
  EXPECT_EQ(none.kmap(window.high(0)).error(), MapError::spent);
  EXPECT_EQ(none.kmap(window.high(1)).error(), MapError::spent);
  window.mapper.kunmap(window.high(0));
}

TEST(Reserve, GivesBackWhatItDidNotUse) {
  Window window(4);
  {
    Result<Reservation<Alone>> reservation = window.mapper.reserve(4);
    ASSERT_TRUE(reservation);
    EXPECT_EQ(window.mapper.try_kmap(window.high(0)), nullptr);
  }
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(window.mapper.is_clean(SlotIndex{i}));
}

TEST(Reserve, AssignmentGivesBackWhatTheOldOneHadLeft) {
  Window window(4);
  Result<Reservation<Alone>> one = window.mapper.reserve(3);
  Result<Reservation<Alone>> other = window.mapper.reserve(1);
  ASSERT_TRUE(one && other);
  *one = std::move(*other);
  EXPECT_EQ(one->left(), 1U);
  EXPECT_EQ(other->left(), 0U);
  EXPECT_TRUE(window.mapper.reserve(3));
}

TEST(Reserve, MoreThanTheWindowIsAnErrorAtOnce) {
  Window window(4);
  EXPECT_EQ(window.mapper.reserve(5).error(), MapError::too_large);
  std::array<PageAddress<Alone>, 5> pages{};
  for (std::uint32_t i = 0; i < 5; ++i) pages[i].page = window.high(i);
  EXPECT_EQ(window.mapper.kmap_all(pages), MapError::too_large);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(window.users(window.high(i)), 0U);
}

TEST(Reserve, WhereItMayNotSleepItSaysSoAndHoldsNothing) {
  Window window(2);
  ASSERT_NE(window.mapper.try_kmap(window.high(0)), nullptr);
  {
    const HostThreads::PreemptionOff off(window.threads());
    const Result<Reservation<Alone>> reservation = window.mapper.reserve(2);
    EXPECT_FALSE(reservation);
  }
  EXPECT_NE(window.mapper.try_kmap(window.high(1)), nullptr);
  window.mapper.kunmap(window.high(0));
  window.mapper.kunmap(window.high(1));
}

TEST(KmapAll, MapsPagesThatAreMappedHighLowAndNamedTwice) {
  Window window(4);
  window.touch(window.high(0));
  std::array<PageAddress<Alone>, 4> pages{
      {{window.high(0)}, {window.low(1)}, {window.high(2)}, {window.high(2)}}};
  ASSERT_EQ(window.mapper.kmap_all(pages), MapError::none);
  for (const PageAddress<Alone>& it : pages) EXPECT_TRUE(window.shows(it.address, it.page));
  EXPECT_EQ(window.users(window.high(0)), 1U);
  EXPECT_EQ(window.users(window.high(2)), 2U);
  window.mapper.kunmap_all(pages);
  EXPECT_EQ(window.users(window.high(2)), 0U);
}

// If the number of pages is known at compile time, the successful path is another one.
TEST(KmapAll, MapsAnArrayWhoseSecondPageIsNotMapped) {
  Window window(4);
  window.touch(window.high(0));
  PageAddress<Alone> pages[] = {{window.high(0)}, {window.high(1)}, {window.low(0)}};
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(window.mapper.kmap_all(pages), MapError::none);
    for (const PageAddress<Alone>& it : pages) EXPECT_TRUE(window.shows(it.address, it.page));
    EXPECT_EQ(window.users(window.high(0)), 1U);
    EXPECT_EQ(window.users(window.high(1)), 1U);
    window.mapper.kunmap_all(pages);
    EXPECT_EQ(window.users(window.high(0)), 0U);
    EXPECT_EQ(window.users(window.high(1)), 0U);
  }
}

TEST(KmapAll, OfAnArrayHoldsNothingWhenItFails) {
  Window window(2);
  window.touch(window.high(0));
  PageAddress<Alone> pages[] = {{window.high(0)}, {window.high(1)}, {window.high(2)}};
  EXPECT_EQ(window.mapper.kmap_all(pages), MapError::too_large);
  EXPECT_EQ(window.users(window.high(0)), 0U);
  EXPECT_EQ(window.users(window.high(1)), 0U);
}

// With plain kmap() two threads that each hold one of two slots wait for each other for ever.
TEST(KmapAll, TwoPagesInAWindowOfTwoSlotsDoNotDeadlock) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 2, 4);
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
      window.spawn("maps two pages", [&window, thread] {
        for (int round = 0; round < 10; ++round) {
          std::array<PageAddress<Shared>, 2> pages{
              {{window.high(2 * thread)}, {window.high(2 * thread + 1)}}};
          ASSERT_EQ(window.mapper.kmap_all(pages), MapError::none);
          window.work(3);
          window.mapper.kunmap_all(pages);
        }
      });
    }
    window.run();
  });
}

TEST(KmapAll, PlainKmapOfTwoPagesDeadlocksAndTheWatchdogSaysWhoWaitsAndWhoHolds) {
  SharedWindow window(1, 2, 3);
  std::uint32_t holding = 0;
  for (std::uint32_t thread = 0; thread < 2; ++thread) {
    window.spawn("maps two pages one by one", [&window, &holding, thread] {
      ASSERT_NE(window.mapper.kmap(window.high(2 * thread)), nullptr);
      ++holding;
      window.wait_until([&] { return holding == 2; });
      (void)window.mapper.kmap(window.high(2 * thread + 1));
    });
  }
  std::size_t before = 0;
  window.spawn("watchdog", [&] {
    window.wait_until_asleep(1);
    window.wait_until_asleep(2);
    before = window.computer().reports().size();
    EXPECT_EQ(window.mapper.report_waiters(0), 2U);
    EXPECT_EQ(window.mapper.report_holders(0), 2U);
  });
  EXPECT_EQ(window.scheduler().run().end, Outcome::End::deadlock);
  std::uint32_t waiting = 0;
  for (std::size_t i = before; i < window.computer().reports().size(); ++i) {
    const auto& report = window.computer().reports()[i];
    waiting += report.what == Misuse::waiting_too_long ? 1U : 0U;
    EXPECT_TRUE(report.holder.thread == 1 || report.holder.thread == 2);
    EXPECT_NE(report.page, nullptr);
  }
  EXPECT_EQ(waiting, 2U);
}

TEST(Reserve, ManyReserversOfManySlotsAllGetTheirs) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 4, 4);
    for (std::uint32_t thread = 0; thread < 5; ++thread) {
      window.spawn("reserves", [&window, thread] {
        for (std::uint32_t round = 0; round < 8; ++round) {
          const std::uint32_t slots = 1 + (thread + round) % 4;
          Result<Reservation<Shared>> reservation = window.mapper.reserve(slots);
          ASSERT_TRUE(reservation);
          const std::uint32_t used = round % (slots + 1);
          for (std::uint32_t i = 0; i < used; ++i) {
            Result<void*> address = reservation->kmap(window.high(thread * 4 + i));
            ASSERT_TRUE(address);
            (void)window.computer().read(*address);
          }
          for (std::uint32_t i = 0; i < used; ++i)
            window.mapper.kunmap(window.high(thread * 4 + i));
        }
      });
    }
    window.run();
    window.spawn("flushes", [&window] { (void)window.mapper.flush_all_zero_pkmaps(); });
    window.run();
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(window.mapper.is_clean(SlotIndex{i}));
  });
}

}  // namespace
}  // namespace kmapper::simulated
