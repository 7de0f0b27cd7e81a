#include "local_apic.hpp"

#include "arch/cpu.hpp"
#include "arch/paging.hpp"
#include "kernel/panic.hpp"
#include "traps.hpp"

namespace kmapper::kernel {
namespace {

// Offsets of registers, SDM 3A table 10-1.
enum class Register : std::uint32_t {
  id = 0x20,
  end_of_interrupt = 0xB0,
  spurious = 0xF0,
  command_low = 0x300,
  command_high = 0x310,
  timer = 0x320,
  line0 = 0x350,
  line1 = 0x360,
  timer_initial = 0x380,
  timer_current = 0x390,
  timer_divide = 0x3E0,
};

constexpr std::uint32_t kEnabled = 1U << 8;     // in the spurious-interrupt register
constexpr std::uint32_t kMasked = 1U << 16;     // in an entry of the local vector table
constexpr std::uint32_t kPeriodic = 1U << 17;   // in the timer's entry
constexpr std::uint32_t kDivideByOne = 0b1011;  // SDM figure 10-10
constexpr std::uint32_t kNmi = 4U << 8;         // delivery modes, SDM figure 10-12
constexpr std::uint32_t kInit = 5U << 8;
constexpr std::uint32_t kStartUp = 6U << 8;
constexpr std::uint32_t kPending = 1U << 12;
constexpr std::uint32_t kAssert = 1U << 14;
constexpr std::uint32_t kIdShift = 24;

constinit volatile std::uint32_t* registers = nullptr;

volatile std::uint32_t& at(Register which) {
  return registers[static_cast<std::uint32_t>(which) / sizeof(std::uint32_t)];
}

void send(ApicId to, std::uint32_t command) {
  while ((at(Register::command_low) & kPending) != 0) pause();
  at(Register::command_high) = to_number(to) << kIdShift;
  at(Register::command_low) = command | kAssert;  // sends
}

}  // namespace

void local_apic_map() {
  constexpr std::uint32_t kApicBase = 0x1B;  // IA32_APIC_BASE, SDM 3A 10.4.4
  constexpr std::uint32_t kHasApic = 1U << 9;
  constexpr std::uint64_t kGloballyEnabled = 1U << 11;
  if ((cpuid(1).edx & kHasApic) == 0) panic("this CPU has no local APIC, whose timer is needed");
  const std::uint64_t base = read_msr(kApicBase);
  if ((base & kGloballyEnabled) == 0) panic("the firmware has disabled the local APIC");
  registers = static_cast<volatile std::uint32_t*>(map_device(to_pfn(PhysAddr{base})));
}

void local_apic_enable() {
  // The firmware may have left the old controllers' line connected.
  at(Register::line0) = kMasked;
  at(Register::line1) = kMasked;
  at(Register::timer) = kMasked;
  at(Register::spurious) = kEnabled | kSpuriousVector;
}

void local_apic_accept_pic() {
  constexpr std::uint32_t kExternal = 7U << 8;  // the controller says which vector
  at(Register::line0) = kExternal;
}

ApicId local_apic_id() { return ApicId{static_cast<std::uint8_t>(at(Register::id) >> kIdShift)}; }
void local_apic_end_of_interrupt() { at(Register::end_of_interrupt) = 0; }

void local_apic_timer_run_free() {
  at(Register::timer) = kMasked;
  at(Register::timer_divide) = kDivideByOne;
  at(Register::timer_initial) = UINT32_MAX;
}

std::uint32_t local_apic_timer_counted() { return UINT32_MAX - at(Register::timer_current); }

void local_apic_timer_repeat(std::uint32_t counts) {
  at(Register::timer_divide) = kDivideByOne;
  at(Register::timer) = kPeriodic | static_cast<std::uint32_t>(Interrupt::timer);
  at(Register::timer_initial) = counts;
}

void local_apic_send(ApicId to, Interrupt interrupt) {
  send(to, static_cast<std::uint32_t>(interrupt));
}
void local_apic_send_nmi(ApicId to) { send(to, kNmi); }
void local_apic_send_init(ApicId to) { send(to, kInit); }
void local_apic_send_start_up(ApicId to, Pfn page) { send(to, kStartUp | to_number(page)); }

}  // namespace kmapper::kernel
