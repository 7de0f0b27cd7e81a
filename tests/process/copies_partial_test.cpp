// Copies of which only a part has been read: in units of a page, as far as callers asked for them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

const std::int64_t page = static_cast<std::int64_t>(system::page_size());
const std::int64_t granule = 16 * page;
const std::int64_t size = 8 * granule - page / 2;

class PartialCopies : public testing::Test {
 protected:
  const Budget budget_{{.bytes = 32 * granule, .granule = granule, .placement = Placement::copies}};
  const ScratchFile file_{size};
  FileWindow window_{file_.descriptor(), Access::read_only, budget_};

  void check(std::int64_t offset, std::int64_t length) {
    const auto mapping = window_.map(offset, length);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(shows(mapping->bytes(), offset)) << length << " at " << offset;
  }
  [[nodiscard]] std::int64_t populated() const { return budget_.stats().populated; }
  [[nodiscard]] std::uint64_t calls() const { return budget_.stats().map_calls; }
};

TEST_F(PartialCopies, AreReadAsFarAsTheyAreAskedFor) {
  check(5 * page + 10, 64);
  EXPECT_EQ(populated(), page);
  check(7 * page - 1, 2);
  EXPECT_EQ(populated(), 3 * page);
  check(2 * granule, granule);
  EXPECT_EQ(populated(), 3 * page + granule);
  EXPECT_EQ(calls(), 3U);
}

TEST_F(PartialCopies, AreHitsWhereTheyHaveBeenRead) {
  check(5 * page, page);
  check(9 * page, page);
  const Stats before = budget_.stats();
  for (int i = 0; i < 10; ++i) {
    check(5 * page + 7, 100);
    check(10 * page - 10, 10);
  }
  const Stats after = budget_.stats();
  EXPECT_EQ(after.map_calls, before.map_calls);
  EXPECT_EQ(after.hits, before.hits + 20);
}

TEST_F(PartialCopies, AreCompletedAroundWhatIsThere) {
  window_.advise(Advice::random);
  check(5 * page, 1);
  check(9 * page, 1);
  const auto held = window_.map(5 * page, page);
  const std::byte other{0};
  ASSERT_EQ(pwrite(file_.descriptor(), &other, 1, 5 * page), 1);
  const auto whole = window_.map(0, granule);  // does not read again what is there
  ASSERT_TRUE(held && whole);
  EXPECT_TRUE(shows(whole->bytes(), 0));
  EXPECT_EQ(held->data(), whole->data() + 5 * page);
  EXPECT_EQ(calls(), 2U + 3U);
}

TEST_F(PartialCopies, AreReadMoreAndMoreByACallerThatGoesThroughThem) {
  for (std::int64_t at = 0; at < page * 16 * 4; at += 64) check(at, 64);
  EXPECT_LE(calls(), 5U + 2U);  // 1, 1, 2, 4, and 8 pages; then granules, ahead
}

TEST_F(PartialCopies, AreReadByACursorAsFarAsItAsksFor) {
  Cursor cursor(window_);
  for (const std::int64_t at : {granule + 5 * page + 8, 3 * granule + 8, granule + 9 * page}) {
    ASSERT_NE(cursor.at(at, 8), nullptr);
    EXPECT_TRUE(shows({cursor.at(at, 8), 8}, at));
  }
  EXPECT_EQ(populated(), 3 * page);
  // What is present around it needs no further call.
  ASSERT_NE(cursor.at(granule + 10 * page, 1), nullptr);
  const std::uint64_t hits = budget_.stats().hits;
  EXPECT_TRUE(shows({cursor.at(granule + 9 * page, 100), 100}, granule + 9 * page));
  EXPECT_EQ(budget_.stats().hits, hits);
  // To the end of the file, and not beyond.
  ASSERT_NE(cursor.at(size - 1), nullptr);
  EXPECT_EQ(cursor.at(size), nullptr);
  EXPECT_EQ(cursor.error().code(), WindowErrc::beyond_end);
}

TEST_F(PartialCopies, AreReadTogetherAsFarAsTheyAreAskedFor) {
  Range ranges[] = {{&window_, 10, 10}, {&window_, granule + page, 10}, {&window_, 20, 10}};
  ASSERT_FALSE(map_all(budget_, ranges));
  for (const Range& it : ranges) EXPECT_TRUE(shows(it.mapping.bytes(), it.offset));
  EXPECT_EQ(populated(), 2 * page);
}

