// A strict budget: what nobody holds is not mapped, so that a use of it faults.
#include <gtest/gtest.h>

#include <utility>

#include "is_readable.hpp"
#include "kmapper/high_memory.hpp"
#include "kmapper/process.hpp"
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

TEST(StrictBudget, APageKeepsWhatIsWritten) {
  HighMemory memory{Budget(kStrict)};
  const HighPage page = *memory.allocate();
  memory.map(page)->writable()[7] = std::byte{9};
  EXPECT_EQ(memory.map(page)->bytes()[7], std::byte{9});
}

}  // namespace
}  // namespace kmapper::process
