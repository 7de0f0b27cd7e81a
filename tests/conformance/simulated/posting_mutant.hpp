// Platforms that post their flushes, and are wrong, each in one way: the simulated platform with
// one wrong function.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "simulated/computer.hpp"
#include "simulated/posting_threads.hpp"

namespace kmapper::simulated {

enum class WrongPost : std::uint8_t {
  nothing,
  tick_does_not_come_by,
  tick_notes_only,
  call_tells_nobody,
  call_tells_one_cpu,
  call_forgets_its_cpu,
  call_not_waited_for,
  call_notes_only,
  drop_does_nothing,
  drop_of_the_slot_beside,
  drop_all_does_nothing,
  drop_all_leaves_the_last,
};

class PostingMutant : public Platform<PostingScheduledThreads> {
 public:
  using Base = Platform<PostingScheduledThreads>;
  using Computer = simulated::Computer<PostingScheduledThreads>;

  /// Sets the mistake of all mutants from now on.
  static void begin(WrongPost wrong) {
    wrong_ = wrong;
    told_ = {};
  }
  /// A CPU does what another has told it, although that one does not wait.
  static void answer(Computer& computer, CpuIndex cpu) {
    if (std::exchange(told_[to_number(cpu)], false)) Base(computer).come_by();
  }

  explicit PostingMutant(Computer& computer) : Base(computer), computer_(&computer) {}

  void drop(SlotIndex slot) {
    if (is(WrongPost::drop_does_nothing)) return;
    Base::drop(is(WrongPost::drop_of_the_slot_beside) ? SlotIndex{kmapper::to_number(slot) ^ 1}
                                                      : slot);
  }
  void drop_all() {
    if (is(WrongPost::drop_all_does_nothing)) return;
    if (!is(WrongPost::drop_all_leaves_the_last)) return Base::drop_all();
    for (std::uint32_t i = 0; i + 2 < computer_->machine().shape().slots; ++i)
      Base::drop(SlotIndex{i});
  }
  void call(std::uint32_t cpus) {
    if (is(WrongPost::call_tells_nobody)) return;
    if (is(WrongPost::call_tells_one_cpu)) cpus &= 0U - cpus;
    if (is(WrongPost::call_forgets_its_cpu)) cpus &= ~(1U << Base::cpu());
    if (is(WrongPost::call_not_waited_for)) return tell(cpus);
    if (is(WrongPost::call_notes_only)) return call_and_note(cpus);
    Base::call(cpus);
  }
  void come_by() {
    if (is(WrongPost::tick_does_not_come_by)) return;
    if (!is(WrongPost::tick_notes_only)) return Base::come_by();
    Base::posted_flushes().drop(Base::cpu(), [] {});
  }

  // A second is short, so that a tick that never comes is soon found.
  [[nodiscard]] std::uint64_t now() const { return Base::now() * kTimesFaster; }
  void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
    Base::sleep(lock, sleeper,
                deadline_ns == UINT64_MAX ? UINT64_MAX : deadline_ns / kTimesFaster + 1);
  }
  static void report(const MisuseReport<PostingMutant>&) {}

 private:
  static constexpr std::uint64_t kTimesFaster = 1000;

  /// CPUs with interrupts on come by at once, the others at their next interrupt.
  void tell(std::uint32_t cpus) {
    for (; cpus != 0; cpus &= cpus - 1) {
      const auto cpu = static_cast<std::uint32_t>(std::countr_zero(cpus));
      if (!computer_->threads().scheduler().interrupts_are_off(CpuIndex{cpu})) {
        Base::call(1U << cpu);
      } else {
        told_[cpu] = true;
      }
    }
  }
  void call_and_note(std::uint32_t cpus) {
    for (; cpus != 0; cpus &= cpus - 1) {
      const auto cpu = static_cast<std::uint32_t>(std::countr_zero(cpus));
      computer_->threads().run_on(CpuIndex{cpu}, [&] { Base::posted_flushes().drop(cpu, [] {}); });
    }
  }
  [[nodiscard]] static bool is(WrongPost what) { return wrong_ == what; }

  static inline WrongPost wrong_ = WrongPost::nothing;
  static inline std::array<bool, simulated::kMaxCpus> told_{};
  Computer* computer_;
};

}  // namespace kmapper::simulated
