// What the simulated platform does where flushes are posted. Include simulated/computer.hpp, which
// includes this.
#pragma once

#include "simulated/computer.hpp"

namespace kmapper::simulated {

template <class Threads>
auto Platform<Threads>::posted_flushes() const -> Flushes& requires(Threads::kPosts) {
  return computer_->posted_flushes();
}
template <class Threads>
void Platform<Threads>::drop(SlotIndex slot) requires(Threads::kPosts) {
  require(threads().interrupts_are_off(), "drop() with interrupts on");
  threads().point();
  if (machine().sabotage().drop_dropped.strikes()) return;
  machine().invalidate(threads().cpu(), slot);
  threads().invalidated(1U << cpu(), {&slot, 1});
}
template <class Threads>
void Platform<Threads>::drop_all() requires(Threads::kPosts) {
  require(threads().interrupts_are_off(), "drop_all() with interrupts on");
  drop_all_of(threads().cpu());
}
template <class Threads>
void Platform<Threads>::drop_all_of(CpuIndex cpu) {
  threads().point();
  if (machine().sabotage().drop_dropped.strikes()) return;
  for (std::uint32_t i = 0; i < machine().shape().slots; ++i) {
    const SlotIndex slot{i};
    machine().invalidate(cpu, slot);
    threads().invalidated(1U << to_number(cpu), {&slot, 1});
  }
  for (std::uint32_t page = 0; page < machine().vmap().size(); ++page)
    machine().vmap().invalidate(cpu, SlotIndex{page});
}
template <class Threads>
void Platform<Threads>::call(std::uint32_t cpus) requires(Threads::kPosts) {
  require(threads().may_flush(), "call() with interrupts off or a lock held");
  for (std::uint32_t cpu = 0; cpu < machine().shape().cpus; ++cpu) {
    if ((cpus & 1U << cpu) == 0) continue;
    computer_->calls().fetch_add(1, std::memory_order_relaxed);
    threads().run_on(CpuIndex{cpu},
                     [&] { posted_flushes().drop(cpu, [&] { drop_all_of(CpuIndex{cpu}); }); });
  }
}
template <class Threads>
void Platform<Threads>::come_by() requires(Threads::kPosts) {
  const InterruptsOff off(*this);
  posted_flushes().drop(cpu(), [this] { drop_all(); });
}
template <class Threads>
void Platform<Threads>::rest(Rest how) requires(Threads::kPosts) {
  const InterruptsOff off(*this);
  const auto drop = [this] { drop_all(); };
  machine().set_idle(threads().cpu(), true);
  threads().enters_idle(threads().cpu());
  if (how == Rest::user) {
    posted_flushes().enter_user(cpu());
  } else {
    posted_flushes().enter_idle(cpu());
  }
  for (int i = 0; i < 20; ++i) threads().point();
  switch (how) {
    case Rest::user:
      posted_flushes().leave_user(cpu(), drop);
      break;
    case Rest::idle:
      posted_flushes().leave_idle(cpu(), drop);
      break;
    case Rest::long_idle:
      posted_flushes().leave_long_idle(cpu(), drop);
      break;
  }
  machine().set_idle(threads().cpu(), false);
  threads().has_left_idle(threads().cpu());
}

}  // namespace kmapper::simulated
