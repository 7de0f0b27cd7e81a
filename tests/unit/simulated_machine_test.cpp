// The machine in software: it detects what hardware would do wrong, and reports no fault otherwise.
#include "simulated/machine.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace kmapper::simulated {
namespace {

constexpr CpuIndex kCpu{0};
constexpr CpuIndex kOtherCpu{1};
constexpr SlotIndex kSlot{3};
constexpr FrameIndex kFrame{10};
constexpr FrameIndex kOtherFrame{11};

class MachineTest : public testing::Test {
 protected:
  MachineTest() {
    for (std::uint32_t i = 0; i < machine_.frame_count(); ++i) machine_.poke(FrameIndex{i}, 0, i);
  }
  [[nodiscard]] std::uint64_t read(CpuIndex cpu) {
    return machine_.read(cpu, window_address(kSlot));
  }
  [[nodiscard]] bool faulted_with(const std::string& text) {
    return machine_.faults().text().find(text) != std::string::npos;
  }

  Machine machine_{{.cpus = 2, .slots = 8, .low_frames = 4, .high_frames = 16}};
};

TEST_F(MachineTest, AMappedSlotShowsItsFrame) {
  machine_.write_pte(kSlot, kFrame);
  EXPECT_EQ(read(kCpu), to_number(kFrame));
  machine_.write(kOtherCpu, static_cast<std::uint64_t*>(window_address(kSlot)) + 1, 77);
  EXPECT_EQ(machine_.peek(kFrame, 1), 77U);
  EXPECT_TRUE(machine_.faults().empty());
}

TEST_F(MachineTest, TheDirectMapShowsLowFrames) {
  EXPECT_EQ(machine_.read(kCpu, direct_address(FrameIndex{2})), 2U);
  EXPECT_TRUE(machine_.faults().empty());
}

TEST_F(MachineTest, AMissedFlushReadsTheWrongFrame) {
  machine_.write_pte(kSlot, kFrame);
  ASSERT_EQ(read(kCpu), to_number(kFrame));
  ASSERT_TRUE(machine_.take_pte(kSlot));
  machine_.write_pte(kSlot, kOtherFrame);
  EXPECT_EQ(read(kCpu), to_number(kFrame));
  EXPECT_EQ(read(kOtherCpu), to_number(kOtherFrame));
  EXPECT_TRUE(faulted_with("slot 3 gets frame 11 while CPU 0's TLB still maps it to frame 10"));
}

TEST_F(MachineTest, AFlushedSlotShowsItsNewFrame) {
  machine_.write_pte(kSlot, kFrame);
  ASSERT_EQ(read(kCpu), to_number(kFrame));
  ASSERT_TRUE(machine_.take_pte(kSlot));
  machine_.invalidate(kCpu, kSlot);
  machine_.write_pte(kSlot, kOtherFrame);
  EXPECT_EQ(read(kCpu), to_number(kOtherFrame));
  EXPECT_TRUE(machine_.faults().empty());
}

TEST_F(MachineTest, AnUntouchedPteIsNotAccessed) {
  machine_.write_pte(kSlot, kFrame);
  EXPECT_FALSE(machine_.take_pte(kSlot));
}

TEST_F(MachineTest, ASpeculativeWalkSetsAccessedAndStaysInTheTlb) {
  machine_.write_pte(kSlot, kFrame);
  machine_.speculate(kOtherCpu, kSlot);
  EXPECT_EQ(machine_.cached_frame(kOtherCpu, kSlot), kFrame);
  EXPECT_TRUE(machine_.take_pte(kSlot));
}

TEST_F(MachineTest, NoWalkRemembersAnEmptyPte) {
  machine_.speculate(kCpu, kSlot);
  EXPECT_FALSE(machine_.cached_frame(kCpu, kSlot).has_value());
}

TEST_F(MachineTest, AnAccessToAnEmptySlotFaults) {
  EXPECT_EQ(read(kCpu), 0U);
  EXPECT_TRUE(faulted_with("CPU 0 faulted"));
}

TEST_F(MachineTest, AnAccessBehindTheWindowFaults) {
  EXPECT_EQ(machine_.read(kCpu, window_address(SlotIndex{8})), 0U);
  EXPECT_TRUE(faulted_with("(8 pages into a window of 8 slots)"));
}

TEST_F(MachineTest, ADirectAddressOfAHighFrameFaults) {
  EXPECT_EQ(machine_.read(kCpu, direct_address(FrameIndex{4})), 0U);
  EXPECT_FALSE(machine_.faults().empty());
}

TEST_F(MachineTest, APteWrittenOverAnotherIsAFault) {
  machine_.write_pte(kSlot, kFrame);
  machine_.write_pte(kSlot, kOtherFrame);
  EXPECT_TRUE(faulted_with("slot 3 gets frame 11 while its PTE still maps frame 10"));
}

TEST_F(MachineTest, TakingAnEmptyPteIsAFault) {
  EXPECT_FALSE(machine_.take_pte(kSlot));
  EXPECT_TRUE(faulted_with("slot 3 is taken back, but its PTE maps nothing"));
}

TEST_F(MachineTest, TakingAHeldSlotIsAFault) {
  machine_.write_pte(kSlot, kFrame);
  machine_.hold(kSlot);
  EXPECT_FALSE(machine_.take_pte(kSlot));
  EXPECT_TRUE(faulted_with("slot 3 is taken from under a user of frame 10"));
}

TEST_F(MachineTest, AFreeFrameInATlbIsAFault) {
  machine_.write_pte(kSlot, kFrame);
  machine_.speculate(kOtherCpu, kSlot);
  ASSERT_TRUE(machine_.take_pte(kSlot));
  machine_.check_unmapped(kFrame);
  EXPECT_TRUE(faulted_with("frame 10 is free, but CPU 1's TLB maps it at slot 3"));
}

TEST_F(MachineTest, SabotageStrikesOnceInSoManyChances) {
  machine_.sabotage().pte_wrong.strike_every(2);
  machine_.write_pte(SlotIndex{0}, kFrame);
  machine_.write_pte(SlotIndex{1}, kFrame);
  EXPECT_EQ(machine_.mapped_frame(SlotIndex{0}), kFrame);
  EXPECT_EQ(machine_.mapped_frame(SlotIndex{1}), kOtherFrame);
}

TEST(Machine, RefusesAShapeThatItCannotHave) {
  EXPECT_THROW(Machine({.cpus = 9}), std::invalid_argument);
  EXPECT_THROW(Machine({.slots = 0}), std::invalid_argument);
  EXPECT_THROW(Machine({.slots = 16'385}), std::invalid_argument);
}

}  // namespace
}  // namespace kmapper::simulated
