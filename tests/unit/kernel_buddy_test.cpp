// The buddy allocator of one zone, and the bitmap under it.
#include "kernel/mm/buddy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "kernel/lib/prng.hpp"

namespace kmapper::kernel {
namespace {

using Refusal = Buddy::Refusal;

// A zone with memory of its own for the bitmaps.
class Zone {
 public:
  explicit Zone(PfnRange span) : memory_(Buddy::words_needed(span)), buddy_(span, memory_) {}
  Buddy* operator->() { return &buddy_; }

 private:
  std::vector<BitmapTree::Word> memory_;
  Buddy buddy_;
};

TEST(BitmapTree, AgreesWithASet) {
  Prng random(3);
  for (const std::uint32_t size : {1U, 31U, 32U, 33U, 1024U, 1025U, 40000U}) {
    std::vector<BitmapTree::Word> memory(BitmapTree::words_needed(size));
    BitmapTree tree(size, memory);
    std::set<std::uint32_t> model;
    for (int i = 0; i < 20000; ++i) {
      const std::uint32_t number = random.below(size);
      if (model.erase(number) != 0) {
        tree.remove(number);
      } else {
        model.insert(number);
        tree.add(number);
      }
      ASSERT_EQ(tree.empty(), model.empty());
      if (!model.empty()) {
        ASSERT_EQ(tree.least(), *model.begin());
      }
      const std::uint32_t probe = random.below(size);
      ASSERT_EQ(tree.contains(probe), model.count(probe) == 1);
    }
  }
}

TEST(BitmapTree, SeesAnyNumberOfARange) {
  std::vector<BitmapTree::Word> memory(BitmapTree::words_needed(4096));
  BitmapTree tree(4096, memory);
  tree.add(1500);
  for (std::uint32_t count = 1; count <= 2048; count *= 2) {
    for (std::uint32_t first = 0; first < 4096; first += count) {
      EXPECT_EQ(tree.contains_any(first, count), first <= 1500 && 1500 < first + count);
    }
  }
}

TEST(Buddy, OwnsNothingAtFirst) {
  Zone zone({Pfn{0}, Pfn{4096}});
  EXPECT_EQ(zone->alloc(0), std::nullopt);
  EXPECT_EQ(zone->free_pages(), 0U);
}

TEST(Buddy, AddsRegionsInTheBiggestBlocks) {
  Zone zone({Pfn{0}, Pfn{10000}});
  EXPECT_EQ(zone->add({Pfn{1}, Pfn{4096}}), Refusal::none);
  EXPECT_EQ(zone->free_pages(), 4095U);
  EXPECT_EQ(zone->free_blocks(10), 3U);
  for (unsigned order = 0; order < 10; ++order) EXPECT_EQ(zone->free_blocks(order), 1U);
}

TEST(Buddy, HandsOutTheLowestBlockAlignedToItsSize) {
  Zone zone({Pfn{0}, Pfn{4096}});
  EXPECT_EQ(zone->add({Pfn{3}, Pfn{4096}}), Refusal::none);
  EXPECT_EQ(zone->alloc(0), Pfn{3});
  EXPECT_EQ(zone->alloc(0), Pfn{4});
  EXPECT_EQ(zone->alloc(3), Pfn{8});
  EXPECT_EQ(zone->alloc(2), Pfn{16});
  EXPECT_EQ(zone->alloc(10), Pfn{1024});
}

TEST(Buddy, JoinsBuddiesBackIntoTheBlockTheyCameFrom) {
  Zone zone({Pfn{0}, Pfn{1024}});
  EXPECT_EQ(zone->add({Pfn{0}, Pfn{1024}}), Refusal::none);
  std::vector<Pfn> pages;
  while (const auto page = zone->alloc(0)) pages.push_back(*page);
  EXPECT_EQ(pages.size(), 1024U);
  EXPECT_EQ(zone->free_pages(), 0U);
  for (std::size_t i = 0; i < pages.size();
       ++i) {  // far apart: 1 and 1024 have no common factor with 387
    EXPECT_EQ(zone->free(pages[i * 387 % 1024], 0), Refusal::none);
  }
  EXPECT_EQ(zone->free_blocks(10), 1U);
  EXPECT_EQ(zone->alloc(10), Pfn{0});
}

TEST(Buddy, DoesNotJoinAcrossAHole) {
  Zone zone({Pfn{0}, Pfn{16}});
  EXPECT_EQ(zone->add({Pfn{0}, Pfn{4}}), Refusal::none);
  EXPECT_EQ(zone->add({Pfn{8}, Pfn{16}}), Refusal::none);
  EXPECT_EQ(zone->alloc(4), std::nullopt);
  EXPECT_EQ(zone->alloc(3), Pfn{8});
  EXPECT_EQ(zone->alloc(3), std::nullopt);
  EXPECT_EQ(zone->alloc(2), Pfn{0});
}

TEST(Buddy, RefusesOrdersThatItDoesNotHave) {
  Zone zone({Pfn{0}, Pfn{4096}});
  EXPECT_EQ(zone->add({Pfn{0}, Pfn{4096}}), Refusal::none);
  EXPECT_EQ(zone->alloc(11), std::nullopt);
  EXPECT_EQ(zone->alloc(4096), std::nullopt);
  EXPECT_EQ(zone->free(Pfn{0}, 11), Refusal::order_too_big);
  EXPECT_EQ(zone->free_pages(), 4096U);
}

TEST(Buddy, RefusesWhatLiesOutside) {
  Zone zone({Pfn{100}, Pfn{200}});
  EXPECT_EQ(zone->free(Pfn{99}, 0), Refusal::outside);
  EXPECT_EQ(zone->free(Pfn{200}, 0), Refusal::outside);
  EXPECT_EQ(zone->free(Pfn{196}, 3), Refusal::outside);
  EXPECT_EQ(zone->free(Pfn{96}, 2), Refusal::outside);
  EXPECT_EQ(zone->free(Pfn{0xFFFFFFFF}, 0), Refusal::outside);
}

TEST(Buddy, RefusesABlockThatDoesNotBeginOnItsSize) {
  Zone zone({Pfn{0}, Pfn{64}});
  EXPECT_EQ(zone->free(Pfn{2}, 2), Refusal::misaligned);
}

TEST(Buddy, RefusesToFreeTwice) {
  Zone zone({Pfn{0}, Pfn{1024}});
  EXPECT_EQ(zone->add({Pfn{0}, Pfn{1024}}), Refusal::none);
  const Pfn block = *zone->alloc(4);
  EXPECT_EQ(zone->free(block, 4), Refusal::none);
  EXPECT_EQ(zone->free(block, 4), Refusal::already_free);  // now part of a block of order 10
  EXPECT_EQ(zone->free(block, 0), Refusal::already_free);
  EXPECT_EQ(zone->free_pages(), 1024U);
}

TEST(Buddy, RefusesABlockOfWhichAPartIsFree) {
  Zone zone({Pfn{0}, Pfn{1024}});
  EXPECT_EQ(zone->add({Pfn{0}, Pfn{1024}}), Refusal::none);
  EXPECT_EQ(zone->alloc(10), Pfn{0});
  EXPECT_EQ(zone->free(Pfn{777}, 0), Refusal::none);
  EXPECT_EQ(zone->free(Pfn{0}, 10), Refusal::already_free);
  EXPECT_EQ(zone->free_pages(), 1U);
}

TEST(Buddy, KnowsPageFramesAboveSixtyFourGibibytes) {
  // A machine of 64 GiB: 3 GiB below the PCI hole, the rest from 4 GiB to 65 GiB.
  Zone zone({Pfn{0x28000}, Pfn{0x1040000}});
  EXPECT_EQ(zone->add({Pfn{0x28000}, Pfn{0xBFFE0}}), Refusal::none);
  EXPECT_EQ(zone->add({Pfn{0x100000}, Pfn{0x1040000}}), Refusal::none);
  EXPECT_EQ(zone->free_pages(), 0xBFFE0U - 0x28000U + 0xF40000U);
  std::uint32_t blocks = 0;
  Pfn last{0};
  while (const auto block = zone->alloc(10)) {
    last = *block;
    ++blocks;
  }
  EXPECT_EQ(blocks, (0xBFC00U - 0x28000U + 0xF40000U) / 1024);
  EXPECT_EQ(last, Pfn{0x1040000 - 1024});
  EXPECT_EQ(zone->free(last, 10), Refusal::none);
  EXPECT_EQ(zone->alloc(0), Pfn{0xBFFC0});  // the smallest block, below the hole
}

// Random blocks, against a plain record of each page frame's owner.
TEST(Buddy, NeverHandsAPageFrameOutTwiceAndLosesNone) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    Prng random(seed);
    const PfnRange regions[]{
        {Pfn{1003}, Pfn{1900}}, {Pfn{2001}, Pfn{7168}}, {Pfn{9216}, Pfn{9300}}};
    Zone zone({Pfn{1000}, Pfn{9999}});
    std::vector<bool> is_ram(10240);
    std::uint32_t ram = 0;
    for (const PfnRange region : regions) {
      ASSERT_EQ(zone->add(region), Refusal::none);
      for (Pfn page = region.begin; page < region.end; page = page + 1) {
        is_ram[to_number(page)] = true;
        ++ram;
      }
    }
    std::uint32_t blocks_at_first[Buddy::kMaxOrder + 1];
    for (unsigned k = 0; k <= Buddy::kMaxOrder; ++k) blocks_at_first[k] = zone->free_blocks(k);

