// A range of the simulated machine's address space that is mapped page by page: its page table, and
// each CPU's TLB for it. It knows what must never happen to a page table, and logs it as a fault: a
// PTE written over another, a page mapped anew while some TLB holds its old translation, a PTE
// taken from under a user.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kmapper/core/slot.hpp"
#include "simulated/addresses.hpp"
#include "simulated/fault_log.hpp"
#include "simulated/pte.hpp"
#include "simulated/sabotage.hpp"
#include "simulated/tlb.hpp"

namespace kmapper::simulated {

/// What reports call a frame.
[[nodiscard]] std::string frame_name(FrameIndex frame);
[[nodiscard]] std::string cpu_name(CpuIndex cpu);

/// Pages are counted from the region's beginning. Any thread may call anything, but for the
/// constructor.
class Region {
 public:
  /// `page_name` is what reports call a page of it.
  Region(std::string_view page_name, std::uint32_t pages, std::uint32_t cpus, FaultLog& faults,
         Sabotages& sabotage);

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(table_.size()); }

  /// The frame that the CPU finds at the page: from its TLB, or by a walk, which fills the TLB.
  [[nodiscard]] std::optional<FrameIndex> translate(CpuIndex cpu, SlotIndex page);
  /// What a CPU may do whenever it likes: walk a PTE, and remember it, though nobody asked.
  void speculate(CpuIndex cpu, SlotIndex page) { tlb(cpu).walk(page, pte(page)); }

  /// Fills an empty PTE, which must be in no TLB.
  void write_pte(SlotIndex page, FrameIndex frame);
  /// The same for a page that is only ever used on one CPU: others may remember what they like.
  void write_pte_for(CpuIndex user, SlotIndex page, FrameIndex frame);
  /// Empties the PTE, which must not be empty, and says whether it was accessed.
  [[nodiscard]] bool take_pte(SlotIndex page);
  /// Empties the PTE, whatever it maps, and says what that was.
  std::optional<FrameIndex> clear_pte(SlotIndex page);
  void invalidate(CpuIndex cpu, SlotIndex page) { tlb(cpu).invalidate(page); }

  // --- For those who check ---
  /// The user of a page says from when to when it relies on it; taking its PTE in between is a
  /// fault.
  void hold(SlotIndex page) { holders_[to_number(page)].fetch_add(1, std::memory_order_relaxed); }
  void release(SlotIndex page) {
    holders_[to_number(page)].fetch_sub(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t holders(SlotIndex page) const {
    return holders_[to_number(page)].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::optional<FrameIndex> mapped_frame(SlotIndex page) const;
  [[nodiscard]] std::optional<FrameIndex> cached_frame(CpuIndex cpu, SlotIndex page) const {
    return tlbs_[to_number(cpu)].lookup(page);
  }
  /// What an access to the page means that finds it unmapped.
  [[nodiscard]] std::string history(SlotIndex page) const;
  /// A fault if a PTE maps the frame.
  void check_unmapped(FrameIndex frame);
  /// A fault if a TLB maps the frame.
  void check_flushed(FrameIndex frame);

 private:
  [[nodiscard]] std::string name(SlotIndex page) const;
  [[nodiscard]] AtomicPte& pte(SlotIndex page) { return table_[to_number(page)]; }
  [[nodiscard]] Tlb& tlb(CpuIndex cpu) { return tlbs_[to_number(cpu)]; }
  void check_not_cached(CpuIndex cpu, SlotIndex page, FrameIndex frame);
  void fill(SlotIndex page, FrameIndex frame);

  const std::string_view page_name_;
  std::vector<AtomicPte> table_;
  std::vector<std::atomic<Pte>> last_;  // what each page mapped before it was taken back
  std::vector<std::atomic<std::uint32_t>> holders_;
  std::deque<Tlb> tlbs_;  // deque: a Tlb cannot move
  FaultLog& faults_;
  Sabotages& sabotage_;
};

}  // namespace kmapper::simulated
