// The suite's rig on the simulated machine, whose threads run in an order that a seed chooses, and
// whose CPUs walk page tables at any time. Platform is that machine's platform, or a mutant of it.
// If flushes are posted, a CPU comes by at each interrupt, and idles while it has no thread.
//
// Longer than usual: all that a rig may have.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "conformance/rig.hpp"
#include "simulated/computer.hpp"
#include "simulated/scheduled_threads.hpp"

namespace kmapper::simulated {

template <class PlatformUnderTest, class Threads = ScheduledThreads>
class SimulatedRig {
 public:
  using Platform = PlatformUnderTest;
  using Function = conformance::Function;
  static constexpr bool kSurvivesFaults = true;
  static constexpr std::uint32_t kSlots = 32;
  static constexpr std::uint32_t kPages = 40;
  static constexpr std::uint32_t kMemory = 8;  // pages that vmalloc has

  SimulatedRig(std::uint64_t seed, std::uint32_t cpus)
      : computer_({.cpus = cpus,
                   .slots = kSlots,
                   .low_frames = 1,
                   .high_frames = kPages + kMemory,
                   .vmap_pages = kVmapPages},
                  {seed, {}}),
        mapper_(platform()),
        local_(platform()),
        vmap_range_(platform()) {
    computer_.threads().on_context_switch([this](auto& from, auto& to) {
      if (switches_stacks_) local_.switch_stacks(from, to);
      if (flushes_at_switches_) come_by_at_switch();
    });
    if constexpr (Threads::kPosts) {
      for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) set_idle(CpuIndex{cpu}, true);
      computer_.threads().on_idle(
          [this](bool is_idle) { set_idle(computer_.threads().cpu(), is_idle); });
    }
    computer_.threads().scheduler().on_interrupt([this] { on_interrupt(); });
    for (std::uint32_t i = 0; i < kMemory; ++i)
      computer_.put_free_page(computer_.high_page(kPages + i));
  }

  /// Calls the function with the rig, in a thread, and runs all to its end.
  Outcome run(const std::function<void(SimulatedRig&)>& suite) {
    computer_.threads().scheduler().spawn("the suite", [this, &suite] { suite(*this); });
    return computer_.threads().scheduler().run();
  }
  /// Makes the run continue after a fault, so that the suite has to find it.
  void tolerate_faults() {
    computer_.threads().scheduler().on_switch([](bool) { return true; });
  }
  /// Makes the scheduler leave local mappings where they are.
  void forget_switch_stacks() { switches_stacks_ = false; }
  /// Makes the kernel drop all of a CPU's TLB at each switch, as by loading CR3.
  void flush_at_switches() { flushes_at_switches_ = true; }
  /// Makes the kernel forget to say that a CPU is awake.
  void forget_awake_cpus() { forgets_awake_ = true; }
  /// Makes CPUs wake without a look at what was posted meanwhile.
  void forget_drops_at_wakes() { forgets_drops_ = true; }
  /// Limits the rig to so many pages, fewer than the window has slots.
  void have_pages(std::uint32_t pages) { pages_ = pages; }
  /// How often the suite used null as an address. On most machines that would be the end.
  [[nodiscard]] std::uint32_t uses_of_null() const { return uses_of_null_; }
  /// The printed text.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] FaultLog& faults() { return computer_.machine().faults(); }

  // --- The rig's functions for the suite ---
  [[nodiscard]] Platform platform() { return Platform(computer_); }
  [[nodiscard]] std::uint32_t pages() const { return pages_; }
  [[nodiscard]] auto page(std::uint32_t number) { return computer_.high_page(number); }
  [[nodiscard]] auto low_page() { return computer_.low_page(0); }
  [[nodiscard]] static std::uint32_t slots() { return kSlots; }
  [[nodiscard]] static SlotIndex slot(std::uint32_t number) { return SlotIndex{number}; }

  [[nodiscard]] conformance::Seen read(const void* address) {
    if (address == nullptr) ++uses_of_null_;
    if (!is_mapped(address)) return {false, 0};
    return {true, static_cast<std::uint32_t>(computer_.read(address))};
  }
  void write(void* address, std::uint32_t value) {
    if (address == nullptr) ++uses_of_null_;
    if (is_mapped(address)) computer_.write(address, value);
  }
  void print(const char* text) { text_ += text; }

