// Each CPU has one request, because its thread keeps the CPU while it waits; and an inbox, with a
// bit for each CPU that asks. Only the CPU that finds the inbox empty sends the interrupt; the
// others know that one is on its way. Answers take microseconds. If they take longer, the CPU that
// has to answer may not be running, because an emulator has more CPUs than its host. Then the asker
// halts to leave the host's CPU to it, and the last CPU to answer wakes the asker.
#include "arch/tlb.hpp"

#include <bit>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {
namespace {

struct alignas(64) Request {
  std::span<const VirtAddr> pages{};  // none, or many: everything
  std::atomic<std::uint32_t> unanswered{
      0};  // a bit for each CPU that has not answered yet, and kHalts
};
constinit Request requests[kMaxCpus]{};

struct alignas(64) Inbox {
  std::atomic<std::uint32_t> askers{0};
};
constinit Inbox inboxes[kMaxCpus]{};

constexpr std::uint32_t kHalts = 1U << 31;  // the asker, until an interrupt comes
constexpr int kTurnsBeforeHalt = 100;
constexpr std::uint64_t kPatienceNs = 1'000'000'000;

void drop(std::span<const VirtAddr> pages) {
  if (pages.empty() || pages.size() > tlb::kMostPages) return flush_all();
  for (const VirtAddr page : pages) invalidate_page_uncounted(to_pointer(page));
  this_cpu::add(this_cpu::fields.invlpgs, pages.size());
}

constinit std::atomic<std::uint32_t> lose_every{0};
constinit std::atomic<std::uint32_t> answers{0};

// Whether lose_answers() makes this answer a wrong one.
bool is_lost() {
  const std::uint32_t every = lose_every.load(std::memory_order_relaxed);
  return every != 0 && (answers.fetch_add(1, std::memory_order_relaxed) + 1) % every == 0;
}

// Called in the interrupt.
void answer() {
  const CpuNumber self = this_cpu::number();
  // Acquire: pairs with the asker's. Release: a CPU that asks after this sends another interrupt.
  CpuSet askers{inboxes[to_number(self)].askers.exchange(0, std::memory_order_acq_rel)};
  for (; !askers.empty(); askers.remove(askers.first())) {
    Request& request = requests[to_number(askers.first())];
    if (KMAPPER_CHECKED != 0 && is_lost()) {
      posted_flushes.drop(to_number(self), [] {});
    } else {
      drop(request.pages);
    }
    // Release: pairs with the asker's wait; the request is no longer read.
    const std::uint32_t before =
        request.unanswered.fetch_and(~CpuSet(self).bits(), std::memory_order_acq_rel);
    if (before == (CpuSet(self).bits() | kHalts)) {
      interrupt_cpu(askers.first(), Interrupt::answered);
    }
  }
}

void ask(CpuNumber cpu, CpuNumber self) {
  // Release: publishes the request.
  const std::uint32_t before =
      inboxes[to_number(cpu)].askers.fetch_or(CpuSet(self).bits(), std::memory_order_acq_rel);
  if (before != 0) return;
  interrupt_cpu(cpu, Interrupt::shootdown);
  this_cpu::add(this_cpu::fields.ipis, 1);
}

void report_silent(CpuSet cpus, std::span<const VirtAddr> pages) {
  const Thread& self = *this_cpu::current();
  for (; !cpus.empty(); cpus.remove(cpus.first())) {
    print(
        "CPU {} has not answered for a second: asked to drop {} pages from {} on, by CPU {}, "
        "thread {} \"{}\"\n",
        cpus.first(), pages.size(), pages.empty() ? VirtAddr{0} : pages.front(), this_cpu::number(),
        self.number(), self.name());
  }
}

bool is_answered_soon(const Request& request) {
  for (int i = 0; i < kTurnsBeforeHalt; ++i) {
    // Acquire: pairs with the answers.
    if ((request.unanswered.load(std::memory_order_acquire) & ~kHalts) == 0) return true;
    pause();
  }
  return false;
}

// Halts until the last answer, or another interrupt.
void halt_for_answers(Request& request) {
  disable_interrupts();
  const std::uint32_t before = request.unanswered.fetch_or(kHalts, std::memory_order_acq_rel);
  if ((before & ~kHalts) != 0) {
    wait_for_interrupt();
  } else {
    enable_interrupts();
  }
}

void wait_for_answers(Request& request) {
  if (is_answered_soon(request)) return;
  std::uint64_t patience_ends = now_ns() + kPatienceNs;
  do {
    halt_for_answers(request);
    if (now_ns() < patience_ends) continue;
    report_silent(CpuSet{request.unanswered.load(std::memory_order_relaxed) & ~kHalts},
                  request.pages);
    patience_ends = now_ns() + kPatienceNs;
  } while (!is_answered_soon(request));
}

// Tells these CPUs, drops the translations here too, and waits. Enables interrupts.
void tell(CpuSet cpus, std::span<const VirtAddr> pages) {
  const PreemptionOff request_in_use;
  const CpuNumber self = this_cpu::number();
  Request& request = requests[to_number(self)];
  request.pages = pages;
  request.unanswered.store(cpus.bits(), std::memory_order_relaxed);
  for (; !cpus.empty(); cpus.remove(cpus.first())) ask(cpus.first(), self);
  drop(pages);          // while the others receive the interrupt
  enable_interrupts();  // they may be waiting for this CPU
  wait_for_answers(request);
}

}  // namespace

