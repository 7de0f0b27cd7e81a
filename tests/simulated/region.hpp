// A range of the simulated machine's address space that is mapped page by page: its page table, and
// each CPU's TLB for it. Forbidden changes are logged as faults: a PTE written over another; a page
// mapped while some TLB holds its old translation; a PTE taken from under a user.
#pragma once

#include <array>
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

/// The frame's name in reports.
[[nodiscard]] std::string frame_name(FrameIndex frame);
[[nodiscard]] std::string cpu_name(CpuIndex cpu);

/// Pages are counted from the region's beginning. Any thread may call any function except the
/// constructor.
class Region {
 public:
  /// `page_name` is a page's name in reports.
  Region(std::string_view page_name, std::uint32_t pages, std::uint32_t cpus, FaultLog& faults,
         Sabotages& sabotage);

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(table_.size()); }

  /// The frame that the CPU finds for the page: from its TLB, or by a walk, which fills the TLB.
  [[nodiscard]] std::optional<FrameIndex> translate(CpuIndex cpu, SlotIndex page);
  /// A speculative walk, which a CPU may do at any time: it fills the TLB.
  void speculate(CpuIndex cpu, SlotIndex page) { tlb(cpu).walk(page, pte(page)); }

  /// Fills an empty PTE, which must be in no TLB.
  void write_pte(SlotIndex page, FrameIndex frame);
  /// The same for a page that only one CPU uses: the TLBs of others may hold any translation.
  void write_pte_for(CpuIndex user, SlotIndex page, FrameIndex frame);
  /// Empties the PTE, which must not be empty. Returns whether it was accessed.
  [[nodiscard]] bool take_pte(SlotIndex page);
  /// take_pte(), but the PTE remembers its frame until take_hidden().
  [[nodiscard]] bool hide_pte(SlotIndex page);
  std::optional<FrameIndex> take_hidden(SlotIndex page);
  /// Empties the PTE, and returns the frame that it mapped, if any.
  std::optional<FrameIndex> clear_pte(SlotIndex page);
  void invalidate(CpuIndex cpu, SlotIndex page) { tlb(cpu).invalidate(page); }

  /// An idle CPU uses no page, so its TLB may hold anything.
  void set_idle(CpuIndex cpu, bool idle) {
    idle_[to_number(cpu)].store(idle, std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_idle(CpuIndex cpu) const {
    return idle_[to_number(cpu)].load(std::memory_order_relaxed);
  }

  // --- For the checking code ---
  /// The user of a page marks when it relies on the page. Taking its PTE in that time is a fault.
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
  /// The meaning of an access that finds the page unmapped.
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
  std::vector<std::atomic<Pte>> last_;    // what each page mapped before it was taken back
  std::vector<std::atomic<Pte>> hidden_;  // what a PTE remembers that maps nothing
  std::vector<std::atomic<std::uint32_t>> holders_;
  std::deque<Tlb> tlbs_;  // deque: a Tlb cannot move
  std::array<std::atomic<bool>, kMaxCpus> idle_{};
  FaultLog& faults_;
  Sabotages& sabotage_;
};

}  // namespace kmapper::simulated
