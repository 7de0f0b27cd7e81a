#include "kernel/lib/console.hpp"

#include "arch/per_cpu.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kFree = 0;
constinit std::atomic<std::uint32_t> owner{kFree};  // a CPU's number, plus one

// Interrupts must be disabled, so that the thread stays on this CPU.
std::uint32_t self() { return to_number(this_cpu::number()) + 1; }

bool take() {
  std::uint32_t expected = kFree;
  // Acquire: pairs with the release. The next writer comes after the last one.
  return owner.compare_exchange_strong(expected, self(), std::memory_order_acquire,
                                       std::memory_order_relaxed);
}

bool is_mine() { return owner.load(std::memory_order_relaxed) == self(); }

}  // namespace

ConsoleHeld::ConsoleHeld() : before_(take_interrupts()), taken_(false) {
  if (is_mine()) return;
  while (!take()) {
    restore_interrupts(
        before_);  // the CPU that has the console may be waiting for this CPU to answer
    pause();
    disable_interrupts();
  }
  taken_ = true;
}

ConsoleHeld::~ConsoleHeld() {
  if (taken_) owner.store(kFree, std::memory_order_release);
  restore_interrupts(before_);
}

void ConsoleHeld::release_for_good() {
  const InterruptsOff same_cpu;
  if (is_mine()) owner.store(kFree, std::memory_order_release);
}

bool ConsoleHeld::is_held_here() { return is_mine(); }

void ConsoleHeld::seize() {
  constexpr int kTurns = 10'000'000;
  for (int i = 0; i < kTurns; ++i) {
    if (is_mine() || take()) return;
    pause();
  }
  owner.store(self(), std::memory_order_relaxed);
  console_write("\n", 1);
}

}  // namespace kmapper::kernel
