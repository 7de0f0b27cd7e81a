// A budget of copies: granules are read into the budget's own memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;
constexpr std::int64_t kSize = 300 * kGranule - 5;

class Copies : public testing::Test {
 protected:
  Budget budget_{{.bytes = 32 * kGranule, .granule = kGranule, .placement = Placement::copies}};
  ScratchFile file_{ScratchFile::on_disk, kSize};
  FileWindow window_{file_.path(), Access::read_only, budget_};

  void check(std::int64_t offset, std::int64_t length) {
    const auto mapping = window_.map(offset, length);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(shows(mapping->bytes(), offset)) << offset;
  }
};

TEST_F(Copies, ShowTheFile) {
  for (std::int64_t i = 0; i < 2000; ++i) check(i * 10'007 % (kSize - 100), 100);
  for (std::int64_t at = 0; at < kSize; at += 1000)
    check(at, std::min<std::int64_t>(1000, kSize - at));
  check(kGranule - 1, 2);
  EXPECT_LE(budget_.stats().populated, 32 * kGranule);
}

TEST_F(Copies, BehindTheEndOfTheFileAreZerosWhateverWasThere) {
  for (std::int64_t i = 0; i < 100; ++i) check(i * kGranule, kGranule);
  const auto mapping = window_.map(kSize - 10, 10);
  for (int i = 10; i < 15; ++i) EXPECT_EQ(mapping->data()[i], std::byte{0});
}

TEST_F(Copies, AreReadManyAtATimeByWhoGoesThroughAFile) {
  for (std::int64_t i = 0; i < 299; ++i) check(i * kGranule, kGranule);
  const Stats stats = budget_.stats();
  EXPECT_LT(stats.map_calls * 2, stats.misses);
  EXPECT_EQ(stats.unmap_calls, 0U);
}

TEST_F(Copies, AFileThatIsCutShortIsAnErrorOfTheCall) {
  check(0, 10);
  ASSERT_EQ(ftruncate64(file_.descriptor(), 100), 0);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(window_.map(200 * kGranule, 10).error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(window_.size(), 100);
  EXPECT_EQ(budget_.stats().pinned, 0);
  check(0, 100);
}

TEST_F(Copies, WhatIsAppendedToAFileIsSeen) {
  check(kSize - 10, 10);
  const std::byte more[] = {std::byte{1}, std::byte{2}, std::byte{3}};
  ASSERT_EQ(pwrite(file_.descriptor(), more, 3, kSize), 3);
  const auto mapping = window_.map(kSize, 3);
  ASSERT_TRUE(mapping);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(mapping->bytes()[i], more[i]);
}

TEST_F(Copies, AreAsOldAsTheyAreUntilTheyAreGivenUp) {
  check(0, 1);
  const std::byte other = ~byte_at(0);
  ASSERT_EQ(pwrite(file_.descriptor(), &other, 1, 0), 1);
  EXPECT_EQ(window_.map(0, 1)->bytes()[0], byte_at(0));
  EXPECT_EQ(budget_.trim(), 1);
  EXPECT_EQ(budget_.stats().populated, 0);
  EXPECT_EQ(window_.map(0, 1)->bytes()[0], other);
}

TEST_F(Copies, SeveralAtOnceAndAheadOfUse) {
  EXPECT_FALSE(window_.prefetch(0, kSize));
  Range ranges[] = {{&window_, 0, 10}, {&window_, kGranule, 10}, {&window_, 2 * kGranule, 10}};
  ASSERT_FALSE(map_all(budget_, ranges));
  for (const Range& it : ranges) EXPECT_TRUE(shows(it.mapping.bytes(), it.offset));
  EXPECT_EQ(budget_.stats().map_calls, 1U);
}

TEST_F(Copies, ThreadsShareThem) {
  std::vector<std::thread> threads;
  for (std::int64_t number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      for (std::int64_t i = 0; i < 3000; ++i) check((i * 7919 + number * 31) % (kSize - 50), 50);
    });
  }
  for (std::thread& it : threads) it.join();
  EXPECT_EQ(budget_.stats().pinned, 0);
}

}  // namespace
}  // namespace kmapper::process
