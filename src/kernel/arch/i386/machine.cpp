#include "arch/machine.hpp"

#include <atomic>
#include <cstdint>

#include "arch/cpus.hpp"
#include "arch/io.hpp"
#include "arch/per_cpu.hpp"
#include "arch/user_mode.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/lib/print.hpp"
#include "local_apic.hpp"
#include "machine.hpp"
#include "pic.hpp"
#include "segments.hpp"
#include "traps.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kCr4Smep = 1U << 20;
constexpr std::uint32_t kCr4Smap = 1U << 21;

constinit UserProtections protections{};

constexpr std::uint32_t kNobody = 0;
constinit std::atomic<std::uint32_t> stopper{kNobody};  // a CPU's number, plus one
constinit std::atomic<std::uint32_t> stopped{0};        // a bit for each CPU

// Halts this CPU for ever.
[[noreturn]] void stop() {
  stopped.fetch_or(CpuSet(this_cpu::number()).bits());
  halt_forever();
}

// Write protection and NX are on since boot.S. The remaining protections keep the kernel from
// executing user pages (SMEP), and from accessing them by accident (SMAP). SDM 3A 4.6;
// CPUID.7.0:EBX.
void protect_from_user_pages() {
  if (cpuid(0).eax < 7) return;
  const std::uint32_t features = cpuid(7).ebx;
  std::uint32_t cr4 = 0;
  asm volatile("movl %%cr4, %0" : "=r"(cr4));
  protections = {(features & (1U << 7)) != 0, (features & (1U << 20)) != 0};
  if (protections.smep) cr4 |= kCr4Smep;
  if (protections.smap) cr4 |= kCr4Smap;
  asm volatile("movl %0, %%cr4" ::"r"(cr4) : "memory");
}

}  // namespace

UserProtections user_protections() { return protections; }

void machine_init() {
  segments_init(0);
  traps_init();
  traps_load();
  pic_silence();
  protect_from_user_pages();
}

void machine_init_cpu(std::uint32_t cpu) {
  segments_init(cpu);
  traps_load();
  protect_from_user_pages();
  local_apic_enable();
}

void interrupts_init() {
  local_apic_map();
  local_apic_enable();
}

void stop_other_cpus() {
  const CpuNumber self = this_cpu::number();
  std::uint32_t first = kNobody;
  if (!stopper.compare_exchange_strong(first, to_number(self) + 1)) {
    if (first == to_number(self) + 1) return;
    stop();
  }
  ConsoleHeld::seize();
  CpuSet others{((1U << cpu_count()) - 1) & ~CpuSet(self).bits()};
  for (CpuSet left = others; !left.empty(); left.remove(left.first())) stop_cpu(left.first());
  constexpr int kTurns = 10'000'000;
  for (int i = 0; i < kTurns && !others.empty(); ++i) {
    others = CpuSet{others.bits() & ~stopped.load()};
    pause();
  }
  if (!others.empty()) print("CPU {} does not stop\n", others.first());
}

void stop_if_asked() {
  if (stopper.load() != kNobody) stop();
}

void machine_exit(Verdict verdict) {
  disable_interrupts();
  constexpr Port kDebugExit{0xF4};
  out8(kDebugExit, verdict == Verdict::pass ? 0 : 1);
  stop_other_cpus();
  halt_forever();
}

}  // namespace kmapper::kernel
