// Platforms that are wrong, each in one way that porters have made, or could make: the simulated
// platform with one wrong function.
//
// Longer than usual: one class with many short functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "simulated/computer.hpp"
#include "simulated/scheduled_threads.hpp"

namespace kmapper::simulated {

enum class Wrong : std::uint8_t {
  nothing,
  low_is_high,
  window_is_direct,
  cells_shared,
  cells_not_cleared,
  slots_two_pages_apart,
  sleep_allowed_anywhere,
  flush_allowed_anywhere,
  interrupts_stay_on,
  interrupts_do_not_nest,
  interrupts_off_in_name_only,
  interrupt_unknown,
  lock_keeps_nobody_out,
  unlock_turns_interrupts_on,
  clock_stands_still,
  stamp_is_no_threads,
  age_runs_backwards,
  count_leaves_n_out,
  counted_is_of_this_cpu,
  sleep_returns_at_once,
  sleep_keeps_the_lock,
  sleep_returns_without_lock,
  wake_is_lost,
  wake_is_lost_now_and_then,
  wake_wakes_another,
  pte_write_lost,
  pte_of_the_page_beside,
  take_leaves_the_entry,
  accessed_never,
  accessed_always,
  accessed_of_another_slot,
  accessed_of_this_cpu_only,
  flush_does_nothing,
  flush_of_the_first_only,
  flush_of_eight_at_most,
  flush_of_the_slot_beside,
  flush_on_this_cpu_only,
  flush_on_one_other_cpu_only,
  flush_not_waited_for,
  flush_forgets_a_cpu_now_and_then,
  cpu_is_always_0,
  local_unknown,
  local_slots_shared,
  local_flush_lost,
  local_page_unknown,
  local_entry_not_kept,
  local_take_not_flushed,
  local_stack_shared,
  vmap_apart,
  vmap_write_lost,
  vmap_accessed_never,
  vmap_flush_lost,
  vmap_flush_on_this_cpu_only,
  vmap_flush_not_waited_for,
  memory_given_twice,
  memory_never_comes_back,
  hidden_accessed_never,
  hidden_still_mapped,
  hidden_page_forgotten,
  hidden_page_said_twice,
  taken_page_remembered,
  flush_refused_after_a_while,
};

class Mutant : public Platform<ScheduledThreads> {
 public:
  using Base = Platform<ScheduledThreads>;

  /// Sets the mistake of all mutants from now on.
  static void begin(Wrong wrong) {
    wrong_ = wrong;
    times_ = said_to_be_off_ = 0;
    is_on_ = accessed_last_ = false;
    last_given_ = last_hidden_ = nullptr;
    asleep_.clear();
    for (std::vector<Told>& told : told_) told.clear();
  }
  /// A CPU does what others have told it, although they do not wait for it.
  static void answer(Computer<ScheduledThreads>& computer, CpuIndex cpu) {
    for (const Told& it : told_[to_number(cpu)]) {
      it.vmap ? computer.machine().vmap().invalidate(cpu, it.page)
              : computer.machine().invalidate(cpu, it.page);
    }
    told_[to_number(cpu)].clear();
  }

  explicit Mutant(Computer<ScheduledThreads>& computer) : Base(computer), computer_(&computer) {}

  // --- Pages and addresses ---
  [[nodiscard]] bool is_high(Page page) const {
    return is(Wrong::low_is_high) || Base::is_high(page);
  }
  [[nodiscard]] bool is_direct(const void* address) const {
    return is(Wrong::window_is_direct) ? address >= window_address(SlotIndex{0})
                                       : Base::is_direct(address);
  }
  [[nodiscard]] Atomic<std::uint32_t>& page_virtual(Page page) const {
    if (is(Wrong::cells_shared) && page->is_high)
      page = computer_->high_page(to_number(page->frame) % 8);
    if (is(Wrong::cells_not_cleared) && times_++ == 0) page->virtual_.store(7);
    return Base::page_virtual(page);
  }
  [[nodiscard]] void* address(SlotIndex slot) const {
    return Base::address(
        is(Wrong::slots_two_pages_apart) ? SlotIndex{kmapper::to_number(slot) / 2 * 2} : slot);
  }

