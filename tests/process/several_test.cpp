// Several mappings at once: all or none, and no caller waits for what it holds itself.
#include "kmapper/process/several.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kGranule = 4096;
constexpr std::int64_t kSlots = 14;  // of 16 granules, two are for ranges across granules
const Patience no_patience{.deadline = std::chrono::steady_clock::time_point::min()};

class Several : public testing::Test {
 protected:
  Budget budget_{{.bytes = 16 * kGranule, .granule = kGranule}};
  ScratchFile first_file_{100 * kGranule};
  ScratchFile second_file_{100 * kGranule};
  FileWindow first_{first_file_.descriptor(), Access::read_write, budget_};
  FileWindow second_{second_file_.descriptor(), Access::read_write, budget_};

  std::vector<Mapping> hold(std::int64_t granules) {
    std::vector<Mapping> held;
    for (std::int64_t i = 0; i < granules; ++i) {
      auto mapping = first_.try_map((99 - i) * kGranule, 1);
      EXPECT_TRUE(mapping);
      held.push_back(std::move(*mapping));
    }
    return held;
  }
};

TEST_F(Several, OfTwoFilesAreMapped) {
  Range ranges[] = {{&first_, 100, 50}, {&second_, 3 * kGranule, kGranule}, {&first_, 120, 9}};
  ASSERT_FALSE(map_all(budget_, ranges));
  for (const Range& it : ranges) {
    EXPECT_EQ(it.mapping.size(), static_cast<std::size_t>(it.length));
    EXPECT_TRUE(shows(it.mapping.bytes(), it.offset));
  }
  EXPECT_EQ(budget_.stats().pinned, 2 * kGranule);
}

TEST_F(Several, NeighboursAreMappedByOneCall) {
  std::vector<Range> ranges;
  for (std::int64_t i = 20; i < 30; ++i) ranges.push_back({&first_, i * kGranule, kGranule});
  const std::uint64_t before = budget_.stats().map_calls;
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_EQ(budget_.stats().map_calls, before + 1);
  for (const Range& it : ranges) EXPECT_TRUE(shows(it.mapping.bytes(), it.offset));
}

TEST_F(Several, InAnyOrderAreMappedByOneCallForEachRunOfAFile) {
  std::vector<Range> ranges;
  for (std::int64_t i = 20; i < 26; ++i) {
    ranges.push_back({&first_, i * kGranule, 100});
    ranges.push_back({&second_, i * kGranule, kGranule});
    ranges.push_back({&first_, i * kGranule + 200, 7});
  }
  std::shuffle(ranges.begin(), ranges.end(), std::mt19937(1));
  const std::vector<std::int64_t> offsets = [&] {
    std::vector<std::int64_t> all;
    all.reserve(ranges.size());
    for (const Range& it : ranges) all.push_back(it.offset);
    return all;
  }();
  const std::uint64_t before = budget_.stats().map_calls;
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_EQ(budget_.stats().map_calls, before + 2);
  EXPECT_EQ(budget_.stats().pinned, 12 * kGranule);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_EQ(ranges[i].offset, offsets[i]);
    EXPECT_EQ(ranges[i].mapping.size(), static_cast<std::size_t>(ranges[i].length));
    EXPECT_TRUE(shows(ranges[i].mapping.bytes(), ranges[i].offset));
  }
}

TEST_F(Several, MoreRangesThanSlotsMayShareGranules) {
  std::vector<Range> ranges;
  for (std::int64_t i = 0; i < 10 * kSlots; ++i)
    ranges.push_back({&first_, (i * 7 % kSlots) * kGranule + i, 1});
  ASSERT_FALSE(map_all(budget_, ranges));
  for (const Range& it : ranges) EXPECT_TRUE(shows(it.mapping.bytes(), it.offset));
}

TEST_F(Several, AllOrNone) {
  const std::vector<Mapping> held = hold(kSlots - 2);
  Range ranges[] = {{&second_, 0, 1}, {&second_, kGranule, 1}, {&second_, 2 * kGranule, 1}};
  const Error error = map_all(budget_, ranges, no_patience);
  EXPECT_EQ(error.code(), WindowErrc::timed_out);
  for (const Range& it : ranges) EXPECT_FALSE(it.mapping);
  EXPECT_EQ(budget_.stats().pinned, (kSlots - 2) * kGranule);
  EXPECT_FALSE(map_all(budget_, std::span(ranges).first(2), no_patience));
}

TEST_F(Several, WhatCannotBeIsSaid) {
  const Budget other({.bytes = 16 * kGranule, .granule = kGranule});
  FileWindow stranger(first_file_.descriptor(), Access::read_only, other);
  Range of_another[] = {{&first_, 0, 1}, {&stranger, 0, 1}};
  EXPECT_EQ(map_all(budget_, of_another).code(), WindowErrc::invalid_option);
  Range of_none[] = {{nullptr, 0, 1}};
  EXPECT_EQ(map_all(budget_, of_none).code(), WindowErrc::invalid_option);
  Range across[] = {{&first_, kGranule - 1, 2}};
  const Error too_long = map_all(budget_, across);
  EXPECT_EQ(too_long.code(), WindowErrc::too_large);
  EXPECT_EQ(too_long.limit(), kGranule);
  Range beyond[] = {{&first_, 0, 1}, {&first_, 100 * kGranule, 1}};
  EXPECT_EQ(map_all(budget_, beyond).code(), WindowErrc::beyond_end);
  std::vector<Range> many(static_cast<std::size_t>(kSlots) + 1);
  for (std::size_t i = 0; i < many.size(); ++i)
    many[i] = {&first_, static_cast<std::int64_t>(i) * kGranule, 1};
  const Error too_many = map_all(budget_, many);
  EXPECT_EQ(too_many.code(), WindowErrc::too_large);
  EXPECT_EQ(too_many.limit(), kSlots * kGranule);
  EXPECT_EQ(budget_.stats().pinned, 0);
  EXPECT_FALSE(map_all(budget_, {}));
}

