// Instructions that C++ cannot express. All may be used in any context unless they say otherwise.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace kmapper::kernel {

inline constexpr std::size_t kMaxCpus = 8;

/// A CPU, counted from 0, which is the boot CPU.
enum class CpuNumber : std::uint32_t {};
[[nodiscard]] constexpr std::uint32_t to_number(CpuNumber cpu) {
  return static_cast<std::uint32_t>(cpu);
}

/// Some of the CPUs.
class CpuSet {
 public:
  constexpr CpuSet() = default;
  constexpr explicit CpuSet(std::uint32_t bits) : bits_(bits) {}
  constexpr explicit CpuSet(CpuNumber cpu) : bits_(1U << to_number(cpu)) {}

  [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr bool contains(CpuNumber cpu) const {
    return (bits_ & CpuSet(cpu).bits_) != 0;
  }
  /// The set must not be empty.
  [[nodiscard]] constexpr CpuNumber first() const {
    return CpuNumber{static_cast<std::uint32_t>(std::countr_zero(bits_))};
  }
  constexpr void remove(CpuNumber cpu) { bits_ &= ~CpuSet(cpu).bits_; }

 private:
  std::uint32_t bits_ = 0;
};

/// The time-stamp counter: cycles since power-on; under -icount shift=0, instructions. (SDM 17.17)
[[nodiscard]] inline std::uint64_t rdtsc() {
  std::uint64_t value = 0;
  asm volatile("rdtsc" : "=A"(value));
  return value;
}

struct CpuidAnswer {
  std::uint32_t eax, ebx, ecx, edx;
};
/// Asks the CPU for its features; the CPU must know `leaf`. (SDM 2A, CPUID)
[[nodiscard]] inline CpuidAnswer cpuid(std::uint32_t leaf) {
  CpuidAnswer answer{};
  asm volatile("cpuid"
               : "=a"(answer.eax), "=b"(answer.ebx), "=c"(answer.ecx), "=d"(answer.edx)
               : "a"(leaf), "c"(0));
  return answer;
}

/// A model-specific register, which the CPU must have. (SDM 4)
[[nodiscard]] inline std::uint64_t read_msr(std::uint32_t which) {
  std::uint64_t value = 0;
  asm volatile("rdmsr" : "=A"(value) : "c"(which));
  return value;
}

inline void write_msr(std::uint32_t which, std::uint64_t value) {
  asm volatile("wrmsr" ::"c"(which), "A"(value) : "memory");
}

/// For every waiting loop: tells the CPU (and an emulator) that it is one. (SDM 2B, PAUSE)
inline void pause() { asm volatile("pause" ::: "memory"); }

/// The flags register; only the interrupt flag is used.
enum class InterruptState : std::uint32_t {};

[[nodiscard]] inline InterruptState interrupt_state() {
  InterruptState flags{};
  asm volatile("pushf\n\tpop %0" : "=r"(flags));
  return flags;
}
[[nodiscard]] constexpr bool is_enabled(InterruptState state) {
  return (static_cast<std::uint32_t>(state) & 0x200) != 0;
}
[[nodiscard]] inline bool interrupts_enabled() { return is_enabled(interrupt_state()); }

inline void enable_interrupts() { asm volatile("sti" ::: "memory"); }
inline void disable_interrupts() { asm volatile("cli" ::: "memory"); }

/// Disables interrupts, and returns their former state, for restore_interrupts().
[[nodiscard]] inline InterruptState take_interrupts() {
  const InterruptState state = interrupt_state();
  disable_interrupts();
  return state;
}
inline void restore_interrupts(InterruptState state) {
  if (is_enabled(state)) [[likely]]
    enable_interrupts();
}

/// Enables interrupts and halts until one comes. STI takes effect after the next instruction, so no
/// interrupt can come before HLT and leave the CPU halted with work to do.
inline void wait_for_interrupt() { asm volatile("sti\n\thlt" ::: "memory"); }

/// Halts this CPU for ever.
[[noreturn]] inline void halt_forever() {
  for (;;) asm volatile("cli\n\thlt" ::: "memory");
}

/// While an object exists, this CPU takes no interrupts. Nests.
class InterruptsOff {
 public:
  InterruptsOff() : before_(take_interrupts()) {}
  ~InterruptsOff() { restore_interrupts(before_); }
  InterruptsOff(const InterruptsOff&) = delete;
  InterruptsOff& operator=(const InterruptsOff&) = delete;

 private:
  InterruptState before_;
};

}  // namespace kmapper::kernel