  // --- The window ---
  void write_pte(SlotIndex slot, Page page) {
    if (is(Wrong::pte_write_lost)) return;
    if (is(Wrong::pte_of_the_page_beside)) page = computer_->high_page(to_number(page->frame) % 2);
    Base::write_pte(slot, page);
  }
  [[nodiscard]] bool take_pte(SlotIndex slot) {
    const Page page = is(Wrong::take_leaves_the_entry) ? page_of(slot) : nullptr;
    const bool here = computer_->machine().cached_frame(CpuIndex{Base::cpu()}, slot).has_value();
    const bool accessed = Base::take_pte(slot);
    if (page != nullptr) Base::write_pte(slot, page);
    const bool accessed_last = std::exchange(accessed_last_, accessed);
    if (is(Wrong::accessed_never)) return false;
    if (is(Wrong::accessed_of_this_cpu_only)) return accessed && here;
    if (is(Wrong::accessed_of_another_slot)) return accessed || accessed_last;
    return accessed || is(Wrong::accessed_always);
  }
  void invalidate(std::span<const SlotIndex> slots) {
    if (is(Wrong::flush_does_nothing)) return;
    if (is(Wrong::flush_of_the_first_only)) return Base::invalidate(slots.first(1));
    if (is(Wrong::flush_of_eight_at_most) && slots.size() > 8)
      return Base::invalidate(slots.first(8));
    if (is(Wrong::flush_of_the_slot_beside)) {
      const SlotIndex beside{kmapper::to_number(slots[0]) ^ 1};
      return Base::invalidate({&beside, 1});
    }
    const bool leaves_out = is(Wrong::flush_forgets_a_cpu_now_and_then) && ++times_ % 5 == 0;
    if (is(Wrong::flush_on_this_cpu_only) || leaves_out) {
      const ScheduledThreads::PreemptionOff stay(computer_->threads());
      for (const SlotIndex slot : slots)
        computer_->machine().invalidate(computer_->threads().cpu(), slot);
      return;
    }
    if (is(Wrong::flush_on_one_other_cpu_only)) {
      const std::uint32_t me = Base::cpu();
      for (const SlotIndex slot : slots) {
        computer_->machine().invalidate(CpuIndex{me}, slot);
        computer_->machine().invalidate(CpuIndex{me == 0 ? 1U : 0U}, slot);
      }
      return;
    }
    if (is(Wrong::flush_not_waited_for)) {
      for (const SlotIndex slot : slots) tell_all({slot, false});
      return;
    }
    Base::invalidate(slots);
  }

  // --- The CPU ---
  [[nodiscard]] std::uint32_t cpu() const { return is(Wrong::cpu_is_always_0) ? 0 : Base::cpu(); }
  [[nodiscard]] bool may_sleep() const {
    const bool in_interrupt = computer_->threads().scheduler().thread() >= Scheduler::kHandler;
    return is(Wrong::sleep_allowed_anywhere) || (is(Wrong::interrupt_unknown) && in_interrupt) ||
           (may_flush() && Base::may_sleep());
  }
  [[nodiscard]] bool may_flush() const {
    if (is(Wrong::flush_refused_after_a_while) && Base::counted(Event::miss) > kAWhile)
      return false;
    if (said_to_be_off_ != 0) return false;
    return is(Wrong::flush_allowed_anywhere) || is_on_ || Base::may_flush();
  }
  class InterruptsOff {
   public:
    explicit InterruptsOff(Mutant& platform) : before_(is_on_) {
      if (is(Wrong::interrupts_off_in_name_only)) {
        ++said_to_be_off_;
      } else if (!is(Wrong::interrupts_stay_on)) {
        off_.emplace(platform);
      }
      is_on_ = false;
    }
    ~InterruptsOff() {
      is_on_ = before_ || (is(Wrong::interrupts_do_not_nest) && off_);
      if (is(Wrong::interrupts_off_in_name_only)) --said_to_be_off_;
    }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