TEST_F(Several, WhatHasBeenPatchedIsMappedAnew) {
  {
    auto mapping = first_.map(99 * kGranule, kGranule);
    ASSERT_EQ(ftruncate64(first_file_.descriptor(), 99 * kGranule), 0);
    (void)*static_cast<volatile std::byte*>(mapping->data());
    EXPECT_TRUE(mapping->bad());
  }
  ASSERT_EQ(ftruncate64(first_file_.descriptor(), 100 * kGranule), 0);
  Range ranges[] = {{&first_, 0, 1}, {&first_, 99 * kGranule, kGranule}};
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_FALSE(ranges[1].mapping.bad());
  ranges[1].mapping.writable()[0] = std::byte{1};
  EXPECT_EQ(first_file_.read(99 * kGranule), std::byte{1});
}

TEST_F(Several, ThreadsThatWantMoreThanThereIsAllComeToIt) {
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      std::mt19937 random(number);
      for (int i = 0; i < 500; ++i) {
        std::vector<Range> ranges(1 + random() % 10);
        for (Range& it : ranges) {
          it.window = random() % 2 == 0 ? &first_ : &second_;
          it.offset = static_cast<std::int64_t>(random() % 100) * kGranule;
          it.length = kGranule;
        }
        ASSERT_FALSE(map_all(budget_, ranges));
        for (const Range& it : ranges) ASSERT_TRUE(shows(it.mapping.bytes(), it.offset));
      }
    });
  }
  for (std::thread& it : threads) it.join();
  EXPECT_EQ(budget_.stats().pinned, 0);
}

TEST_F(Several, WhatIsReservedIsThereWhenItIsUsed) {
  auto reservation = reserve(budget_, 3);
  ASSERT_TRUE(reservation);
  EXPECT_EQ(reservation->left(), 3);
  const std::vector<Mapping> held = hold(kSlots - 3);
  EXPECT_EQ(second_.try_map(0, 1).error().code(), WindowErrc::would_sleep);
  const auto first = reservation->map(second_, 0, 10);
  const auto again = reservation->map(second_, 10, 10);
  const auto third = reservation->map(first_, 50 * kGranule, kGranule);
  ASSERT_TRUE(first && again && third);
  EXPECT_TRUE(shows(first->bytes(), 0));
  EXPECT_TRUE(shows(again->bytes(), 10));
  EXPECT_TRUE(shows(third->bytes(), 50 * kGranule));
  EXPECT_EQ(reservation->left(), 1);
  const auto last = reservation->map(second_, 7 * kGranule, 1);
  ASSERT_TRUE(last);
  EXPECT_EQ(reservation->map(second_, 8 * kGranule, 1).error().code(), WindowErrc::spent);
}

TEST_F(Several, WhatWasReservedAndNotUsedIsGivenBack) {
  {
    auto reservation = reserve(budget_, kSlots);
    ASSERT_TRUE(reservation);
    EXPECT_EQ(first_.try_map(0, 1).error().code(), WindowErrc::would_sleep);
    EXPECT_EQ(reserve(budget_, 1, no_patience).error().code(), WindowErrc::timed_out);
    std::thread later([this] { EXPECT_TRUE(first_.map(0, 1)); });
    std::optional<Reservation> moved = std::move(*reservation);
    EXPECT_EQ(reservation->left(), 0);
    EXPECT_EQ(reservation->map(first_, 0, 1).error().code(), WindowErrc::spent);
    std::this_thread::sleep_for(1ms);
    moved.reset();
    later.join();
  }
  EXPECT_EQ(hold(kSlots).size(), static_cast<std::size_t>(kSlots));
}

TEST_F(Several, ReservationsThatCannotBe) {
  EXPECT_EQ(reserve(budget_, 0).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(reserve(budget_, -1).error().code(), WindowErrc::invalid_range);
  const auto error = reserve(budget_, kSlots + 1).error();
  EXPECT_EQ(error.code(), WindowErrc::too_large);
  EXPECT_EQ(error.limit(), kSlots * kGranule);
  std::stop_source stop;
  stop.request_stop();
  const std::vector<Mapping> held = hold(1);
  EXPECT_EQ(reserve(budget_, kSlots, {.stop = stop.get_token()}).error().code(),
            WindowErrc::cancelled);
  auto reservation = reserve(budget_, 1);
  ASSERT_TRUE(reservation);
  EXPECT_EQ(reservation->map(first_, kGranule - 1, 2).error().code(), WindowErrc::too_large);
  EXPECT_EQ(reservation->map(first_, -1, 2).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(reservation->left(), 1);
}

}  // namespace
}  // namespace kmapper::process
