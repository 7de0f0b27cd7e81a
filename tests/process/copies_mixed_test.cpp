// A budget that has files at home, files in slots, and copies side by side.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kmapper/process/process.hpp"
#include "process/api/internals.hpp"
#include "scratch_file.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kGranules = 64;
constexpr std::int64_t kSize = kGranules * kPage;

FileWindow open_as(Placement placement, const ScratchFile& file, const Budget& budget) {
  const Access access = placement == Placement::copies ? Access::read_only : Access::read_write;
  return Internals::window_of(std::make_unique<File>(
      system::Descriptor(fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0)), "a file", access,
      Internals::arena_of(budget), File::Kind::file, placement));
}

/// How many mappings the process has.
int count_mappings() {
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  int lines = 0;
  for (int c = std::fgetc(maps); c != EOF; c = std::fgetc(maps)) lines += c == '\n' ? 1 : 0;
  std::fclose(maps);
  return lines;
}

class MixedBudget : public testing::TestWithParam<bool> {
 protected:
  const Budget budget_{{.bytes = 16 * kPage, .granule = kPage, .strict = GetParam()}};
  const ScratchFile file_{kSize};
  std::vector<FileWindow> windows_;

  MixedBudget() {
    for (const Placement it : {Placement::copies, Placement::slots, Placement::home}) {
      if (it != Placement::home || (sizeof(void*) == 8 && !GetParam()))
        windows_.push_back(open_as(it, file_, budget_));
    }
  }
  void check(std::size_t window, std::int64_t offset, std::int64_t length) {
    const auto mapping = windows_[window % windows_.size()].map(offset, length);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(shows(mapping->bytes(), offset)) << window << " at " << offset;
  }
};

TEST_P(MixedBudget, ShowsTheSameBytesInEachPlacement) {
  for (std::size_t i = 0; i < 3000; ++i) {
    const auto offset = static_cast<std::int64_t>(i * 10'007 % (kSize - 100));
    check(i % 7, offset, i % 3 == 0 ? 2 : 100);
  }
  EXPECT_LE(budget_.stats().populated, 16 * kPage);
  EXPECT_EQ(budget_.stats().pinned, 0);
}

TEST_P(MixedBudget, ShowsThemToSeveralThreads) {
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      for (std::size_t i = 0; i < 1000; ++i)
        check(i * 5 + number, static_cast<std::int64_t>((i * 7919 + number * 31) % (kSize - 50)),
              50);
    });
  }
  for (std::thread& it : threads) it.join();
  EXPECT_EQ(budget_.stats().pinned, 0);
}

// A slot that showed a file becomes memory, and shows the file again later.
TEST_P(MixedBudget, WritesToTheFileAndNotToItThroughACopy) {
  for (int round = 0; round < 3; ++round) {
    for (std::int64_t i = 0; i < 2 * 16; ++i) check(0, i * kPage, kPage);
    for (std::int64_t i = 0; i < 2 * 16; ++i) {
      const auto mapping = windows_[1].map(i * kPage, kPage);
      ASSERT_TRUE(mapping);
      EXPECT_TRUE(shows(mapping->bytes(), i * kPage));
      mapping->writable()[0] = ~mapping->bytes()[0];
      mapping->writable()[0] = byte_at(i * kPage);
    }
  }
  EXPECT_EQ(file_.read(0), byte_at(0));
}

TEST_P(MixedBudget, FreesTheMemoryOfCopies) {
  for (std::int64_t i = 0; i < 16; ++i) check(0, i * kPage, kPage);
  check(0, kPage - 1, 2);
  budget_.trim();
  EXPECT_EQ(budget_.stats().populated, 0);
  EXPECT_EQ(budget_.stats().mapped, 0);
  for (std::size_t i = 0; i < 64; ++i) check(i, static_cast<std::int64_t>(i) * kPage, kPage);
}

INSTANTIATE_TEST_SUITE_P(, MixedBudget, testing::Bool(),
                         [](const auto& it) { return it.param ? "Strict" : "Usual"; });

TEST(MixedBudgetOfManyGranules, HasOneMappingForNeighbouringCopies) {
  const ScratchFile file(8 * kSize);
  const Budget budget({.bytes = 8 * kSize, .granule = kPage});
  FileWindow window = open_as(Placement::copies, file, budget);
  const int before = count_mappings();
  for (std::int64_t i = 0; i < 6 * kGranules; ++i) ASSERT_TRUE(window.map(i * kPage, kPage));
  EXPECT_LT(count_mappings() - before, 20);
}

TEST(MixedBudgetOfOneKindOfFiles, ReadsCopiesByOneCallEach) {
  const ScratchFile file(kSize);
  const Budget budget({.bytes = 16 * kPage, .granule = kPage});
  FileWindow window = open_as(Placement::copies, file, budget);
  window.advise(Advice::random);
  for (std::int64_t i = 0; i < kGranules; ++i) ASSERT_TRUE(window.map(i * kPage, kPage));
  const Stats before = budget.stats();
  for (std::int64_t i = 0; i < kGranules; ++i) ASSERT_TRUE(window.map(i * kPage, kPage));
  const Stats stats = budget.stats();
  EXPECT_GT(stats.misses - before.misses, static_cast<std::uint64_t>(kGranules / 2));
  EXPECT_EQ(stats.map_calls - before.map_calls, stats.misses - before.misses);
  EXPECT_EQ(stats.unmap_calls, 0U);
}

}  // namespace
}  // namespace kmapper::process
