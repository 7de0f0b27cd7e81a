// All parts of one simulated machine: memory and CPUs, threads, page descriptors, and the misuse
// reports so far.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "simulated/machine.hpp"
#include "simulated/platform.hpp"

namespace kmapper::simulated {

/// A machine, its threads and its page descriptors: the state behind a Platform.
template <class Threads>
class Computer {
 public:
  using Platform = simulated::Platform<Threads>;
  using Page = typename Platform::Page;
  using Report = MisuseReport<Platform>;

  explicit Computer(const MachineShape& shape, const typename Threads::Options& options = {})
      : machine_(shape), threads_(machine_, options), pages_(machine_.frame_count()) {
    for (std::uint32_t i = 0; i < pages_.size(); ++i) {
      pages_[i].frame = FrameIndex{i};
      pages_[i].is_high = i >= shape.low_frames;
    }
    if constexpr (Threads::kPosts) {
      for (std::uint32_t cpu = 0; cpu < shape.cpus; ++cpu)
        posted_flushes_.leave_long_idle(cpu, [] {});
    }
  }

  [[nodiscard]] Platform platform() { return Platform(*this); }
  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] Threads& threads() { return threads_; }

  [[nodiscard]] Page low_page(std::uint32_t number) { return &pages_.at(number); }
  [[nodiscard]] Page high_page(std::uint32_t number) {
    return &pages_.at(machine_.shape().low_frames + number);
  }

  [[nodiscard]] Page page(FrameIndex frame) { return &pages_.at(to_number(frame)); }

  /// Memory for vmalloc. It has none until a test puts some in. Any thread.
  void put_free_page(Page page) {
    const std::lock_guard lock(free_pages_mutex_);
    free_pages_.push_back(page);
  }
  /// The page that was put in first: so a page that is freed too early is soon in use again. Null:
  /// there is none.
  [[nodiscard]] Page take_free_page() {
    const std::lock_guard lock(free_pages_mutex_);
    if (free_pages_.empty()) return nullptr;
    const Page page = free_pages_.front();
    free_pages_.erase(free_pages_.begin());
    return page;
  }
  [[nodiscard]] std::size_t free_pages() const { return free_pages_.size(); }

  /// The word of a mapped page at `address`, read by the caller's CPU.
  [[nodiscard]] Machine::Word read(const void* address, std::size_t word = 0) {
    threads_.memory_access(address);
    return machine_.read(threads_.cpu(), static_cast<const Machine::Word*>(address) + word);
  }
  void write(void* address, Machine::Word value, std::size_t word = 0) {
    threads_.memory_access(address);
    machine_.write(threads_.cpu(), static_cast<Machine::Word*>(address) + word, value);
  }

  /// The first half of a local slot's entry. Only the slot's CPU changes it.
  [[nodiscard]] FrameIndex& local_half(LocalSlot slot) { return local_halves_[to_number(slot)]; }

  [[nodiscard]] auto& posted_flushes() { return posted_flushes_; }
  /// How often CPUs were interrupted because others could not wait for them to come by.
  [[nodiscard]] std::atomic<std::uint32_t>& calls() { return calls_; }

  /// Keeps a misuse report. Any thread.
  void record(const Report& report) {
    const std::lock_guard lock(reports_mutex_);
    reports_.push_back(report);
  }
  /// The reports so far. Not while threads run.
  [[nodiscard]] const std::vector<Report>& reports() const { return reports_; }

 private:
  Machine machine_;
  Threads threads_;
  std::vector<typename Platform::Descriptor> pages_;
  std::array<FrameIndex, kMaxCpus * kLocalDepth> local_halves_{};
  PostedFlushes<kMaxCpus, Threads::template Atomic> posted_flushes_{};
  std::atomic<std::uint32_t> calls_{0};
  std::mutex free_pages_mutex_;
  std::vector<Page> free_pages_;
  std::mutex reports_mutex_;
  std::vector<Report> reports_;
};

