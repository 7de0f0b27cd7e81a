// How the kernel reads a loader's memory map, valid and invalid.
#include "kernel/mm/memory_map.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernel/lib/prng.hpp"
#include "loader_map.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint64_t kAll = UINT64_MAX;

std::string left_of(const std::vector<Entry>& entries) { return text(usable_of(entries)); }

std::string left_of(const LoaderMap& map) {
  const multiboot::Memory memory = map.read();
  EXPECT_EQ(memory.read, map.size());
  return text(memory.usable);
}

TEST(MemoryMap, SortsAndJoinsWhatTouches) {
  EXPECT_EQ(left_of({{0x9000, 0xB000}, {0x1000, 0x3000}, {0x3000, 0x5000}, {0xA000, 0xF000}}),
            "1-5 9-f");
}

TEST(MemoryMap, ReservedBeatsUsableWhateverTheOrder) {
  const Entry ram{0, 0x10000};
  const Entry rom{0x4000, 0x6000, kReserved};
  EXPECT_EQ(left_of({ram, rom}), "0-4 6-10");
  EXPECT_EQ(left_of({rom, ram}), "0-4 6-10");
  EXPECT_EQ(left_of({rom, ram, rom, ram}), "0-4 6-10");
  EXPECT_EQ(left_of({ram, {0, 0x20000, kReserved}}), "");
}

TEST(MemoryMap, NothingButTypeOneIsMemory) {
  for (const std::uint32_t type : {0U, 2U, 3U, 4U, 5U, 7U, 12U, 20U, 0xB0200000U, UINT32_MAX}) {
    EXPECT_EQ(left_of({{0, 0x10000}, {0x4000, 0x6000, type}, {0x10000, 0x20000, type}}), "0-4 6-10")
        << type;
  }
}

TEST(MemoryMap, LeavesPartialPagesOut) {
  EXPECT_EQ(left_of({{0x1001, 0x4FFF}}), "2-4");
  EXPECT_EQ(left_of({{0x1001, 0x1FFF}}), "");
  EXPECT_EQ(left_of({{0x1800, 0x1900}}), "");
  EXPECT_EQ(left_of({{0, 0x5000}, {0x1FFF, 0x2001, kReserved}}), "0-1 3-5");
  EXPECT_EQ(left_of({{0, 0x5000}, {0x1400, 0x1401, kReserved}}), "0-1 2-5");
}

TEST(MemoryMap, IgnoresEmptyEntries) {
  EXPECT_EQ(left_of({{0x1000, 0x1000},
                     {0x5000, 0x5000, kReserved},
                     {0, 0, kReserved},
                     {kAll, kAll},
                     {0x1000, 0xA000}}),
            "1-a");
  EXPECT_EQ(left_of(std::vector<Entry>{}), "");
}

TEST(MemoryMap, MemoryThatWrapsRoundIsNoneAndWhatIsReservedEndsThere) {
  LoaderMap map;
  map.add(0x1000, 0x9000, kUsable);
  map.add(0xC000, kAll, kUsable);           // ends below its begin
  map.add(0xD000, kAll - 0xD000, kUsable);  // ends at the last byte of all
  map.add(0xE000, kAll - 0xDFFF, kUsable);  // ends at 2^64
  EXPECT_EQ(left_of(map), "1-a d-ffffffff");
  map.add(0x8000, kAll - 1, kReserved);
  EXPECT_EQ(left_of(map), "1-8");
}

TEST(MemoryMap, LeavesOutWhatNoPageFrameNumberReaches) {
  EXPECT_EQ(left_of({{0x1000, kAll}, {0x10000000000000, kAll, kReserved}}), "1-ffffffff");
  EXPECT_EQ(left_of({{0, 0x5000}, {0x3000, kAll, kReserved}}), "0-3");
  EXPECT_EQ(left_of({{0x100000000000, 0x200000000000}, {0x7000, 0x8000}}), "7-8");
}

