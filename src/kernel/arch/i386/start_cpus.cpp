// SDM 3A 8.4.4, "MP Initialization Example": INIT, 10 ms, a start-up IPI, and once more if that was
// not answered. CPUs are started one at a time, because they share the variables below; then all
// are let go together, when the mapping that they needed on their way is gone.
#include <atomic>

#include "acpi.hpp"
#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/paging.hpp"
#include "arch/tlb.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/string.hpp"
#include "kernel/mm/page.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/scheduler.hpp"
#include "machine.hpp"

namespace kmapper::kernel {

extern "C" {
extern const unsigned char cpu_trampoline[], cpu_trampoline_end[];
// What start_cpu.S hands to the CPU that is being started.
constinit std::uint32_t starting_cpu = 0;
constinit void* starting_cpu_stack = nullptr;
}

namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kPatienceNs =
    5000 * kMillisecond;  // an emulated CPU may have to wait for a host CPU

constinit ApicId apic_ids[kMaxCpus]{};
constinit Thread* starting_thread = nullptr;
constinit std::atomic<std::uint32_t> running{1};  // CPUs 0 to running - 1 do
constinit std::atomic<bool> may_go{false};

void wait(std::uint64_t nanoseconds) {
  const std::uint64_t end = now_ns() + nanoseconds;
  while (now_ns() < end) pause();
}

// Whether the CPU that is being started has come as far as cpu_main().
bool runs_within(std::uint64_t nanoseconds) {
  const std::uint64_t end = now_ns() + nanoseconds;
  while (now_ns() < end) {
    // Acquire: pairs with cpu_main(); the variables may be changed for the next.
    if (running.load(std::memory_order_acquire) > starting_cpu) return true;
    pause();
  }
  return false;
}

bool start(ApicId id, Pfn page) {
  starting_thread = make_idle_thread();
  if (starting_thread == nullptr) {
    print("no memory for the stack of CPU {}\n", starting_cpu);
    return false;
  }
  starting_cpu_stack = thread_stack_top(*starting_thread);
  apic_ids[starting_cpu] = id;
  local_apic_send_init(id);
  wait(10 * kMillisecond);
  for (int i = 0; i < 2; ++i) {
    local_apic_send_start_up(id, page);
    if (runs_within(i == 0 ? kMillisecond : kPatienceNs)) return true;
  }
  local_apic_send_init(id);  // whatever it does, it must not go on with it
  print("CPU {} (local APIC {}) does not start; done without\n", starting_cpu, id);
  return false;
}

}  // namespace

extern "C" [[noreturn]] void cpu_main(std::uint32_t cpu) {
  machine_init_cpu(cpu);
  Thread& idle_thread = *starting_thread;
  running.store(cpu + 1, std::memory_order_release);
  while (!may_go.load(std::memory_order_acquire)) pause();
  tlb::start();  // and forget the image's mapping at its physical address
  scheduler.start(idle_thread);
  clock_start();
  idle();
}

void start_cpus(Pfn page) {
  apic_ids[0] = local_apic_id();
  const CpuList others = find_other_cpus();
  memcpy(phys_to_direct(to_phys(page)), cpu_trampoline,
         static_cast<std::size_t>(cpu_trampoline_end - cpu_trampoline));
  {
    const ImageMappedLow for_cpus;
    for (const ApicId id : others.all()) {
      starting_cpu = cpu_count();
      if (starting_cpu < kMaxCpus) (void)start(id, page);
    }
  }
  may_go.store(true, std::memory_order_release);
}

std::uint32_t cpu_count() { return running.load(std::memory_order_relaxed); }

void interrupt_cpu(CpuNumber cpu, Interrupt interrupt) {
  local_apic_send(apic_ids[to_number(cpu)], interrupt);
}

void stop_cpu(CpuNumber cpu) { local_apic_send_nmi(apic_ids[to_number(cpu)]); }

}  // namespace kmapper::kernel