template <class Threads>
Threads& Platform<Threads>::threads() const {
  return computer_->threads();
}
template <class Threads>
Machine& Platform<Threads>::machine() const {
  return computer_->machine();
}
template <class Threads>
void Platform<Threads>::report(const MisuseReport<Platform>& misuse) {
  computer_->record(misuse);
}

template <class Threads>
void Platform<Threads>::write_local_pte(LocalSlot slot, Page page) {
  require_own(slot);
  threads().point();
  computer_->local_half(slot) = page->frame;
  threads().point();
  machine().local().write_pte_for(threads().cpu(), SlotIndex{to_number(slot)},
                                  computer_->local_half(slot));
}
template <class Threads>
void Platform<Threads>::clear_local_pte(LocalSlot slot) {
  require_own(slot);
  threads().point();
  machine().local().clear_pte(SlotIndex{to_number(slot)});
  threads().point();
  if (machine().sabotage().local_flush_dropped.strikes()) return;
  machine().local().invalidate(threads().cpu(), SlotIndex{to_number(slot)});
}
template <class Threads>
LocalPte Platform<Threads>::take_local_pte(LocalSlot slot) {
  require_own(slot);
  const std::optional<FrameIndex> frame = machine().local().clear_pte(SlotIndex{to_number(slot)});
  machine().local().invalidate(threads().cpu(), SlotIndex{to_number(slot)});
  return {computer_->local_half(slot), frame};
}
template <class Threads>
void Platform<Threads>::put_local_pte(LocalSlot slot, const LocalPte& pte) {
  require_own(slot);
  computer_->local_half(slot) = pte.half;
  if (!pte.frame) return;
  machine().local().write_pte_for(threads().cpu(), SlotIndex{to_number(slot)}, *pte.frame);
}
template <class Threads>
auto Platform<Threads>::local_page(LocalSlot slot) -> Page {
  const std::optional<FrameIndex> frame =
      machine().local().mapped_frame(SlotIndex{to_number(slot)});
  return frame ? computer_->page(*frame) : Page{};
}

template <class Threads>
auto Platform<Threads>::alloc_page() -> Page {
  threads().point();
  return computer_->take_free_page();
}
template <class Threads>
void Platform<Threads>::free_page(Page page) {
  require(threads().may_flush(), "free_page() with interrupts off or a lock held");
  threads().point();
  machine().vmap().check_unmapped(page->frame);
  machine().vmap().check_flushed(page->frame);
  computer_->put_free_page(page);
}
template <class Threads>
auto Platform<Threads>::take_hidden_page(VmapPage at) -> Page {
  threads().point();
  const std::optional<FrameIndex> frame = machine().vmap().take_hidden(SlotIndex{to_number(at)});
  return frame ? computer_->page(*frame) : Page{};
}

template <class Threads>
void Platform<Threads>::flush_vmap() {
  require(threads().may_flush(), "flush_vmap() with interrupts off or a lock held");
  if (machine().sabotage().vmap_flush_dropped.strikes()) return;
  for (std::uint32_t cpu = 0; cpu < machine().shape().cpus; ++cpu) {
    threads().interrupt(CpuIndex{cpu});
    for (std::uint32_t page = 0; page < machine().vmap().size(); ++page)
      machine().vmap().invalidate(CpuIndex{cpu}, SlotIndex{page});
  }
}

template <class Threads>
void Platform<Threads>::invalidate(std::span<const SlotIndex> slots) requires(!Threads::kPosts) {
  require(threads().may_flush(), "invalidate() with interrupts off or a lock held");
  require(!slots.empty() && slots.size() <= kLargestBatch, "invalidate() of none, or of too many");
  if (machine().sabotage().flush_dropped.strikes()) return;
  for (std::uint32_t cpu = 0; cpu < machine().shape().cpus; ++cpu) {
    threads().interrupt(CpuIndex{cpu});
    for (const SlotIndex slot : slots) machine().invalidate(CpuIndex{cpu}, slot);
  }
  threads().invalidated((1U << machine().shape().cpus) - 1, slots);
}

}  // namespace kmapper::simulated

#include "simulated/posted_drops.hpp"
