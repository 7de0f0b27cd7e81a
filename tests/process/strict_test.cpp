// A strict budget: a granule without users is not mapped, so that a use of it faults.
#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "is_readable.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr Options kStrict{.bytes = 16 * kPage, .granule = kPage, .strict = true};

TEST(StrictBudget, AGranuleIsUnmappedAsSoonAsNobodyHoldsIt) {
  const ScratchFile file(64 * kPage);
  const Budget budget(kStrict);
  FileWindow window(file.descriptor(), Access::read_write, budget);
  Expected<Mapping> first = window.map(5 * kPage, 10);
  Expected<Mapping> second = window.map(5 * kPage + 10, 10);
  const void* const address = first->data();
  *first = {};
  EXPECT_TRUE(is_readable(address));
  *second = {};
  EXPECT_FALSE(is_readable(address));
  EXPECT_EQ(budget.stats().mapped, 0);
}

TEST(StrictBudget, AMappingAcrossGranulesIsUnmappedAtOnce) {
  const ScratchFile file(64 * kPage);
  FileWindow window(file.descriptor(), Access::read_only, Budget(kStrict));
  Expected<Mapping> mapping = window.map(6 * kPage - 5, 10);
  const void* const address = mapping->data();
  EXPECT_TRUE(is_readable(address));
  *mapping = {};
  EXPECT_FALSE(is_readable(address));
}

TEST(StrictBudget, WhatIsMappedAheadIsNotLeftMapped) {
  const ScratchFile file(64 * kPage);
  const Budget budget({.bytes = 64 * kPage, .granule = kPage, .strict = true});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (std::int64_t i = 0; i < 64; ++i)
    EXPECT_TRUE(shows(window.map(i * kPage, kPage)->bytes(), i * kPage));
  EXPECT_EQ(budget.stats().mapped, 0);
  EXPECT_FALSE(window.prefetch(0, 64 * kPage));
  EXPECT_EQ(budget.stats().mapped, 0);
}

TEST(StrictBudget, CopiesAreOnlyReadableAndUnmappedAtOnce) {
  const ScratchFile file(64 * kPage);
  const Budget budget(
      {.bytes = 16 * kPage, .granule = kPage, .placement = Placement::copies, .strict = true});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (const std::int64_t length : {1, 2}) {  // within a granule, and across two
    const std::int64_t offset = 6 * kPage - 1;
    Expected<Mapping> mapping = window.map(offset, length);
    std::byte* const address = mapping->data();
    EXPECT_TRUE(shows(mapping->bytes(), offset));
    EXPECT_TRUE(is_readable(address));
    EXPECT_FALSE(is_writable(address));
    *mapping = {};
    EXPECT_FALSE(is_readable(address));
  }
  for (std::int64_t i = 0; i < 64; ++i)
    EXPECT_TRUE(shows(window.map(i * kPage, kPage)->bytes(), i * kPage));
  EXPECT_EQ(budget.stats().mapped, 0);
  EXPECT_EQ(budget.stats().populated, 0);
}

TEST(StrictBudget, CopiesThatSeveralThreadsRead) {
  const ScratchFile file(64 * kPage);
  const Budget budget(
      {.bytes = 16 * kPage, .granule = kPage, .placement = Placement::copies, .strict = true});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  std::vector<std::thread> threads;
  for (std::int64_t number = 0; number < 4; ++number) {
    threads.emplace_back([&window, number] {
      for (std::int64_t i = 0; i < 300; ++i) {
        const std::int64_t offset = (i * 7919 + number * 31) % (64 * kPage - 50);
        const auto mapping = window.map(offset, 50);
        EXPECT_TRUE(mapping && shows(mapping->bytes(), offset));
      }
    });
  }
  for (std::thread& it : threads) it.join();
  EXPECT_EQ(budget.stats().pinned, 0);
}

TEST(WindowForReading, AWriteToAMappingFaults) {
  constexpr std::int64_t kGranule = 16 * kPage;  // a memory file that is only read has a home
  for (const Placement placement : {Placement::slots, Placement::home}) {
    const ScratchFile file(64 * kPage);
    FileWindow window(
        file.descriptor(), Access::read_only,
        Budget({.bytes = 16 * kGranule, .granule = kGranule, .placement = placement}));
    for (const std::int64_t length : {1, 2}) {
      const Expected<Mapping> mapping = window.map(2 * kGranule - 1, length);
      EXPECT_FALSE(is_writable(mapping->data()));
    }
  }
}

TEST(StrictBudget, APageKeepsWhatIsWritten) {
  HighMemory memory{Budget(kStrict)};
  const HighPage page = *memory.allocate();
  memory.map(page)->writable()[7] = std::byte{9};
  EXPECT_EQ(memory.map(page)->bytes()[7], std::byte{9});
}

}  // namespace
}  // namespace kmapper::process
