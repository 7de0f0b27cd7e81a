#include "linux/leaks.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <map>

#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/slab.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

struct Left {
  unsigned long count = 0;
  unsigned long first = 0;
};
using ByCaller = std::map<const void*, Left>;

void add(ByCaller& all, const void* caller, unsigned long count, unsigned long pfn) {
  Left& left = all[caller];
  if (left.first == 0) left.first = pfn;
  left.count += count;
}

unsigned long report_all(const ByCaller& all, Leak leak) {
  for (const auto& [caller, left] : all) {
    leak.count = left.count;
    leak.first_pfn = left.first;
    leak.caller = caller;
    report(leak);
  }
  return all.size();
}

constinit std::atomic<bool> checks_leaks{false};

/// How many lines it wrote. The caller holds the mutex.
unsigned long report_machine_leaks(const Machine& machine) {
  ByCaller pages;
  ByCaller kmaps;
  ByCaller local;
  ByCaller areas;
  for (unsigned long pfn = Layout::kFirstPfn; pfn < machine.layout.end_pfn(); ++pfn) {
    const Frame& frame = machine.frame(pfn);
    if (!frame.is_allocated.load(std::memory_order_acquire)) continue;
    if (frame.is_head && !frame.is_library)
      add(pages, frame.allocated.get(), 1UL << frame.order, pfn);
    if (const unsigned locals = frame.locals.load(std::memory_order_relaxed); locals != 0)
      add(local, frame.locally_mapped.get(), locals, pfn);
  }
  for (const Machine::Holder& it : machine.holders) add(kmaps, it.caller, 1, it.pfn);
  for (const auto& [begin, area] : machine.areas)
    if (area.unmapped_by == nullptr) add(areas, area.mapped_by, area.pages.size(), area.pages[0]);
  return report_all(pages, {.thing = "page",
                            .state = "allocated",
                            .by = "allocated by",
                            .advice = "free them before the program ends"}) +
         report_all(kmaps, {.thing = "kmap",
                            .state = "kmapped",
                            .by = "kmapped by",
                            .advice = "kunmap them before the program ends"}) +
         report_all(local, {.thing = "local mapping",
                            .state = "mapped",
                            .by = "last mapped locally by",
                            .advice = "kunmap_local before the program ends"}) +
         report_all(areas, {.thing = "page",
                            .state = "vmapped",
                            .by = "mapped by",
                            .advice = "vunmap or vfree them before the program ends"});
}

/// The caller holds the mutex.
void expect_whole_pages(const Machine& machine) {
  for (unsigned long pfn = Layout::kFirstPfn; pfn < machine.layout.end_pfn(); ++pfn) {
    if (machine.frame(pfn).is_allocated.load(std::memory_order_acquire))
      expect_whole(machine, pfn, nullptr);
  }
}

/// After all that the program registered with atexit(), and all destructors of its static objects.
/// A child of a fork leaves its parent's pages alone.
[[gnu::destructor]] void check_at_exit() {
  Machine* const machine = Machine::find();
  if (machine == nullptr || Machine::is_a_forks_child()) return;
  unsigned long leaks = 0;
  const bool checks = checks_leaks.load(std::memory_order_relaxed);
  if (const Thread* const thread = Thread::find(); checks && thread != nullptr)
    thread->expect_nothing_left();
  {
    const std::lock_guard lock(machine->mutex);
    expect_whole_pages(*machine);
    if (checks) leaks = report_machine_leaks(*machine);
  }
  expect_no_write_after_kfree();
  if (checks) leaks += report_slab_leaks() ? 1 : 0;
  if (leaks == 0) return;
  (void)std::fflush(nullptr);
  _exit(1);
}

}  // namespace

void report_leaks_at_exit() { checks_leaks.store(true, std::memory_order_relaxed); }

}  // namespace kmapper::linux_face
