// The sequences that the benches of both systems share.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "bench/sequences.h"
#include "kernel/lib/prng.hpp"

namespace {

constexpr std::uint32_t kPages = 65536;
constexpr std::uint32_t kHotPages = 128;

std::vector<std::uint32_t> zipf_sums() {
  std::vector<std::uint32_t> sums(kPages);
  sequence_zipf_sums(sums.data(), kPages);
  return sums;
}

TEST(BenchSequences, RandomNumbersAreTheKernelsOwn) {
  SequenceRandom random = sequence_seed(1);
  kmapper::kernel::Prng prng(1);
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(sequence_next(&random), prng.next()) << i;
}

TEST(BenchSequences, ZipfWeightsAreThePowerOfTheRank) {
  const std::vector<std::uint32_t> sums = zipf_sums();
  std::uint32_t before = 0;
  for (std::uint32_t rank = 1; rank <= kPages; ++rank) {
    const double expected = std::pow(rank, -0.99) * (1 << 28);
    ASSERT_NEAR(sums[rank - 1] - before, expected, expected / 4000) << rank;
    before = sums[rank - 1];
  }
}

TEST(BenchSequences, ZipfPicksTheLikeliestPageAsOftenAsItsWeightSays) {
  const std::vector<std::uint32_t> sums = zipf_sums();
  SequenceRandom random = sequence_seed(1);
  std::uint32_t first = 0;
  for (std::uint32_t i = 0; i < kPages; ++i)
    first += sequence_zipf(&random, sums.data(), kPages) == 0;
  const double expected = static_cast<double>(sums[0]) / sums[kPages - 1] * kPages;
  EXPECT_NEAR(first, expected, expected / 20);
}

TEST(BenchSequences, ZipfPicksThePageInWhoseShareTheNumberFalls) {
  const std::uint32_t sums[] = {1, 1, 3, 4};  // the second page has no share
  SequenceRandom random = sequence_seed(1);
  std::uint32_t picked[4] = {};
  for (int i = 0; i < 4000; ++i) ++picked[sequence_zipf(&random, sums, 4)];
  EXPECT_NEAR(picked[0], 1000, 100);
  EXPECT_EQ(picked[1], 0);
  EXPECT_NEAR(picked[2], 2000, 100);
  EXPECT_NEAR(picked[3], 1000, 100);
}

TEST(BenchSequences, MixTakesThePercentageFromTheHotPages) {
  SequenceRandom random = sequence_seed(1);
  std::uint32_t hot = 0;
  for (int i = 0; i < 100000; ++i) {
    const std::uint32_t page = sequence_mix(&random, kPages, kHotPages, 90);
    ASSERT_LT(page, kPages);
    hot += page < kHotPages;
  }
  EXPECT_NEAR(hot, 90000, 500);
}

}  // namespace