void shootdown(std::span<const VirtAddr> pages) {
  const InterruptState before = take_interrupts();
  this_cpu::add(this_cpu::fields.shootdowns, 1);
  // A barrier: the entries were emptied before it; a CPU that wakes later comes after it.
  CpuSet others{posted_flushes.post().awake};
  others.remove(this_cpu::number());
  if (!others.empty()) return tell(others, pages);
  drop(pages);
  restore_interrupts(before);
}

void flush_all_unnoted() {
  std::uint32_t cr3 = 0;
  asm volatile("movl %%cr3, %0\n\tmovl %0, %%cr3" : "=r"(cr3)::"memory");
  this_cpu::add(this_cpu::fields.full_flushes, 1);
}

void flush_all() {
  const InterruptState before = take_interrupts();
  posted_flushes.drop(this_cpu::read(this_cpu::fields.number), flush_all_unnoted);
  restore_interrupts(before);
}

void invalidate_page(VirtAddr address) {
  invalidate_page_uncounted(to_pointer(address));
  this_cpu::add(this_cpu::fields.invlpgs, 1);
}

namespace tlb {

void lose_answers(std::uint32_t every) { lose_every.store(every, std::memory_order_relaxed); }

void start() {
  set_interrupt_handler(Interrupt::shootdown, answer);
  set_interrupt_handler(Interrupt::answered, [] {});  // its arrival is all that matters
  posted_flushes.leave_long_idle(this_cpu::read(this_cpu::fields.number), flush_all_unnoted);
}

void call(CpuSet cpus) {
  disable_interrupts();
  const CpuNumber self = this_cpu::number();
  if (cpus.contains(self)) flush_all();
  cpus.remove(self);
  this_cpu::add(this_cpu::fields.shootdowns, 1);
  if (!cpus.empty()) return tell(cpus, {});
  enable_interrupts();
}

void enter_idle() {
  this_cpu::write(this_cpu::fields.idles, 1U);
  posted_flushes.enter_idle(this_cpu::read(this_cpu::fields.number));
}

void leave_idle() {
  if (this_cpu::read(this_cpu::fields.idles) == 0) return;
  this_cpu::write(this_cpu::fields.idles, 0U);
  posted_flushes.leave_idle(this_cpu::read(this_cpu::fields.number), flush_all_unnoted);
}

std::uint64_t invlpgs() {
  return sum_over_cpus(this_cpu::fields.invlpgs) +
         sum_over_cpus(this_cpu::fields.events[static_cast<std::size_t>(Event::slot_dropped)]);
}

Shootdowns shootdowns_of(CpuNumber cpu) {
  const std::uint64_t begun = count_of_cpu(cpu, this_cpu::fields.shootdowns);
  const std::uint64_t ipis = count_of_cpu(cpu, this_cpu::fields.ipis);
  return {begun, ipis, begun * (cpu_count() - 1) - ipis};
}

Shootdowns shootdowns() {
  Shootdowns all{};
  for (std::uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
    const Shootdowns one = shootdowns_of(CpuNumber{cpu});
    all = {all.begun + one.begun, all.ipis + one.ipis, all.ipis_avoided + one.ipis_avoided};
  }
  return all;
}

CpuSet idle_cpus() { return CpuSet{((1U << cpu_count()) - 1) & ~posted_flushes.awake()}; }

}  // namespace tlb
}  // namespace kmapper::kernel
