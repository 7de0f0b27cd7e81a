#include "simulated/region.hpp"

namespace kmapper::simulated {

std::string frame_name(FrameIndex frame) { return "frame " + std::to_string(to_number(frame)); }
std::string cpu_name(CpuIndex cpu) { return "CPU " + std::to_string(to_number(cpu)); }

Region::Region(std::string_view page_name, std::uint32_t pages, std::uint32_t cpus,
               FaultLog& faults, Sabotages& sabotage)
    : page_name_(page_name),
      table_(pages),
      last_(pages),
      hidden_(pages),
      holders_(pages),
      faults_(faults),
      sabotage_(sabotage) {
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) tlbs_.emplace_back(pages);
}

std::string Region::name(SlotIndex page) const {
  return std::string(page_name_) + " " + std::to_string(to_number(page));
}

std::optional<FrameIndex> Region::translate(CpuIndex cpu, SlotIndex page) {
  const std::optional<FrameIndex> cached = tlb(cpu).lookup(page);
  return cached ? cached : tlb(cpu).walk(page, pte(page));
}

void Region::write_pte(SlotIndex page, FrameIndex frame) {
  // No CPU can fill its TLB from an empty PTE, so an entry found here has been there all along.
  for (std::uint32_t cpu = 0; cpu < tlbs_.size(); ++cpu)
    check_not_cached(CpuIndex{cpu}, page, frame);
  fill(page, frame);
}

void Region::write_pte_for(CpuIndex user, SlotIndex page, FrameIndex frame) {
  check_not_cached(user, page, frame);
  fill(page, frame);
}

void Region::check_not_cached(CpuIndex cpu, SlotIndex page, FrameIndex frame) {
  const std::optional<FrameIndex> stale = tlb(cpu).lookup(page);
  if (!stale || is_idle(cpu)) return;
  faults_.record(name(page) + " gets " + frame_name(frame) + " while " + cpu_name(cpu) +
                 "'s TLB still maps it to " + frame_name(*stale));
}

void Region::fill(SlotIndex page, FrameIndex frame) {
  const Pte hidden = hidden_[to_number(page)].load(std::memory_order_relaxed);
  if (hidden.is_present()) {
    faults_.record(name(page) + " gets " + frame_name(frame) + " while its PTE still remembers " +
                   frame_name(hidden.frame()));
  }
  const Pte before = pte(page).exchange(Pte(frame));
  if (before.is_present()) {
    faults_.record(name(page) + " gets " + frame_name(frame) + " while its PTE still maps " +
                   frame_name(before.frame()));
  }
}

bool Region::take_pte(SlotIndex page) {
  const Pte before = pte(page).exchange(Pte());
  if (!before.is_present()) {
    faults_.record(name(page) + " is taken back, but its PTE maps nothing");
  } else if (holders(page) != 0) {
    faults_.record(name(page) + " is taken from under a user of " + frame_name(before.frame()));
  }
  last_[to_number(page)].store(before, std::memory_order_relaxed);
  return before.is_accessed() && !sabotage_.accessed_hidden.strikes();
}

bool Region::hide_pte(SlotIndex page) {
  const bool accessed = take_pte(page);
  hidden_[to_number(page)].store(last_[to_number(page)].load(std::memory_order_relaxed),
                                 std::memory_order_release);
  return accessed;
}

std::optional<FrameIndex> Region::take_hidden(SlotIndex page) {
  const Pte hidden = hidden_[to_number(page)].exchange(Pte(), std::memory_order_acq_rel);
  if (!hidden.is_present()) return std::nullopt;
  return hidden.frame();
}

std::string Region::history(SlotIndex page) const {
  const Pte last = last_[to_number(page)].load(std::memory_order_relaxed);
  if (!last.is_present()) return name(page) + " has mapped nothing yet";
  return "use after kunmap of " + frame_name(last.frame()) + " in " + name(page);
}

std::optional<FrameIndex> Region::clear_pte(SlotIndex page) {
  const Pte before = pte(page).exchange(Pte());
  if (!before.is_present()) return std::nullopt;
  return before.frame();
}

std::optional<FrameIndex> Region::mapped_frame(SlotIndex page) const {
  const Pte pte = table_[to_number(page)].load();
  if (!pte.is_present()) return std::nullopt;
  return pte.frame();
}

void Region::check_unmapped(FrameIndex frame) {
  for (std::uint32_t number = 0; number < size(); ++number) {
    const SlotIndex page{number};
    if (mapped_frame(page) == frame)
      faults_.record(frame_name(frame) + " is free, but " + name(page) + " maps it");
  }
}

void Region::check_flushed(FrameIndex frame) {
  for (std::uint32_t number = 0; number < size(); ++number) {
    const SlotIndex page{number};
    for (std::uint32_t cpu = 0; cpu < tlbs_.size(); ++cpu) {
      if (is_idle(CpuIndex{cpu}) || cached_frame(CpuIndex{cpu}, page) != frame) continue;
      faults_.record(frame_name(frame) + " is free, but " + cpu_name(CpuIndex{cpu}) +
                     "'s TLB maps it at " + name(page));
    }
  }
}

}  // namespace kmapper::simulated
