#include "system/fault_direction.hpp"

#include <ucontext.h>

#include <cstddef>
#include <cstring>

namespace kmapper::system {
namespace {

[[maybe_unused]] Direction as_direction(bool write) {
  return write ? Direction::write : Direction::read;
}

#if defined(__x86_64__) || defined(__i386__)

Direction told_by(const mcontext_t& machine) {
  constexpr greg_t kPageFault = 14;
  constexpr greg_t kWrite = 2;
  if (machine.gregs[REG_TRAPNO] != kPageFault) return Direction::unknown;
  return as_direction((machine.gregs[REG_ERR] & kWrite) != 0);
}

std::uintptr_t program_counter(const mcontext_t& machine) {
#ifdef __x86_64__
  return static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
#else
  return static_cast<std::uintptr_t>(machine.gregs[REG_EIP]);
#endif
}

#elif defined(__aarch64__)

/// The kernel adds records to the registers, one of which is the syndrome (ESR_EL1; the Arm
/// Architecture Reference Manual, "ISS encoding for an exception from a Data Abort").
Direction told_by(const mcontext_t& machine) {
  constexpr std::uint64_t kDataAbort = 0x24;  // from a program
  constexpr std::uint64_t kWriteNotRead = std::uint64_t{1} << 6;
  constexpr std::uint64_t kCacheMaintenance = std::uint64_t{1} << 8;  // says "write", and reads
  std::size_t at = 0;
  _aarch64_ctx record{};
  while (at + sizeof record <= sizeof machine.__reserved) {
    std::memcpy(&record, &machine.__reserved[at], sizeof record);
    if (record.magic == ESR_MAGIC) {
      esr_context syndrome{};
      std::memcpy(&syndrome, &machine.__reserved[at], sizeof syndrome);
      if (syndrome.esr >> 26 != kDataAbort) return Direction::unknown;
      return as_direction((syndrome.esr & kWriteNotRead) != 0 &&
                          (syndrome.esr & kCacheMaintenance) == 0);
    }
    if (record.magic == 0 || record.size < sizeof record) break;
    at += record.size;
  }
  return Direction::unknown;
}

std::uintptr_t program_counter(const mcontext_t& machine) { return machine.pc; }

#elif defined(__arm__)

/// The fault status register. A kernel for 64-bit ARM leaves zeros there for a read, but it always
/// gives an address.
Direction told_by(const mcontext_t& machine) {
  constexpr unsigned long kWriteNotRead = 1UL << 11;
  constexpr unsigned long kCacheMaintenance = 1UL << 13;  // says "write", and reads
  if (machine.fault_address == 0 && machine.error_code == 0) return Direction::unknown;
  return as_direction((machine.error_code & kWriteNotRead) != 0 &&
                      (machine.error_code & kCacheMaintenance) == 0);
}

std::uintptr_t program_counter(const mcontext_t& machine) { return machine.arm_pc; }

#elif defined(__riscv)

std::uintptr_t program_counter(const mcontext_t& machine) { return machine.__gregs[REG_PC]; }

/// Read by halves: the second half may be on a page that is not there.
Direction told_by(const mcontext_t& machine) {
  const auto* const at = reinterpret_cast<const std::byte*>(program_counter(machine));
  std::uint16_t low = 0;
  std::uint16_t high = 0;
  std::memcpy(&low, at, sizeof low);
  if ((low & 3) == 3) std::memcpy(&high, at + sizeof low, sizeof high);
  return riscv_direction(std::uint32_t{high} << 16 | low);
}

#else

Direction told_by(const mcontext_t& /*machine*/) { return Direction::unknown; }

std::uintptr_t program_counter(const mcontext_t& /*machine*/) { return 0; }

#endif

/// The longest instruction of the CPUs whose instructions are decoded here.
constexpr std::uintptr_t kLongestInstruction = 4;

const mcontext_t& machine_in(const void* context) {
  return static_cast<const ucontext_t*>(context)->uc_mcontext;
}

}  // namespace

Direction direction_of(const siginfo_t* info, const void* context) noexcept {
  if (pretend_no_direction.load(std::memory_order_relaxed)) return Direction::unknown;
  // The instruction itself could not be read.
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (address - program_counter(machine_in(context)) < kLongestInstruction) return Direction::read;
  return told_by(machine_in(context));
}

const void* instruction_in(const void* context) noexcept {
  return reinterpret_cast<const void*>(program_counter(machine_in(context)));
}

}  // namespace kmapper::system