TEST(MemoryMap, ReadsEntriesThatAreLongerThanTheyNeedBe) {
  LoaderMap map;
  map.add(0x1000, 0x4000, kUsable, 24);  // with ACPI 3.0's attributes
  map.add(0x2000, 0x1000, kReserved, 1000);
  map.add(0x8000, 0x1000, kUsable);
  EXPECT_EQ(left_of(map), "1-2 3-5 8-9");
}

TEST(MemoryMap, ReadsNothingBeyondItsEnd) {
  LoaderMap map;
  map.add(0x1000, 0x4000, kUsable);
  map.add(0x2000, 0x1000, kReserved);
  map.cut(1);
  EXPECT_EQ(left_of(map), "1-5");
  EXPECT_EQ(left_of(LoaderMap()), "");
  LoaderMap endless;
  endless.add(0x1000, 0x4000, kUsable, UINT32_MAX);
  endless.add(0x2000, 0x1000, kReserved);
  EXPECT_EQ(left_of(endless), "1-5");
}

TEST(MemoryMap, SaysWhereAMapHasNoEntry) {
  for (const std::uint32_t size : {0U, 1U, 19U}) {
    LoaderMap map;
    map.add(0x1000, 0x4000, kUsable);
    map.add(0x5000, 0x4000, kUsable, size);
    map.add(0x2000, 0x1000, kReserved);
    EXPECT_EQ(map.read().read, 24U);
  }
}

TEST(MemoryMap, TakesTheMapOfAPcWithSixGibibytes) {
  const MemoryMap map = usable_of(std::vector<Entry>{{0, 0x9FC00},
                                                     {0x9FC00, 0xA0000, kReserved},
                                                     {0xF0000, 0x100000, kReserved},
                                                     {0x100000, 0xBFFE0000},
                                                     {0xBFFE0000, 0xC0000000, kReserved},
                                                     {0xFEFFC000, 0xFF000000, kReserved},
                                                     {0xFFFC0000, 0x100000000, kReserved},
                                                     {0x100000000, 0x1C0000000},
                                                     {0xFD00000000, 0x10000000000, kReserved}});
  EXPECT_EQ(text(map), "0-9f 100-bffe0 100000-1c0000");
  EXPECT_EQ(map.pages(), 0x9FU + 0xBFEE0U + 0xC0000U);
  EXPECT_EQ(map.pages({Pfn{0x50}, Pfn{0x110}}), 0x4FU + 0x10U);
  EXPECT_EQ(map.end(), Pfn{0x1C0000});
}

TEST(MemoryMap, TakesAlignedPagesFromWhereItIsTold) {
  MemoryMap map = usable_of(std::vector<Entry>{{0x1000, 0x4000}, {0x9000, 0x30000}});
  EXPECT_EQ(map.take(4, 1, {Pfn{0}, Pfn{0x30}}), Pfn{9});
  EXPECT_EQ(map.take(2, 8, {Pfn{0}, Pfn{0x30}}), Pfn{0x10});
  EXPECT_EQ(map.take(1, 1, {Pfn{0x20}, Pfn{0x21}}), Pfn{0x20});
  EXPECT_EQ(map.take(1, 1, {Pfn{0x20}, Pfn{0x21}}), std::nullopt);
  EXPECT_EQ(map.take(1000, 1, {Pfn{0}, Pfn{0x30}}), std::nullopt);
  EXPECT_EQ(text(map), "1-4 d-10 12-20 21-30");
}