TEST_F(PartialCopies, AreNewAfterARefreshInBothParts) {
  const auto held = window_.map(5 * page, 1);
  ASSERT_TRUE(held);
  const std::byte other = ~byte_at(5 * page);
  for (const std::int64_t at : {5 * page, 9 * page})
    ASSERT_EQ(pwrite(file_.descriptor(), &other, 1, at), 1);
  ASSERT_FALSE(window_.refresh());
  for (const std::int64_t at : {5 * page, 9 * page})
    EXPECT_EQ(window_.map(at, 1)->bytes()[0], other);
  EXPECT_EQ(held->bytes()[0], byte_at(5 * page));
}

TEST_F(PartialCopies, EndWhereTheFileWasCut) {
  check(3 * page, 1);
  ASSERT_EQ(ftruncate64(file_.descriptor(), 5 * page + 10), 0);
  for (int i = 0; i < 2; ++i) {
    const auto behind = window_.map(7 * page, 1);
    EXPECT_EQ(behind.error().code(), WindowErrc::beyond_end);
    EXPECT_EQ(behind.error().limit(), 5 * page + 10);
  }
  check(5 * page, 10);
  check(3 * page, 2 * page);
}

TEST_F(PartialCopies, GrowWithTheFileWhileAPartIsHeld) {
  const auto held = window_.map(size - page, 1);
  const auto at_the_end = window_.map(size - 1, 1);
  ASSERT_TRUE(held && at_the_end);
  std::vector<std::byte> more(static_cast<std::size_t>(granule));
  for (std::size_t i = 0; i < more.size(); ++i)
    more[i] = byte_at(size + static_cast<std::int64_t>(i));
  ASSERT_EQ(pwrite64(file_.descriptor(), more.data(), more.size(), size), granule);
  for (int i = 0; i < 2; ++i) {
    check(size - 5, 10);
    check(size, page / 2);
    check(size + page, page);
  }
}

TEST_F(PartialCopies, AreReadInPartsByManyThreads) {
  const Budget small({.bytes = 8 * granule, .granule = granule, .placement = Placement::copies});
  FileWindow window(file_.descriptor(), Access::read_only, small);
  std::vector<std::thread> threads;
  for (std::int64_t number = 0; number < 4; ++number) {
    threads.emplace_back([&window, number] {
      for (std::int64_t i = 0; i < 5000; ++i) {
        const std::int64_t at = (i * 7919 * 63 + number % 2 * 77) % (size - 200);
        const std::int64_t length =
            std::min<std::int64_t>(i % 5 == 0 ? 200 : 40, granule - at % granule);
        const auto mapping = window.map(at, length);
        ASSERT_TRUE(mapping) << mapping.error().message();
        ASSERT_TRUE(shows(mapping->bytes(), at)) << length << " at " << at;
      }
    });
  }
  for (std::thread& it : threads) it.join();
  EXPECT_EQ(small.stats().pinned, 0);
}

// Whatever other threads hold and read meanwhile: what was written before a refresh is seen after
// it.
TEST_F(PartialCopies, AreNeverOlderThanTheLastRefresh) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (std::int64_t number = 0; number < 2; ++number) {
    readers.emplace_back([&, number] {
      for (std::int64_t i = number; !stop.load(); ++i) {
        const auto held = window_.map(i * 5 % 16 * page, 8);
        const auto more = window_.try_map(i * 7 % 16 * page, 8);  // holds another: must not wait
        ASSERT_TRUE(held);
      }
    });
  }
  for (std::int64_t round = 1; round < 2000; ++round) {
    const std::int64_t at = round * 3 % 16 * page;
    ASSERT_EQ(pwrite(file_.descriptor(), &round, sizeof round, at), 8);
    ASSERT_FALSE(window_.refresh());
    const auto mapping = window_.map(at, sizeof round);
    ASSERT_TRUE(mapping);
    std::int64_t seen = 0;
    std::copy_n(mapping->data(), sizeof seen, reinterpret_cast<std::byte*>(&seen));
    ASSERT_EQ(seen, round);
  }
  stop = true;
  for (std::thread& it : readers) it.join();
}

TEST(PartialCopiesOfAStrictBudget, AreAccessibleWhereTheyHaveBeenRead) {
  const ScratchFile file(size);
  const Budget budget(
      {.bytes = 32 * granule, .granule = granule, .placement = Placement::copies, .strict = true});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (std::int64_t i = 0; i < 64; ++i) {
    const std::int64_t at = i * 7919 % (size - 100);
    const auto one = window.map(at, 10);
    const auto other = window.map(at / granule * granule, 10);
    ASSERT_TRUE(one && other);
    EXPECT_TRUE(shows(one->bytes(), at));
    EXPECT_TRUE(shows(other->bytes(), at / granule * granule));
  }
  EXPECT_EQ(budget.stats().populated, 0);
}

}  // namespace
}  // namespace kmapper::process
