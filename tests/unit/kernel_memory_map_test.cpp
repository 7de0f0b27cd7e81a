// What the kernel makes of a loader's memory map.
#include "kernel/mm/memory_map.hpp"

#include <gtest/gtest.h>

#include <bitset>
#include <string>
#include <vector>

#include "kernel/lib/format.hpp"
#include "kernel/lib/prng.hpp"

namespace kmapper::kernel {
namespace {

BootMemory usable(std::uint64_t begin, std::uint64_t end) {
  return {{PhysAddr{begin}, PhysAddr{end}}, true};
}
BootMemory reserved(std::uint64_t begin, std::uint64_t end) {
  return {{PhysAddr{begin}, PhysAddr{end}}, false};
}

// "1-3 5-9": the page frames that are left.
std::string text(const MemoryMap& map) {
  std::string all;
  for (const PfnRange region : map.regions()) {
    char buffer[64];
    if (!all.empty()) all += ' ';
    all += format_to(buffer, "{:x}-{:x}", to_number(region.begin), to_number(region.end));
  }
  return all;
}

TEST(MemoryMap, SortsAndJoinsWhatTouches) {
  const std::vector<BootMemory> entries{usable(0x9000, 0xB000), usable(0x1000, 0x3000),
                                        usable(0x3000, 0x5000), usable(0xA000, 0xF000)};
  EXPECT_EQ(text(MemoryMap(entries)), "1-5 9-f");
}

TEST(MemoryMap, ReservedBeatsUsableWhateverTheOrder) {
  const BootMemory ram = usable(0, 0x10000);
  const BootMemory rom = reserved(0x4000, 0x6000);
  EXPECT_EQ(text(MemoryMap(std::vector{ram, rom})), "0-4 6-10");
  EXPECT_EQ(text(MemoryMap(std::vector{rom, ram})), "0-4 6-10");
}

TEST(MemoryMap, LeavesPartialPagesOut) {
  EXPECT_EQ(text(MemoryMap(std::vector{usable(0x1001, 0x4FFF)})), "2-4");
  EXPECT_EQ(text(MemoryMap(std::vector{usable(0x1001, 0x1FFF)})), "");
  EXPECT_EQ(text(MemoryMap(std::vector{usable(0, 0x5000), reserved(0x1FFF, 0x2001)})), "0-1 3-5");
}

TEST(MemoryMap, IgnoresEmptyAndBackwardEntries) {
  const std::vector<BootMemory> entries{usable(0x1000, 0x1000), usable(0x9000, 0x2000),
                                        reserved(0x5000, 0x5000), reserved(0x7000, 0x3000),
                                        usable(0x1000, 0xA000)};
  EXPECT_EQ(text(MemoryMap(entries)), "1-a");
}

TEST(MemoryMap, EndsWhereItIsTold) {
  const std::vector<BootMemory> entries{usable(0x1000, 0xA000), usable(0xC000, 0xF000)};
  EXPECT_EQ(text(MemoryMap(entries, Pfn{5})), "1-5");
}

TEST(MemoryMap, LeavesOutWhatNoPageFrameNumberReaches) {
  constexpr std::uint64_t kAll = UINT64_MAX;
  const std::vector<BootMemory> entries{usable(0x1000, kAll), reserved(0x10000000000000, kAll)};
  EXPECT_EQ(text(MemoryMap(entries)), "1-ffffffff");
  EXPECT_EQ(text(MemoryMap(std::vector{usable(0, 0x5000), reserved(0x3000, kAll)})), "0-3");
}

TEST(MemoryMap, TakesTheMapOfAPcWithSixGibibytes) {
  const std::vector<BootMemory> entries{usable(0, 0x9FC00),
                                        reserved(0x9FC00, 0xA0000),
                                        reserved(0xF0000, 0x100000),
                                        usable(0x100000, 0xBFFE0000),
                                        reserved(0xBFFE0000, 0xC0000000),
                                        reserved(0xFEFFC000, 0xFF000000),
                                        reserved(0xFFFC0000, 0x100000000),
                                        usable(0x100000000, 0x1C0000000),
                                        reserved(0xFD00000000, 0x10000000000)};
  const MemoryMap map(entries);
  EXPECT_EQ(text(map), "0-9f 100-bffe0 100000-1c0000");
  EXPECT_EQ(map.pages(), 0x9FU + 0xBFEE0U + 0xC0000U);
  EXPECT_EQ(map.pages({Pfn{0x50}, Pfn{0x110}}), 0x4FU + 0x10U);
  EXPECT_EQ(map.end(), Pfn{0x1C0000});
}

TEST(MemoryMap, TakesAlignedPagesFromWhereItIsTold) {
  MemoryMap map(std::vector{usable(0x1000, 0x4000), usable(0x9000, 0x30000)});
  EXPECT_EQ(map.take(4, 1, {Pfn{0}, Pfn{0x30}}), Pfn{9});
  EXPECT_EQ(map.take(2, 8, {Pfn{0}, Pfn{0x30}}), Pfn{0x10});
  EXPECT_EQ(map.take(1, 1, {Pfn{0x20}, Pfn{0x21}}), Pfn{0x20});
  EXPECT_EQ(map.take(1, 1, {Pfn{0x20}, Pfn{0x21}}), std::nullopt);
  EXPECT_EQ(map.take(1000, 1, {Pfn{0}, Pfn{0x30}}), std::nullopt);
  EXPECT_EQ(text(map), "1-4 d-10 12-20 21-30");
}

TEST(MemoryMap, GivesUpRegionsBeyondItsRoomAndSaysSo) {
  MemoryMap map(std::vector{usable(0, 0x1000000)});
  for (std::uint64_t page = 1; page < 0x800; page += 2) {
    map.reserve({PhysAddr{page << 12}, PhysAddr{(page + 1) << 12}});
  }
  EXPECT_EQ(map.regions().size(), MemoryMap::kMaxRegions);
  EXPECT_GT(map.lost_pages(), 0U);
  for (const PfnRange region : map.regions()) EXPECT_GT(region.size(), 0U);
}

TEST(MemoryMap, AgreesWithAModelOnRandomMaps) {
  constexpr std::uint32_t kPages = 200;
  Prng random(42);
  for (int round = 0; round < 3000; ++round) {
    std::vector<BootMemory> entries;
    std::bitset<kPages * 4> taken;  // quarters of pages
    std::bitset<kPages> whole;      // pages that lie whole in one usable entry
    for (std::uint32_t i = random.below(12); i > 0; --i) {
      const std::uint32_t begin = random.below(kPages * 4);
      const std::uint32_t end = begin + random.below(kPages * 4 - begin);
      const bool is_usable = random.below(3) != 0;
      entries.push_back({{PhysAddr{begin * 1024}, PhysAddr{end * 1024}}, is_usable});
      for (std::uint32_t at = begin; at < end && !is_usable; ++at) taken.set(at);
      for (std::uint32_t page = (begin + 3) / 4; page < end / 4 && is_usable; ++page)
        whole.set(page);
    }
    std::bitset<kPages> expected;
    for (std::uint32_t page = 0; page < kPages; ++page) {
      bool free = whole[page];
      for (std::uint32_t at = page * 4; at < page * 4 + 4; ++at) free = free && !taken[at];
      expected[page] = free;
    }
    std::bitset<kPages> got;
    Pfn last{0};
    const MemoryMap map(entries);
    for (const PfnRange region : map.regions()) {
      EXPECT_LT(region.begin, region.end);
      EXPECT_TRUE(region.begin > last || last == Pfn{0});
      last = region.end;
      for (Pfn page = region.begin; page < region.end; page = page + 1) got.set(to_number(page));
    }
    ASSERT_EQ(got, expected) << text(map);
  }
}

}  // namespace
}  // namespace kmapper::kernel
