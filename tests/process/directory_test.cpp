// How evenly the directory's hash spreads granules: each step of a search is an access to another
// slot's memory.
#include "process/window/directory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace kmapper::process {
namespace {

/// How many pairs of `count` pages share a bucket, to how many would by chance.
double pairs_to_chance(std::uint32_t count, std::uint64_t stride, std::uint32_t files) {
  // As many buckets as granules, chosen by the hash's low bits, as the directory chooses them.
  std::vector<std::uint32_t> buckets(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Page page = make_page(1 + static_cast<std::uint32_t>(i) % files, i / files * stride);
    ++buckets[Directory::hash_of(page) % count];
  }
  double pairs = 0;
  for (const double it : buckets) pairs += it * (it - 1) / 2;
  return pairs / ((count - 1.0) / 2);
}

TEST(Directory, SpreadsTheGranulesOfFiles) {
  const std::uint32_t most = sizeof(void*) == 8 ? 1U << 21 : 1U << 16;
  for (std::uint32_t count = 1U << 12; count <= most; count *= 2) {
    for (const std::uint64_t stride : {1, 5, 16, 1000, 1024, 1 << 18}) {
      EXPECT_LT(pairs_to_chance(count, stride, 1), 1.2) << count << ", each " << stride;
    }
    EXPECT_LT(pairs_to_chance(count, 1, 2), 1.2) << count << ", of two files";
    EXPECT_LT(pairs_to_chance(count, 1, 1000), 1.2) << count << ", of a thousand files";
  }
}

}  // namespace
}  // namespace kmapper::process
