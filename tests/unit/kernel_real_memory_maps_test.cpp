// Memory maps that the firmware of real machines reports, as their owners published them: the
// entries of the boot logs, in their order. Each has a trap of its own. The expected memory comes
// from a model that checks every page by itself, and from a count by hand.
//
// Longer than usual: data.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernel/lib/prng.hpp"
#include "loader_map.hpp"
#include "repeat.hpp"

namespace kmapper::kernel {
namespace {

struct Machine {
  const char* name;
  std::vector<Entry> map;
  const char* left;  // page frames
};

constexpr std::uint64_t kKib = 1024;

const std::vector<Machine>& machines() {
  static const std::vector<Machine> kMachines{
      // ACPI's tables begin and end within pages. linux-kernel mailing list, 12 August 2003,
      // message 200308121440.24983.lucasvr@gobolinux.org.
      {"IBM PC with a Pentium III and an Intel 810E",
       {{0, 0x9FC00},
        {0x9FC00, 0xA0000, kReserved},
        {0xE0000, 0x100000, kReserved},
        {0x100000, 0x7EE2EC0},
        {0x7EE2EC0, 0x7EE6EC0, kAcpiTables},
        {0x7EE6EC0, 0x7EEEF00, kAcpiNvs},
        {0x7EEEF00, 0x8000000, kReserved},
        {0xFEC00000, 0xFEC01000, kReserved},
        {0xFEE00000, 0xFEE01000, kReserved},
        {0xFFF80000, 0x100000000, kReserved}},
       "0-9f 100-7ee2"},
      // linux-kernel mailing list, 12 September 2003, "Probably buggy MP Table and ACPI doesn't
      // works".
      {"MSI KT4 Ultra with an Athlon 2400+",
       {{0, 0x9FC00},
        {0x9FC00, 0xA0000, kReserved},
        {0xF0000, 0x100000, kReserved},
        {0x100000, 0x1FFF0000},
        {0x1FFF0000, 0x1FFF8000, kAcpiTables},
        {0x1FFF8000, 0x20000000, kAcpiNvs},
        {0xFEC00000, 0xFEC01000, kReserved},
        {0xFEE00000, 0xFEE01000, kReserved},
        {0xFFF80000, 0x100000000, kReserved}},
       "0-9f 100-1fff0"},
      // Reserved memory lies between ACPI's tables and its NVS. linux-kernel mailing list, 16 July
      // 2004, "Re: Losing interrupts", by Remon Sijrier.
      {"ASUS CUSL2",
       {{0, 0x9F800},
        {0x9F800, 0xA0000, kReserved},
        {0xF0000, 0x100000, kReserved},
        {0x100000, 0xFFEB000},
        {0xFFEB000, 0xFFEF000, kAcpiTables},
        {0xFFEF000, 0xFFFF000, kReserved},
        {0xFFFF000, 0x10000000, kAcpiNvs},
        {0xFFF80000, 0x100000000, kReserved}},
       "0-9f 100-ffeb"},
      // Nearly 4 GiB below 4 GiB. linux-kernel mailing list, 25 May 2006, message
      // 20060525133937.GB20917@fi.muni.cz.
      {"Tyan S2882 with two Opteron 244 and 12 GiB",
       {{0, 0x9FC00},
        {0x9FC00, 0xA0000, kReserved},
        {0xE0000, 0x100000, kReserved},
        {0x100000, 0xFAFF0000},
        {0xFAFF0000, 0xFAFFF000, kAcpiTables},
        {0xFAFFF000, 0xFB000000, kAcpiNvs},
        {0xFF7C0000, 0x100000000, kReserved},
        {0x100000000, 0x300000000}},
       "0-9f 100-faff0 100000-300000"},
      // From INT 15h directly, in a program under DOS: tables, NVS and memory alternate.
      // github.com/memtest86plus/memtest86plus/issues/409
      {"Intel S3420GPV",
       {{0, 0x9B000},
        {0x9B000, 0xA0000, kReserved},
        {0xE0000, 0x100000, kReserved},
        {0x100000, 0x9B81F000},
        {0x9B81F000, 0x9D71F000, kReserved},
        {0x9D71F000, 0x9D740000},
        {0x9D740000, 0x9D814000, kAcpiNvs},
        {0x9D814000, 0x9F6A4000, kAcpiTables},
        {0x9F6A4000, 0x9F6DF000, kReserved},
        {0x9F6DF000, 0x9F78A000, kAcpiTables},
        {0x9F78A000, 0x9F7DF000, kAcpiNvs},
        {0x9F7DF000, 0x9F800000, kAcpiTables},
        {0x9F800000, 0xB0000000, kReserved},
        {0xFED1C000, 0xFED20000, kReserved},
        {0xFF800000, 0x100000000, kReserved},
        {0x100000000, 0x15C000000}},
       "0-9b 100-9b81f 9d71f-9d740 100000-15c000"},
      // Type 16: coreboot's own tables, at 0 too. github.com/u-root/u-root/issues/1858
      {"a server with coreboot",
       {{0, 0x1000, 16},
        {0x1000, 0xA0000},
        {0xA0000, 0x100000, kReserved},
        {0x100000, 0x7FF63000},
        {0x7FF63000, 0x80000000, 16},
        {0xB0000000, 0xC0000000, kReserved},
        {0x100000000, 0x280000000}},
       "1-a0 100-7ff63 100000-280000"},
      // The video memory is listed as memory, and the second mebibyte is missing.
      // github.com/projectacrn/acrn-hypervisor/pull/2641
      {"ACRN's MRB board",
       {{0, 0xF0000},
        {0xF0000, 0x100000, kReserved},
        {0x200000, 0x20100000},
        {0x20100000, 0xC0000000, kReserved},
        {0xE0000000, 0x100000000, kReserved}},
       "0-f0 200-20100"},
      // The first page is NVS; many small pieces below 256 MiB.
      // github.com/home-assistant/operating-system/issues/1634
      {"a small computer with 2 GiB",
       {{0, 0x1000, kAcpiNvs},
        {0x1000, 0xA0000},
        {0xC0000, 0x100000, kReserved},
        {0x100000, 0xCFA9000},
        {0xCFA9000, 0xCFB2000, kReserved},
        {0xCFB2000, 0xCFC5000},
        {0xCFC5000, 0xCFCB000, kReserved},
        {0xCFCB000, 0xCFDB000},
        {0xCFDB000, 0xCFE0000, kReserved},
        {0xCFE0000, 0xDEF9000},
        {0xDEF9000, 0xDF69000, kReserved},
        {0xDF69000, 0xDF85000, kAcpiTables},
        {0xDF85000, 0xDF89000, kAcpiNvs},
        {0xDF89000, 0x80000000},
        {0xFFC00000, 0xFFC2A000, kReserved}},
       "1-a0 100-cfa9 cfb2-cfc5 cfcb-cfdb cfe0-def9 df89-80000"},
      // Type 20, and one page of memory between reserved ranges.
      // github.com/thesofproject/linux/issues/3206
      {"Dell Latitude 9520 with 32 GiB",
       {{0, 0x9F000},
        {0x9F000, 0x100000, kReserved},
        {0x100000, 0x5F37F000},
        {0x5F37F000, 0x5F4A2000, 20},
        {0x5F4A2000, 0x63111000, kReserved},
        {0x63111000, 0x63972000, kAcpiNvs},
        {0x63972000, 0x63BFF000, kAcpiTables},
        {0x63BFF000, 0x63C00000},
        {0x63C00000, 0x68000000, kReserved},
        {0x69400000, 0x69600000, kReserved},
        {0x69E00000, 0x70800000, kReserved},
        {0xC0000000, 0xD0000000, kReserved},
        {0xFED20000, 0xFED80000, kReserved},
        {0xFF000000, 0x100000000, kReserved},
        {0x100000000, 0x88F800000}},
       "0-9f 100-5f37f 63bff-63c00 100000-88f800"},
      // Less than 1 GiB below the hole. From the kernel log of its owner (BIOS 1.1.5 of
      // 18 September 2015).
      {"Alienware 15 R2 with 12 GiB",
       {{0, 0x58000},
        {0x58000, 0x59000, kReserved},
        {0x59000, 0x9F000},
        {0x9F000, 0xA0000, kReserved},
        {0x100000, 0x3130C000},
        {0x3130C000, 0x3130D000, kAcpiNvs},
        {0x3130D000, 0x31337000, kReserved},
        {0x31337000, 0x3138F000},
        {0x3138F000, 0x318E5000, kReserved},
        {0x318E5000, 0x361AC000},
        {0x361AC000, 0x37192000, kReserved},
        {0x37192000, 0x371D3000, kAcpiTables},
        {0x371D3000, 0x37B4F000, kAcpiNvs},
        {0x37B4F000, 0x37F83000, kReserved},
        {0x37F83000, 0x37FFE000, 20},
        {0x37FFE000, 0x37FFF000},
        {0x38000000, 0x38100000, kReserved},
        {0xE0000000, 0xF0000000, kReserved},
        {0xFE000000, 0xFE011000, kReserved},
        {0xFEC00000, 0xFEC01000, kReserved},
        {0xFEE00000, 0xFEE01000, kReserved},
        {0xFF000000, 0x100000000, kReserved},
        {0x100000000, 0x3C4000000}},
       "0-58 59-9f 100-3130c 31337-3138f 318e5-361ac 37ffe-37fff 100000-3c4000"},
      // Holes in low memory, at 157 and 162 MiB, where other machines have one piece. From the
      // kernel log of its owner (BIOS 1.30 of 8 November 2019).
      {"MSI A320M-A PRO with 16 GiB",
       {{0, 0xA0000},
        {0xA0000, 0x100000, kReserved},
        {0x100000, 0x9D80000},
        {0x9D80000, 0xA000000, kReserved},
        {0xA000000, 0xA200000},
        {0xA200000, 0xA20C000, kAcpiNvs},
        {0xA20C000, 0xB000000},
        {0xB000000, 0xB020000, kReserved},
        {0xB020000, 0xDBD62000},
        {0xDBD62000, 0xDBEAC000, kReserved},
        {0xDBEAC000, 0xDC02D000},
        {0xDC02D000, 0xDC43F000, kAcpiNvs},
        {0xDC43F000, 0xDD049000, kReserved},
        {0xDD049000, 0xDF000000},
        {0xDF000000, 0xE0000000, kReserved},
        {0xF8000000, 0xFC000000, kReserved},
        {0xFD000000, 0x100000000, kReserved},
        {0x100000000, 0x41F380000}},
       "0-a0 100-9d80 a000-a200 a20c-b000 b020-dbd62 dbeac-dc02d dd049-df000 100000-41f380"},
      // Memory up to 385 GiB, of which PAE reaches a sixth: the part from 4,077 MiB on.
      // github.com/HyperEnclave/hyperenclave/issues/24
      {"an AMD server",
       {{0xFEDC0000, 0xFEDC1000, kReserved},
        {0xFEDC2000, 0xFEDC6000, kReserved},
        {0xFEDC7000, 0xFEDC8000, kReserved},
        {0xFEDC9000, 0xFEDCB000, kReserved},
        {0xFF000000, 0x100000000, kReserved},
        {0x100000000, 0x3066BC0000},
        {0x3066BC0000, 0x3070000000, kReserved},
        {0x3070000000, 0x604FDC0000},
        {0x604FDC0000, 0x6050000000, kReserved}},
       "100000-3066bc0 3070000-604fdc0"},
  };
  return kMachines;
}

constexpr std::uint64_t kModelPages = std::uint64_t{kIsSlow ? 5 : 36} << (30 - kPageShift);

TEST(RealMemoryMaps, LeaveWhatOneCountsByHand) {
  for (const Machine& it : machines()) EXPECT_EQ(text(usable_of(it.map)), it.left) << it.name;
}

TEST(RealMemoryMaps, LeaveThePagesThatAModelLeaves) {
  for (const Machine& it : machines()) {
    EXPECT_TRUE(pages_of(usable_of(it.map), kModelPages) == model_of(it.map, kModelPages))
        << it.name;
  }
}

// A loader may sort the entries in another way than the firmware, cut them in two, add empty ones,
// and report its own memory (or that of a device, or bad memory) over the firmware's.
TEST(RealMemoryMaps, LeaveTheSameInAnyOrderAndInAnyPieces) {
  Prng random(2026);
  for (const Machine& it : machines()) {
    for (int round = 0; round < 20; ++round) {
      std::vector<Entry> map;
      for (const Entry& entry : it.map) {
        const std::uint64_t size = (entry.end - entry.begin) & ~std::uint64_t{kPageSize - 1};
        const std::uint64_t cut = entry.begin + random.below(1000) * (size / 1000 & ~0xFFFULL);
        map.push_back({entry.begin, cut, entry.type});
        map.push_back({cut, entry.end, entry.type});
        map.push_back({cut, cut, random.below(6)});
        if (entry.type != kUsable) map.push_back({cut, entry.end, kUsable});
      }
      for (std::size_t i = map.size(); i > 1; --i)
        std::swap(map[i - 1], map[random.below(static_cast<std::uint32_t>(i))]);
      ASSERT_EQ(text(usable_of(map)), it.left) << it.name;
    }
  }
}

TEST(RealMemoryMaps, LoseNothingToBadPagesButThem) {
  Prng random(2027);
  for (const Machine& it : machines()) {
    std::vector<Entry> map = it.map;
    for (int i = 0; i < 40; ++i) {
      const std::uint64_t at = std::uint64_t{random.next()} * kKib;
      map.push_back({at, at + random.below(300) * kKib, kBad});
    }
    EXPECT_TRUE(pages_of(usable_of(map), kModelPages) == model_of(map, kModelPages)) << it.name;
  }
}

// The type is what was left in the buffer: 2954887168. An ASUS board with AMI BIOS 2.20.1271,
// booted from a USB stick; github.com/rust-osdev/bootloader/issues/581
TEST(RealMemoryMaps, TakeATypeThatNobodyKnowsForReserved) {
  EXPECT_EQ(
      text(usable_of(std::vector<Entry>{{0x100000, 0x200000}, {0x180000, 0x190000, 2954887168}})),
      "100-180 190-200");
}

// An entry of no length, at an address of its own, as a hypervisor reports it;
// github.com/projectacrn/acrn-hypervisor/issues/8617
TEST(RealMemoryMaps, TakeAnEntryOfNoLengthForNone) {
  EXPECT_EQ(text(usable_of(std::vector<Entry>{{0, 0x9E000},
                                              {0x9E000, 0x100000, kReserved},
                                              {0x100000, 0x2200000},
                                              {0x2E1E000, 0x2E1E000},
                                              {0x6E17000, 0x25353000},
                                              {0x25353000, 0x253D3000, kReserved}})),
            "0-9e 100-2200 6e17-25353");
}

}  // namespace
}  // namespace kmapper::kernel