  bool run_on(std::uint32_t cpu, Function function, void* argument) {
    auto& threads = computer_.threads();
    if (cpu >= threads.scheduler().cpu_count()) return false;
    for (;; yield()) {
      const typename Threads::PreemptionOff stay(threads);
      if (to_number(threads.cpu()) != cpu) continue;
      function(argument);
      return true;
    }
  }
  bool spawn(Function function, void* argument) {
    computer_.threads().scheduler().spawn("a thread", [=] { function(argument); });
    return true;
  }
  /// Blocks for a while, so that a long time takes few turns.
  void yield() {
    Scheduler& scheduler = computer_.threads().scheduler();
    scheduler.block("lets others run", scheduler.steps() + kStepsOfYield);
  }
  void interrupt(Function function, void* argument) {
    const typename Threads::PreemptionOff stay(computer_.threads());
    interrupted_ = computer_.threads().cpu();
    argument_ = argument;
    for (handler_ = function; handler_ != nullptr;) computer_.threads().point();
  }

  [[nodiscard]] Mapper<Platform>& mapper() {
    if (mapper_.slot_count() == 0) mapper_.open(kSlots);
    return mapper_;
  }
  [[nodiscard]] static std::uint32_t vmap_pages() { return kVmapPages; }
  [[nodiscard]] static VmapPage vmap_page(std::uint32_t number) { return VmapPage{number}; }
  [[nodiscard]] VmallocRange<Platform>& vmap_range() {
    if (vmap_range_.usage().largest_run == 0) vmap_range_.open(kVmapPages);
    return vmap_range_;
  }

 private:
  static constexpr std::uint32_t kVmapPages = 8;
  static constexpr std::uint64_t kStepsOfYield = 1000;

  void drop_all() {
    const CpuIndex cpu = computer_.threads().cpu();
    for (std::uint32_t i = 0; i < kSlots; ++i) computer_.machine().invalidate(cpu, SlotIndex{i});
    for (std::uint32_t i = 0; i < kVmapPages; ++i)
      computer_.machine().vmap().invalidate(cpu, SlotIndex{i});
  }

  void come_by_at_switch() {
    if constexpr (Threads::kPosts) {
      computer_.posted_flushes().drop(to_number(computer_.threads().cpu()), [this] { drop_all(); });
    } else {
      drop_all();
    }
  }
  void set_idle(CpuIndex cpu, bool is_idle) {
    auto& flushes = computer_.posted_flushes();
    if (is_idle && (flushes.awake() & 1U << to_number(cpu)) != 0) {
      computer_.machine().set_idle(cpu, true);
      flushes.enter_idle(to_number(cpu));
    } else if (!is_idle && !forgets_awake_) {
      flushes.leave_idle(to_number(cpu), [this] {
        if (!forgets_drops_) drop_all();
      });
      computer_.machine().set_idle(cpu, false);
    }
  }

  // Runs one CPU's handler, on the CPU that wants it: interrupts come on any CPU.
  void on_interrupt() {
    if constexpr (requires { Platform::answer(computer_, CpuIndex{}); })
      Platform::answer(computer_, computer_.threads().cpu());
    if constexpr (Threads::kPosts) platform().come_by();
    if (handler_ == nullptr || computer_.threads().cpu() != interrupted_) return;
    const Function handler = handler_;
    handler(argument_);
    handler_ = nullptr;
  }

  [[nodiscard]] bool is_mapped(const void* address) {
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    if (is_in_direct_map(address)) return true;
    if (number >= kVmap) return is_mapped(computer_.machine().vmap(), (number - kVmap) / kPageSize);
    if (is_in_local_slots(address)) {
      const std::uintptr_t page = (number - kLocal) / kPageSize;
      return page % kLocalStride == 0 &&
             is_mapped(computer_.machine().local(), page / kLocalStride);
    }
    const SlotIndex slot = slot_at(address);
    if (number < kWindow || kmapper::to_number(slot) >= kSlots) return false;
    return computer_.machine().mapped_frame(slot).has_value() ||
           computer_.machine().cached_frame(computer_.threads().cpu(), slot).has_value();
  }
  [[nodiscard]] bool is_mapped(Region& region, std::uintptr_t page) {
    const SlotIndex index{static_cast<std::uint32_t>(page)};
    if (page >= region.size()) return false;
    return region.mapped_frame(index).has_value() ||
           region.cached_frame(computer_.threads().cpu(), index).has_value();
  }

  Computer<Threads> computer_;
  Mapper<Platform> mapper_;
  LocalMapper<Platform> local_;
  VmallocRange<Platform> vmap_range_;
  bool switches_stacks_ = true;
  bool flushes_at_switches_ = false;
  bool forgets_awake_ = false;
  bool forgets_drops_ = false;
  std::uint32_t pages_ = kPages;
  std::uint32_t uses_of_null_ = 0;
  std::string text_;
  CpuIndex interrupted_{};
  Function handler_ = nullptr;
  void* argument_ = nullptr;
};

}  // namespace kmapper::simulated
