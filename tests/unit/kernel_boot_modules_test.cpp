// Which boot modules the kernel accepts.
#include "kernel/boot_modules.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "loader_map.hpp"

namespace kmapper::kernel {
namespace {

// The memory map of a PC with 64 MiB.
const std::vector<Entry> map_of_a_pc{
    {0, 0x9FC00},          {0x9FC00, 0xA0000, kReserved},     {0xF0000, 0x100000, kReserved},
    {0x100000, 0x3FE0000}, {0x3FE0000, 0x4000000, kReserved}, {0xFFFC0000, 0x100000000, kReserved}};

BootModule module_at(std::uint64_t begin, std::uint64_t end) {
  return {{PhysAddr{begin}, PhysAddr{end}}, "a module"};
}

std::optional<ModuleFault> fault_of(std::uint64_t begin, std::uint64_t end,
                                    const std::vector<BootModule>& before = {}) {
  return find_fault(module_at(begin, end), usable_of(map_of_a_pc), before);
}

TEST(BootModules, TakesWhatLiesInMemory) {
  EXPECT_EQ(fault_of(0x200000, 0x300000), std::nullopt);
  EXPECT_EQ(fault_of(0x200000, 0x200001), std::nullopt);
  EXPECT_EQ(fault_of(0x3FDF000, 0x3FE0000), std::nullopt);
}

TEST(BootModules, TakesAModuleWithoutAByteWhereverItLies) {
  EXPECT_EQ(fault_of(0, 0), std::nullopt);
  EXPECT_EQ(fault_of(0xA0001, 0xA0001), std::nullopt);
  EXPECT_EQ(fault_of(0x200000, 0x200000, {module_at(0x200000, 0x300000)}), std::nullopt);
}

TEST(BootModules, RefusesWhatBeginsWithinAPage) {
  EXPECT_EQ(fault_of(0x200800, 0x300000), ModuleFault::begins_within_a_page);
  EXPECT_EQ(fault_of(0x200001, 0x200002), ModuleFault::begins_within_a_page);
}

TEST(BootModules, RefusesWhatEndsBeforeItBegins) {
  EXPECT_EQ(fault_of(0xFFFFF000, 0), ModuleFault::ends_before_it_begins);
  EXPECT_EQ(fault_of(0x200000, 0x1FFFFF), ModuleFault::ends_before_it_begins);
}

TEST(BootModules, RefusesWhatIsNoMemory) {
  for (const auto& [begin, end] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {0x9F000, 0x9F100},      // a page that is reserved in part
           {0x9E000, 0x9F001},      // its end
           {0xB8000, 0xB9000},      // in a hole
           {0xF0000, 0xF1000},      // ROM
           {0x3FDF000, 0x3FE0001},  // the tables behind memory
           {0x8000000, 0x8001000},  // behind the map
           {0xFFFFF000, 0x100000000}}) {
    EXPECT_EQ(fault_of(begin, end), ModuleFault::is_no_memory) << std::hex << begin;
  }
}

TEST(BootModules, RefusesPagesThatAnotherModuleHas) {
  const std::vector<BootModule> before{module_at(0x200000, 0x201800),
                                       module_at(0x300000, 0x301000)};
  EXPECT_EQ(fault_of(0x202000, 0x203000, before), std::nullopt);
  EXPECT_EQ(fault_of(0x1FF000, 0x200000, before), std::nullopt);
  EXPECT_EQ(fault_of(0x201000, 0x202000, before), ModuleFault::shares_a_page);
  EXPECT_EQ(fault_of(0x1FF000, 0x200001, before), ModuleFault::shares_a_page);
  EXPECT_EQ(fault_of(0x300000, 0x301000, before), ModuleFault::shares_a_page);
  EXPECT_EQ(fault_of(0x100000, 0x400000, before), ModuleFault::shares_a_page);
}

}  // namespace
}  // namespace kmapper::kernel
