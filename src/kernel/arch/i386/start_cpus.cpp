// SDM 3A 8.4.4, "MP Initialization Example": INIT, 10 ms, a start-up IPI, and once more after 200
// us. All CPUs are called at once, so that the waits for CPUs that are listed but not there do not
// add up. CPUs start one at a time, in any order, because they share the variables below
// (start_cpu.S). When the mapping that they needed is gone, all of them are released together.
// their way is gone.
#include <algorithm>
#include <atomic>
#include <span>

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
#include "local_apic.hpp"
#include "machine.hpp"

namespace kmapper::kernel {

extern "C" {
extern const unsigned char cpu_trampoline[], cpu_trampoline_end[];
// The data for the CPU that has the claim, for start_cpu.S.
constinit std::uint32_t starting_cpu = 0;
constinit void* starting_cpu_stack = nullptr;
constinit std::atomic<std::uint32_t> start_claim{0};
}

namespace {

constexpr std::uint32_t kTaken = 0;  // start_claim
constexpr std::uint32_t kWanted = 1;
constexpr std::uint32_t kClosed = 2;

constexpr std::uint64_t kMicrosecond = 1'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kPatienceNs =
    5000 * kMillisecond;  // an emulated CPU may have to wait for a host CPU

constinit ApicId apic_ids[kMaxCpus]{};
constinit Thread* starting_thread = nullptr;
constinit std::atomic<std::uint32_t> running{1};  // CPUs 0 to running - 1 run
constinit std::atomic<bool> may_go{false};

void wait(std::uint64_t nanoseconds) {
  const std::uint64_t end = now_ns() + nanoseconds;
  while (now_ns() < end) pause();
}

// Lets the next CPU start, whichever it is. False: no memory for it.
bool offer_claim() {
  if (starting_thread == nullptr) starting_thread = make_idle_thread();
  if (starting_thread == nullptr) return false;
  starting_cpu = cpu_count();
  starting_cpu_stack = thread_stack_top(*starting_thread);
  start_claim.store(kWanted, std::memory_order_release);
  return true;
}

// A CPU has the claim. It uses the stack that it was given, so the kernel cannot go on without it.
void receive() {
  const CpuNumber cpu{starting_cpu};
  bool goes_on = clock_lead(cpu);
  const std::uint64_t end = now_ns() + kPatienceNs;
  // Acquire: pairs with cpu_main(); the variables may be changed for the next CPU.
  while (goes_on && running.load(std::memory_order_acquire) == starting_cpu) {
    goes_on = now_ns() < end;
    pause();
  }
  if (!goes_on) panic("CPU {} has begun to start, and does not go on", cpu);
  starting_thread = nullptr;
}

// Whether a CPU starts in time; if not, no more will.
bool comes() {
  const std::uint64_t end = now_ns() + kPatienceNs;
  while (now_ns() < end) {
    if (start_claim.load(std::memory_order_acquire) == kTaken) return true;
    pause();
  }
  std::uint32_t unclaimed = kWanted;
  return !start_claim.compare_exchange_strong(unclaimed, kClosed);
}

void call(std::span<const ApicId> cpus, Pfn page) {
  for (const ApicId id : cpus) local_apic_send_init(id);
  wait(10 * kMillisecond);
  for (const ApicId id : cpus) local_apic_send_start_up(id, page);
  wait(200 * kMicrosecond);
  for (const ApicId id : cpus) local_apic_send_start_up(id, page);
}

bool runs(ApicId id) {
  return std::find(apic_ids, apic_ids + cpu_count(), id) != apic_ids + cpu_count();
}

void report_left_out(std::span<const ApicId> cpus) {
  const auto here = static_cast<std::uint32_t>(std::count_if(cpus.begin(), cpus.end(), runs));
  if (here == cpus.size()) return;
  if (cpu_count() == kMaxCpus) {
    return print("the firmware lists {} CPUs, and {} are used: the others are left out\n",
                 cpus.size() + 1, kMaxCpus);
  }
  const ApicId first = *std::find_if_not(cpus.begin(), cpus.end(), runs);
  print("of the firmware's {} CPUs {} do not start, the first has local APIC {}: left out\n",
        cpus.size() + 1, cpus.size() - here, to_number(first));
}

void receive_all(std::span<const ApicId> cpus) {
  for (std::size_t i = 0; i < cpus.size() && cpu_count() < kMaxCpus; ++i) {
    if (!offer_claim()) return print("no memory for the stack of CPU {}\n", cpu_count());
    if (!comes()) return;
    receive();
  }
}

}  // namespace

extern "C" [[noreturn]] void cpu_main(std::uint32_t cpu) {
  machine_init_cpu(cpu);
  Thread& idle_thread = *starting_thread;
  apic_ids[cpu] = local_apic_id();
  clock_follow();
  running.store(cpu + 1, std::memory_order_release);
  while (!may_go.load(std::memory_order_acquire)) pause();
  tlb::start();  // and drop the image's mapping at its physical address
  scheduler.start(idle_thread);
  clock_start();
  idle();
}

bool start_cpus(Pfn page) {
  apic_ids[0] = local_apic_id();
  const CpuList others = find_other_cpus();
  memcpy(phys_to_direct(to_phys(page)), cpu_trampoline,
         static_cast<std::size_t>(cpu_trampoline_end - cpu_trampoline));
  {
    const ImageMappedLow for_cpus;
    call(others.ids(), page);
    receive_all(others.ids());
    start_claim.store(kClosed, std::memory_order_release);
  }
  report_left_out(others.ids());
  clock_look_again();
  may_go.store(true, std::memory_order_release);
  return cpu_count() == others.ids().size() + 1;
}

std::uint32_t cpu_count() { return running.load(std::memory_order_relaxed); }

void interrupt_cpu(CpuNumber cpu, Interrupt interrupt) {
  local_apic_send(apic_ids[to_number(cpu)], interrupt);
}

void stop_cpu(CpuNumber cpu) { local_apic_send_nmi(apic_ids[to_number(cpu)]); }

}  // namespace kmapper::kernel
