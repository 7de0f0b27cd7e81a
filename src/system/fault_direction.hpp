// Whether an access that faulted was a read or a write, as far as this machine tells.
//
// x86 and ARM put it into the signal's context. On RISC-V, the instruction at the program counter
// is decoded. Where neither works, as under emulators, the direction is `unknown`, and the handler
// has to try both: see Arena::replace().
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>

namespace kmapper::system {

enum class Direction : std::uint8_t { unknown, read, write };

/// The direction of the access that caused a SIGBUS or a SIGSEGV. The arguments are the second and
/// the third of the signal's handler. May be called in a signal handler.
[[nodiscard]] Direction direction_of(const siginfo_t* info, const void* context) noexcept;

/// The instruction that made the access; null: unknown on this CPU. May be called in a signal
/// handler.
[[nodiscard]] const void* instruction_in(const void* context) noexcept;

/// For tests: makes direction_of() return `unknown` from now on. Relaxed: set before the access.
inline constinit std::atomic<bool> pretend_no_direction{false};

/// The direction of a RISC-V memory access, from the instruction's first 32 bits; a 16-bit
/// instruction is the lower half. The RISC-V Instruction Set Manual, volume I, chapters "RV32/64G
/// Instruction Set Listings", "C" and "Zcb".
[[nodiscard]] constexpr Direction riscv_direction(std::uint32_t instruction) noexcept {
  const auto store = [](bool is) { return is ? Direction::write : Direction::read; };
  const std::uint32_t quadrant = instruction & 3;
  if (quadrant != 3) {
    if (quadrant == 1) return Direction::unknown;  // no loads and stores
    const std::uint32_t kind = (instruction >> 13) & 7;
    if ((kind & 3) != 0) return store((kind & 4) != 0);
    if (quadrant == 0 && kind == 4) return store((instruction & 0x800) != 0);  // Zcb
    return Direction::unknown;
  }
  const std::uint32_t operation = instruction >> 27;
  constexpr std::uint32_t kLoadReserved = 2;
  constexpr std::uint32_t kCacheBlock = 2;
  switch (instruction & 0x7F) {
    case 0x03:  // LOAD
    case 0x07:  // LOAD-FP, and vectors
      return Direction::read;
    case 0x23:  // STORE
    case 0x27:  // STORE-FP, and vectors
      return Direction::write;
    case 0x2F:  // AMO
      return store(operation != kLoadReserved);
    case 0x0F:  // MISC-MEM: operations on cache blocks fault as stores do
      return ((instruction >> 12) & 7) == kCacheBlock ? Direction::write : Direction::unknown;
    default:
      return Direction::unknown;
  }
}

}  // namespace kmapper::system