    std::vector<bool> owned(10240);
    std::vector<std::pair<Pfn, unsigned>> blocks;
    std::uint32_t used = 0;
    for (int i = 0; i < 40000; ++i) {
      const bool grow = random.below(100) < (i / 5000 % 2 == 0 ? 60U : 40U);
      if (grow) {
        const unsigned order = random.below(random.below(11) + 1);
        const auto block = zone->alloc(order);
        if (!block) continue;
        ASSERT_EQ(to_number(*block) % (1U << order), 0U);
        for (std::uint32_t page = to_number(*block); page < to_number(*block) + (1U << order);
             ++page) {
          ASSERT_TRUE(is_ram[page] && !owned[page]) << page;
          owned[page] = true;
        }
        used += 1U << order;
        blocks.emplace_back(*block, order);
      } else if (!blocks.empty()) {
        std::swap(blocks[random.below(static_cast<std::uint32_t>(blocks.size()))], blocks.back());
        const auto [block, order] = blocks.back();
        blocks.pop_back();
        ASSERT_EQ(zone->free(block, order), Refusal::none);
        for (std::uint32_t page = 0; page < 1U << order; ++page) {
          owned[to_number(block) + page] = false;
        }
        used -= 1U << order;
      }
      ASSERT_EQ(zone->free_pages(), ram - used);
    }
    for (const auto& [block, order] : blocks) ASSERT_EQ(zone->free(block, order), Refusal::none);
    for (unsigned k = 0; k <= Buddy::kMaxOrder; ++k) {
      EXPECT_EQ(zone->free_blocks(k), blocks_at_first[k]) << "order " << k;
    }
  }
}

}  // namespace
}  // namespace kmapper::kernel
