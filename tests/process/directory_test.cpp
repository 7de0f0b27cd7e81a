// The table in which a granule finds its slot: how evenly its hash spreads granules over the
// buckets, and whether it finds all slots while they change hands.
#include "process/window/directory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "kmapper/process/process.hpp"
#include "system/descriptor.hpp"

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

/// A granule whose slot is not found would get another slot, at another address. With 8 slots for
/// each bucket, there are always some that are full and have a list.
TEST(Directory, FindsSlotsThatAreHeldWhileOthersChangeHands) {
  constexpr std::int64_t kGranule = 4096;
  constexpr std::int64_t kGranules = 8192;
  constexpr std::size_t kHeld = 1000;
  const system::Descriptor file(memfd_create("directory", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.number(), kGranules * kGranule), 0);
  const Budget budget(
      {.bytes = 2048 * kGranule, .granule = kGranule, .placement = Placement::copies});
  FileWindow window(file.number(), Access::read_only, budget);
  window.advise(Advice::random);
  std::mt19937 random(1);
  std::map<std::int64_t, Mapping> held;
  for (int i = 0; i < 30'000; ++i) {
    const std::int64_t granule = static_cast<std::int64_t>(random()) % kGranules;
    Expected<Mapping> mapping = window.map(granule * kGranule, 1);
    ASSERT_TRUE(mapping) << mapping.error().message();
    if (const auto it = held.find(granule); it != held.end()) {
      ASSERT_EQ(mapping->data(), it->second.data()) << "granule " << granule << " is mapped twice";
      continue;
    }
    if (held.size() == kHeld) {
      const auto it = held.lower_bound(granule);
      held.erase(it != held.end() ? it : held.begin());
    }
    held.emplace(granule, std::move(*mapping));
  }
  held.clear();
  const std::int64_t mapped = budget.stats().mapped;
  EXPECT_EQ(std::int64_t{budget.trim()} * kGranule, mapped);
  EXPECT_EQ(budget.stats().mapped, 0);
}

}  // namespace
}  // namespace kmapper::process