   private:
    std::optional<Base::InterruptsOff> off_;
    bool before_;
  };
  class Lock : public Base::Lock {
   public:
    void lock() {
      if (!is(Wrong::lock_keeps_nobody_out)) return Base::Lock::lock();
      Scheduler::current()->interrupts_off();
    }
    void unlock() {
      if (is(Wrong::lock_keeps_nobody_out)) return Scheduler::current()->interrupts_on();
      Base::Lock::unlock();
      is_on_ = is(Wrong::unlock_turns_interrupts_on);
    }
  };
  class Sleeper : public Base::Sleeper {
   public:
    explicit Sleeper(Mutant& platform) : Base::Sleeper(platform) {}
  };

  // --- Sleeping ---
  void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
    if (is(Wrong::sleep_returns_at_once)) return;
    if (is(Wrong::sleep_keeps_the_lock)) {
      typename Base::Lock other{};
      Scheduler::current()->interrupts_on();
      other.lock();
      Base::sleep(other, sleeper, deadline_ns);
      other.unlock();
      Scheduler::current()->interrupts_off();
      return;
    }
    asleep_.push_back(&sleeper);
    Base::sleep(lock, sleeper, deadline_ns);
    std::erase(asleep_, &sleeper);
    if (is(Wrong::sleep_returns_without_lock)) {
      lock.unlock();
      Scheduler::current()->interrupts_off();
    }
  }
  void wake(Sleeper& sleeper) {
    if (is(Wrong::wake_is_lost)) return;
    if (is(Wrong::wake_is_lost_now_and_then) && ++times_ % 17 == 0) return;
    Base::wake(is(Wrong::wake_wakes_another) && !asleep_.empty() ? *asleep_.front() : sleeper);
  }

  // --- Local slots and vmap ---
  [[nodiscard]] LocalStack& local_stack() {
    static LocalStack of_all;
    return is(Wrong::local_stack_shared) ? of_all : Base::local_stack();
  }
  [[nodiscard]] LocalSlot first_local_slot() {
    return is(Wrong::local_slots_shared) ? LocalSlot{0} : Base::first_local_slot();
  }
  [[nodiscard]] bool is_local(const void* address) const {
    return !is(Wrong::local_unknown) && Base::is_local(address);
  }
  void clear_local_pte(LocalSlot slot) {
    if (!is(Wrong::local_flush_lost)) return Base::clear_local_pte(slot);
    computer_->machine().local().clear_pte(SlotIndex{kmapper::to_number(slot)});
  }
  [[nodiscard]] LocalPte take_local_pte(LocalSlot slot) {
    if (!is(Wrong::local_take_not_flushed)) return Base::take_local_pte(slot);
    return {computer_->local_half(slot),
            computer_->machine().local().clear_pte(SlotIndex{kmapper::to_number(slot)})};
  }
  void put_local_pte(LocalSlot slot, const LocalPte& pte) {
    if (!is(Wrong::local_entry_not_kept)) Base::put_local_pte(slot, pte);
  }
  [[nodiscard]] Page local_page(LocalSlot slot) {
    return is(Wrong::local_page_unknown) ? Page{} : Base::local_page(slot);
  }
  [[nodiscard]] void* vmap_address(VmapPage page) const {
    return Base::vmap_address(VmapPage{kmapper::to_number(page) * (is(Wrong::vmap_apart) ? 2 : 1)});
  }
  void write_vmap_pte(VmapPage at, Page page) {
    if (!is(Wrong::vmap_write_lost)) Base::write_vmap_pte(at, page);
  }
  [[nodiscard]] bool take_vmap_pte(VmapPage at) {
    if (is(Wrong::vmap_write_lost)) return false;
    if (is(Wrong::taken_page_remembered)) return Base::hide_vmap_pte(at);
    return Base::take_vmap_pte(at) && !is(Wrong::vmap_accessed_never);
  }
  void flush_vmap() {
    if (is(Wrong::vmap_flush_lost)) return;
    if (is(Wrong::vmap_flush_on_this_cpu_only) || is(Wrong::vmap_flush_not_waited_for)) {
      Region& vmap = computer_->machine().vmap();
      for (std::uint32_t i = 0; i < vmap.size(); ++i) {
        vmap.invalidate(computer_->threads().cpu(), SlotIndex{i});
        if (is(Wrong::vmap_flush_not_waited_for)) tell_all({SlotIndex{i}, true});
      }
      return;
    }
    Base::flush_vmap();
  }

