// A machine in software: memory in frames, the window's page table, and up to 8 CPUs with a TLB
// each. Who wants to read or write through an address asks the machine on behalf of a CPU, and gets
// what that CPU's TLB says is there. So a flush left out reads the wrong frame here, as it would on
// hardware, but every time.
//
// The machine also knows what must never happen to a page table, and logs it as a fault: a PTE
// written over another, a slot given to a new page while some TLB holds its old one, a slot taken
// from under a user.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "kmapper/slot.hpp"
#include "simulated/addresses.hpp"
#include "simulated/fault_log.hpp"
#include "simulated/pte.hpp"
#include "simulated/sabotage.hpp"
#include "simulated/tlb.hpp"

namespace kmapper::simulated {

struct MachineShape {
  std::uint32_t cpus = 1;
  std::uint32_t slots = 1;
  std::uint32_t low_frames = 1;
  std::uint32_t high_frames = 1;
};

/// Any thread may call anything, but for the constructor.
class Machine {
 public:
  using Word = std::uint64_t;
  static constexpr std::size_t kFrameWords =
      4;  // a frame has only its first words; enough for a tag

  explicit Machine(const MachineShape& shape);

  [[nodiscard]] const MachineShape& shape() const { return shape_; }
  [[nodiscard]] std::uint32_t frame_count() const {
    return static_cast<std::uint32_t>(frames_.size());
  }

  // --- Memory as a CPU sees it ---
  /// The word at an address of the direct map or the window, a multiple of 8 and less than
  /// kFrameWords * 8 from the page's start. A fault, and 0, where nothing is mapped.
  [[nodiscard]] Word read(CpuIndex cpu, const void* address);
  void write(CpuIndex cpu, void* address, Word value);
  /// What a CPU may do whenever it likes: walk a slot's PTE, and remember it, though nobody asked.
  void speculate(CpuIndex cpu, SlotIndex slot) { tlbs_[to_number(cpu)].walk(slot, pte(slot)); }

  // --- The page table and the TLBs, as the platform changes them ---
  void write_pte(SlotIndex slot, FrameIndex frame);
  /// Empties the PTE and says whether it was accessed.
  [[nodiscard]] bool take_pte(SlotIndex slot);
  void invalidate(CpuIndex cpu, SlotIndex slot) { tlbs_[to_number(cpu)].invalidate(slot); }

  // --- For those who check ---
  /// A frame's word, beside every mapping.
  [[nodiscard]] Word peek(FrameIndex frame, std::size_t word) const;
  void poke(FrameIndex frame, std::size_t word, Word value);
  /// The user of a slot says from when to when it relies on it; taking its PTE in between is a
  /// fault.
  void hold(SlotIndex slot) { holders_[to_number(slot)].fetch_add(1, std::memory_order_relaxed); }
  void release(SlotIndex slot) {
    holders_[to_number(slot)].fetch_sub(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t holders(SlotIndex slot) const {
    return holders_[to_number(slot)].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::optional<FrameIndex> mapped_frame(SlotIndex slot) const;
  [[nodiscard]] std::optional<FrameIndex> cached_frame(CpuIndex cpu, SlotIndex slot) const {
    return tlbs_[to_number(cpu)].lookup(slot);
  }
  /// A fault unless the frame is in no PTE and in no TLB: what a page must be when it is freed.
  void check_unmapped(FrameIndex frame);

  [[nodiscard]] FaultLog& faults() { return faults_; }
  [[nodiscard]] Sabotages& sabotage() { return sabotage_; }

 private:
  using Frame = std::array<std::atomic<Word>, kFrameWords>;

  [[nodiscard]] AtomicPte& pte(SlotIndex slot) { return page_table_[to_number(slot)]; }
  std::atomic<Word>* translate(CpuIndex cpu, const void* address);
  [[nodiscard]] std::optional<FrameIndex> frame_at(CpuIndex cpu, std::uintptr_t address);
  /// What a fault at that address means.
  [[nodiscard]] std::string history_of(std::uintptr_t address) const;

  const MachineShape shape_;
  std::vector<Frame> frames_;
  std::vector<AtomicPte> page_table_;
  std::vector<std::atomic<Pte>> last_;  // what each slot mapped before it was taken back
  std::vector<std::atomic<std::uint32_t>> holders_;  // of each slot
  std::deque<Tlb> tlbs_;                             // deque: a Tlb cannot move
  FaultLog faults_;
  Sabotages sabotage_;
};

}  // namespace kmapper::simulated
