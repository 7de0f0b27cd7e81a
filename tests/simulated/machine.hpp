// A machine in software: memory in frames, page tables for the window and for the CPUs' local
// slots, and up to 8 CPUs with a TLB each. Code that reads or writes through an address asks the
// machine on behalf of a CPU, and gets what that CPU's TLB says. So a missing flush reads the wrong
// frame here, as on hardware, but every time. Forbidden changes of a page table are logged as
// faults (region.hpp).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kmapper/core/slot.hpp"
#include "simulated/addresses.hpp"
#include "simulated/fault_log.hpp"
#include "simulated/region.hpp"
#include "simulated/sabotage.hpp"

namespace kmapper::simulated {

struct MachineShape {
  std::uint32_t cpus = 1;
  std::uint32_t slots = 1;
  std::uint32_t low_frames = 1;
  std::uint32_t high_frames = 1;
  std::uint32_t vmap_pages = 0;
};

/// Any thread may call any function except the constructor.
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
  /// The word at an address of the direct map or a region. The address is a multiple of 8 and less
  /// than kFrameWords * 8 from the page's start. If nothing is mapped there: a fault, and 0.
  [[nodiscard]] Word read(CpuIndex cpu, const void* address);
  void write(CpuIndex cpu, void* address, Word value);

  // --- The memory that is mapped page by page ---
  [[nodiscard]] Region& local() { return local_; }
  [[nodiscard]] Region& vmap() { return vmap_; }
  /// The window's, under short names for the tests.
  void speculate(CpuIndex cpu, SlotIndex slot) { window_.speculate(cpu, slot); }
  void write_pte(SlotIndex slot, FrameIndex frame);
  [[nodiscard]] bool take_pte(SlotIndex slot) { return window_.take_pte(slot); }
  void invalidate(CpuIndex cpu, SlotIndex slot) { window_.invalidate(cpu, slot); }
  void set_idle(CpuIndex cpu, bool idle) {
    window_.set_idle(cpu, idle);
    vmap_.set_idle(cpu, idle);
  }
  [[nodiscard]] bool is_idle(CpuIndex cpu) const { return window_.is_idle(cpu); }
  void hold(SlotIndex slot) { window_.hold(slot); }
  void release(SlotIndex slot) { window_.release(slot); }
  [[nodiscard]] std::uint32_t holders(SlotIndex slot) const { return window_.holders(slot); }
  [[nodiscard]] std::optional<FrameIndex> mapped_frame(SlotIndex slot) const {
    return window_.mapped_frame(slot);
  }
  [[nodiscard]] std::optional<FrameIndex> cached_frame(CpuIndex cpu, SlotIndex slot) const {
    return window_.cached_frame(cpu, slot);
  }

  // --- For the checking code ---
  /// A frame's word, read without a mapping.
  [[nodiscard]] Word peek(FrameIndex frame, std::size_t word) const;
  void poke(FrameIndex frame, std::size_t word, Word value);
  /// A fault unless the frame is in no PTE, and in no TLB that a thread may still use: the state
  /// that a page must have when it is freed.
  void check_unmapped(FrameIndex frame);

  [[nodiscard]] FaultLog& faults() { return faults_; }
  [[nodiscard]] Sabotages& sabotage() { return sabotage_; }

 private:
  using Frame = std::array<std::atomic<Word>, kFrameWords>;

  std::atomic<Word>* translate(CpuIndex cpu, const void* address);
  [[nodiscard]] std::optional<FrameIndex> frame_at(CpuIndex cpu, std::uintptr_t address);
  /// The meaning of a fault at that address.
  [[nodiscard]] std::string history_of(std::uintptr_t address) const;
  [[nodiscard]] static std::optional<FrameIndex> frame_in(Region& region, CpuIndex cpu,
                                                          std::uintptr_t page);

  const MachineShape shape_;
  std::vector<Frame> frames_;
  FaultLog faults_;
  Sabotages sabotage_;
  Region window_;
  Region local_;  // kLocalDepth pages for every CPU
  Region vmap_;
};

}  // namespace kmapper::simulated