// Any number of entries: those that need no region of their own cost nothing.
TEST(MemoryMap, TakesAnyNumberOfEntries) {
  LoaderMap map;
  for (std::uint64_t page = 0; page < 10'000; ++page) map.add(page << 12, 0x1000, kUsable);
  for (std::uint64_t page = 0; page < 10'000; ++page) map.add(0x100000, page << 12, kBad);
  EXPECT_EQ(left_of(map), "0-100");
}

TEST(MemoryMap, LosesTheSmallestRegionsWhereThereAreTooManyAndSaysSo) {
  LoaderMap map;
  for (std::uint64_t i = 0; i < 500; ++i) map.add(i << 24, (i + 1) << 12, kUsable);
  map.add(0x3F000000, 0x400000, kReserved);
  const MemoryMap left = map.read().usable;
  EXPECT_EQ(left.regions().size(), MemoryMap::kMaxRegions);
  std::uint32_t lost = 0;
  for (std::uint32_t i = 0; i < 500 - MemoryMap::kMaxRegions; ++i) lost += i + 1;
  EXPECT_EQ(left.lost_pages(), lost);
  EXPECT_EQ(left.pages() + left.lost_pages(), 500U * 501 / 2);
}

TEST(MemoryMap, LosesWhatAReservationSplitsOffWhereThereIsNoRoom) {
  MemoryMap map;
  map.add({PhysAddr{0}, PhysAddr{0x1000000}});
  for (std::uint64_t page = 1; page < 0x800; page += 2)
    map.reserve({PhysAddr{page << 12}, PhysAddr{(page + 1) << 12}});
  EXPECT_EQ(map.regions().size(), MemoryMap::kMaxRegions);
  EXPECT_EQ(map.pages() + map.lost_pages(), 0x1000U - 0x400U);
  EXPECT_EQ(map.regions().back().end, Pfn{0x1000});  // the large rest is not lost
  for (const PfnRange region : map.regions()) EXPECT_GT(region.size(), 0U);
}

// Entries at quarters of pages, of all types and sizes; some lie beyond all page frame numbers,
// some are empty, reversed, or listed twice.
TEST(MemoryMap, AgreesWithAModelOnRandomMaps) {
  constexpr std::uint32_t kPages = 200;
  constexpr std::uint32_t kQuarter = kPageSize / 4;
  Prng random(42);
  for (int round = 0; round < 3000; ++round) {
    std::vector<Entry> entries;
    LoaderMap map;
    for (std::uint32_t i = random.below(20); i > 0; --i) {
      const std::uint64_t begin = std::uint64_t{random.below(kPages * 4)} * kQuarter;
      std::uint64_t length = std::uint64_t{random.below(kPages)} * kQuarter;
      const std::uint32_t type = random.below(2) == 0 ? kUsable : random.below(8);
      if (random.below(16) == 0) length = kAll - begin;
      if (random.below(4) == 0) length = 0;
      entries.push_back({begin, begin + length, type});
      if (begin != 0 && random.below(8) == 0) map.add(begin, kAll, kUsable);  // wraps round
      map.add(begin, length, type, 20 + random.below(3));
      if (random.below(4) == 0) map.add(begin, length, type);
    }
    const MemoryMap left = map.read().usable;
    ASSERT_EQ(pages_of(left, kPages), model_of(entries, kPages)) << text(left);
    ASSERT_EQ(left.lost_pages(), 0U);
  }
}

// More regions than there is room for, by reservations and by entries: no memory is invented, and
// all lost memory is counted.
TEST(MemoryMap, AgreesWithAModelWhereRegionsAreLost) {
  constexpr std::uint32_t kPages = 2000;
  Prng random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Entry> entries;
    for (std::uint64_t page = 0; page < kPages; page += 1 + random.below(6)) {
      const std::uint64_t begin = page << 12;
      entries.push_back({begin, begin + (std::uint64_t{random.below(4)} << 12),
                         random.below(3) == 0 ? kReserved : kUsable});
    }
    for (std::uint32_t i = random.below(4); i > 0; --i) {
      const std::uint64_t begin = std::uint64_t{random.below(kPages)} << 12;
      entries.push_back({begin, begin + 0x100000});
    }
    for (std::size_t i = entries.size(); i > 1; --i)
      std::swap(entries[i - 1], entries[random.below(static_cast<std::uint32_t>(i))]);
    const MemoryMap left = usable_of(entries);
    const std::vector<bool> model = model_of(entries, kPages);
    const std::vector<bool> got = pages_of(left, kPages);
    ASSERT_EQ(got.size(), model.size());
    for (std::uint32_t page = 0; page < kPages; ++page) ASSERT_LE(got[page], model[page]) << page;
    if (left.lost_pages() == 0) {
      ASSERT_EQ(got, model);
    } else {
      ASSERT_GT(left.regions().size(), MemoryMap::kMaxRegions / 2);
    }
  }
}

}  // namespace
}  // namespace kmapper::kernel
