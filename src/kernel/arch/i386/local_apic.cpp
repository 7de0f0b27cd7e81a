#include "local_apic.hpp"

#include "arch/cpu.hpp"
#include "arch/paging.hpp"
#include "kernel/firmware/apic_mode.hpp"
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

constexpr std::uint32_t kApicBase = 0x1B;  // IA32_APIC_BASE, SDM 3A 10.4.4

// In xAPIC mode the registers lie in memory; in x2APIC mode they are MSRs. Some firmware leaves the
// CPUs in x2APIC mode, and some CPUs cannot leave it. All CPUs use the mode of the first CPU.
constinit bool is_x2apic = false;
constinit volatile std::uint32_t* registers = nullptr;

std::uint32_t get(Register which) {
  const auto offset = static_cast<std::uint32_t>(which);
  if (is_x2apic) return static_cast<std::uint32_t>(read_msr(x2apic_msr(offset)));
  return registers[offset / sizeof(std::uint32_t)];
}

void set(Register which, std::uint32_t value) {
  const auto offset = static_cast<std::uint32_t>(which);
  if (is_x2apic) return write_msr(x2apic_msr(offset), value);
  registers[offset / sizeof(std::uint32_t)] = value;
}

void send(ApicId to, std::uint32_t command) {
  if (is_x2apic) {
    // The interrupted CPU must see what was written before (SDM 3A 10.12.3).
    asm volatile("mfence\n\tlfence" ::: "memory");
    constexpr std::uint32_t kCommand =
        x2apic_msr(static_cast<std::uint32_t>(Register::command_low));
    return write_msr(kCommand, std::uint64_t{to_number(to)} << 32 | command | kAssert);
  }
  while ((get(Register::command_low) & kPending) != 0) pause();
  set(Register::command_high, to_number(to) << kIdShift);
  set(Register::command_low, command | kAssert);  // sends
}

// After its reset, a started CPU is in xAPIC mode, unless the firmware has changed that.
void follow_mode_of_first() {
  const std::uint64_t base = read_msr(kApicBase);
  if (is_x2apic && apic_mode(base) == ApicMode::xapic) write_msr(kApicBase, base | kX2Apic);
  if (apic_mode(read_msr(kApicBase)) != (is_x2apic ? ApicMode::x2apic : ApicMode::xapic)) {
    panic("the firmware has left one local APIC in x2APIC mode, and another not");
  }
}

}  // namespace

void local_apic_map() {
  constexpr std::uint32_t kHasApic = 1U << 9;
  if ((cpuid(1).edx & kHasApic) == 0) {
    panic("this CPU has no local APIC, whose timer is needed, or the firmware has disabled it");
  }
  const std::uint64_t base = read_msr(kApicBase);
  if (apic_mode(base) == ApicMode::disabled) panic("the firmware has disabled the local APIC");
  is_x2apic = apic_mode(base) == ApicMode::x2apic;
  registers = static_cast<volatile std::uint32_t*>(map_device(to_pfn(PhysAddr{base})));
  if (is_x2apic && get(Register::id) >= to_number(kAllApics)) {
    panic("this CPU's local APIC has the id {}; the most that can be used is {}", get(Register::id),
          to_number(kAllApics) - 1);
  }
}

void local_apic_enable() {
  follow_mode_of_first();
  // The firmware may have left the line of the old controllers connected.
  set(Register::line0, kMasked);
  set(Register::line1, kMasked);
  set(Register::timer, kMasked);
  set(Register::spurious, kEnabled | kSpuriousVector);
}

void local_apic_accept_pic() {
  constexpr std::uint32_t kExternal = 7U << 8;  // the controller supplies the vector
  set(Register::line0, kExternal);
}

ApicId local_apic_id() {
  const std::uint32_t id = get(Register::id);
  return ApicId{static_cast<std::uint8_t>(is_x2apic ? id : id >> kIdShift)};
}
void local_apic_end_of_interrupt() { set(Register::end_of_interrupt, 0); }

void local_apic_timer_run_free() {
  set(Register::timer, kMasked);
  set(Register::timer_divide, kDivideByOne);
  set(Register::timer_initial, UINT32_MAX);
}

std::uint32_t local_apic_timer_counted() { return UINT32_MAX - get(Register::timer_current); }

void local_apic_timer_repeat(std::uint32_t counts) {
  set(Register::timer_divide, kDivideByOne);
  set(Register::timer, kPeriodic | static_cast<std::uint32_t>(Interrupt::timer));
  set(Register::timer_initial, counts);
}

void local_apic_send(ApicId to, Interrupt interrupt) {
  send(to, static_cast<std::uint32_t>(interrupt));
}
void local_apic_send_nmi(ApicId to) { send(to, kNmi); }
void local_apic_send_init(ApicId to) { send(to, kInit); }
void local_apic_send_start_up(ApicId to, Pfn page) { send(to, kStartUp | to_number(page)); }

}  // namespace kmapper::kernel