  [[nodiscard]] Page alloc_page() {
    if (is(Wrong::memory_given_twice) && last_given_ != Page{}) return last_given_;
    return last_given_ = Base::alloc_page();
  }
  void free_page(Page page) {
    if (!is(Wrong::memory_never_comes_back)) Base::free_page(page);
  }
  [[nodiscard]] bool hide_vmap_pte(VmapPage at) {
    if (is(Wrong::hidden_still_mapped)) return true;
    return Base::hide_vmap_pte(at) && !is(Wrong::hidden_accessed_never);
  }
  [[nodiscard]] Page take_hidden_page(VmapPage at) {
    const Page page = Base::take_hidden_page(at);
    if (is(Wrong::hidden_page_forgotten)) return Page{};
    if (page != Page{}) last_hidden_ = page;
    return is(Wrong::hidden_page_said_twice) ? last_hidden_ : page;
  }

  // --- Clocks, stamps and counters ---
  [[nodiscard]] Stamp stamp() const {
    Stamp stamp = Base::stamp();
    if (is(Wrong::stamp_is_no_threads)) stamp.thread = 1;
    return stamp;
  }
  [[nodiscard]] std::uint64_t age_ns(Stamp stamp) const {
    return is(Wrong::age_runs_backwards) ? 0 - 1 - Base::age_ns(stamp) : Base::age_ns(stamp);
  }
  [[nodiscard]] std::uint64_t now() const {
    return is(Wrong::clock_stands_still) ? 0 : Base::now();
  }
  void count(Event event) { Base::count(event); }
  void count(Event event, std::uint64_t n) {
    Base::count(event, is(Wrong::count_leaves_n_out) ? 1 : n);
  }
  [[nodiscard]] std::uint64_t counted(Event event) const {
    return is(Wrong::counted_is_of_this_cpu) && Base::cpu() != 0 ? 0 : Base::counted(event);
  }
  static void report(const MisuseReport<Mutant>&) {}

 private:
  /// What a CPU has to drop.
  struct Told {
    SlotIndex page;
    bool vmap;
  };
  static constexpr std::uint32_t kAWhile = 20;  // misses

  /// CPUs with interrupts on do it at once, the others at their next interrupt.
  void tell_all(const Told& what) {
    for (std::uint32_t cpu = 0; cpu < computer_->machine().shape().cpus; ++cpu) {
      told_[cpu].push_back(what);
      if (!computer_->threads().scheduler().interrupts_are_off(CpuIndex{cpu}))
        answer(*computer_, CpuIndex{cpu});
    }
  }
  [[nodiscard]] static bool is(Wrong what) { return wrong_ == what; }
  [[nodiscard]] Page page_of(SlotIndex slot) const {
    const auto frame = computer_->machine().mapped_frame(slot);
    return frame ? computer_->page(*frame) : nullptr;
  }

  static inline Wrong wrong_ = Wrong::nothing;
  static inline std::uint32_t times_ =
      0;                              // how often it was done right, if it is wrong now and then
  static inline bool is_on_ = false;  // though an InterruptsOff lives
  static inline std::uint32_t said_to_be_off_ = 0;  // InterruptsOffs that do nothing else
  static inline bool accessed_last_ = false;
  static inline Page last_given_{};
  static inline Page last_hidden_{};
  static inline std::vector<Sleeper*> asleep_{};
  static inline std::array<std::vector<Told>, simulated::kMaxCpus> told_{};
  Computer<ScheduledThreads>* computer_;
};

}  // namespace kmapper::simulated
