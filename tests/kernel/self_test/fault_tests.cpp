// What the page tables forbid, and what the CPU refuses: each in a thread of its own, which must
// end with a report of its action and of what lies at the address. The machine goes on.
#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "arch/paging.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

constexpr unsigned char kReturn = 0xC3;  // the RET instruction

constexpr std::uint32_t kConstant = 1;
volatile unsigned char data[16] = {kReturn};

void write_at(void* address) { *static_cast<volatile std::uint32_t*>(address) = 1; }
void read_at(void* address) { (void)*static_cast<volatile std::uint32_t*>(address); }
void execute_at(void* address) { reinterpret_cast<void (*)()>(address)(); }

Outcome dies(Thread::Function what, const volatile void* address,
             std::initializer_list<std::string_view> words) {
  const Sacrifice thread(what, const_cast<void*>(address));
  return thread.expect_death({words.begin(), words.size()});
}

Outcome constants_cannot_be_written() {
  return dies(write_at, &kConstant, {"write to a page that forbids it", "the kernel's constants"});
}

Outcome code_cannot_be_written() {
  return dies(write_at, reinterpret_cast<void*>(&write_at),
              {"write to a page that forbids it", "the kernel's code"});
}

constexpr std::string_view kNoNx = "this CPU has no NX";

Outcome data_cannot_be_executed() {
  if (!can_forbid_execution()) return skipped(kNoNx);
  return dies(execute_at, data, {"execution of a page that forbids it", "the kernel's data"});
}

Outcome the_window_cannot_be_executed() {
  if (!can_forbid_execution()) return skipped(kNoNx);
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  auto* const code = static_cast<unsigned char*>(kmap(pages[0]));
  *code = kReturn;
  const Outcome outcome = dies(execute_at, code, {"execution of a page that forbids it", "slot"});
  kunmap(pages[0]);
  return outcome;
}

Outcome the_page_below_the_window_is_a_guard() {
  const VirtAddr last_word{to_number(kPkmapBase) - 4};
  return dies(write_at, to_pointer(last_word),
              {"write to a page that is not mapped", "the guard page below the window"});
}

Outcome the_page_above_the_window_is_a_guard() {
  const VirtAddr end = kPkmapBase + highmem.slot_count() * kPageSize;
  return dies(read_at, to_pointer(end),
              {"read of a page that is not mapped", "the guard page above the window"});
}

Outcome a_slot_that_was_taken_back_is_not_mapped() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  void* const address = kmap(pages[0]);
  char slot[24];
  char page[48];
  const std::string_view words[] = {
      "read of a page that is not mapped",
      format_to(slot, "slot {}, which maps no page", highmem.find(pages[0])),
      format_to(page, "use after kunmap of page {}", page_to_pfn(pages[0])),
      "\"job\"",
  };
  kunmap(pages[0]);
  // A strict build has taken the slot back already.
  if (!KernelPlatform::kStrict) flush_all_zero_pkmaps();
  const Sacrifice thread(read_at, address);
  return thread.expect_death(words);
}

Outcome a_slot_that_was_never_used_maps_nothing() {
  const SlotIndex last{highmem.slot_count() - 1};
  if (highmem.inspect(last).page != nullptr) return skipped("every slot has been used");
  return dies(read_at, to_pointer(kPkmapBase + to_number(last) * kPageSize),
              {"read of a page that is not mapped", "which has mapped no page yet"});
}

Outcome a_null_pointer_leads_nowhere() {
  return dies(write_at, nullptr, {"write to a page that is not mapped", "a null pointer"});
}

void divide_by_zero(void*) {
  std::uint32_t low = 1;
  std::uint32_t high = 0;
  asm volatile("divl %2" : "+a"(low), "+d"(high) : "r"(0));
}

Outcome a_division_by_zero_ends_the_thread() {
  return dies(divide_by_zero, nullptr, {"divide error"});
}

// Recurses as long as there is stack.
[[gnu::noinline]] std::uint32_t descend(volatile std::uint32_t* depth) {
  volatile char frame[128];
  frame[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  if (*depth == UINT32_MAX) return 0;
  return descend(depth) + static_cast<std::uint32_t>(frame[0]);
}

void overflow_stack(void* /*argument*/) {
  volatile std::uint32_t depth = 0;
  (void)descend(&depth);
}

Outcome a_stack_that_overflows_ends_the_thread() {
  return dies(overflow_stack, nullptr,
              {"double fault", "the guard page below the stack of thread"});
}

void fault_with_interrupts_disabled(void* /*argument*/) {
  disable_interrupts();
  write_at(nullptr);
}

Outcome a_fault_with_interrupts_disabled_ends_the_thread() {
  const Outcome outcome = dies(fault_with_interrupts_disabled, nullptr, {"a null pointer"});
  return outcome.has_failed() || interrupts_enabled() ? outcome : failed("interrupts stayed off");
}

constexpr SelfTest kTests[] = {
    {"constants cannot be written", constants_cannot_be_written},
    {"code cannot be written", code_cannot_be_written},
    {"data cannot be executed", data_cannot_be_executed},
    {"the window cannot be executed", the_window_cannot_be_executed},
    {"the page below the window is a guard", the_page_below_the_window_is_a_guard},
    {"the page above the window is a guard", the_page_above_the_window_is_a_guard},
    {"a slot that was taken back is not mapped", a_slot_that_was_taken_back_is_not_mapped},
    {"a slot that was never used maps nothing", a_slot_that_was_never_used_maps_nothing},
    {"a null pointer leads nowhere", a_null_pointer_leads_nowhere},
    {"a division by zero ends the thread", a_division_by_zero_ends_the_thread},
    {"a stack that overflows ends the thread", a_stack_that_overflows_ends_the_thread},
    {"a fault with interrupts disabled ends the thread",
     a_fault_with_interrupts_disabled_ends_the_thread},
};

}  // namespace

std::span<const SelfTest> fault_tests() { return kTests; }

namespace {

/// job=doublefault: overflows the stack in an interrupt handler; this ends the machine with a
/// report.
Outcome double_fault_job(const BootInfo& /*boot*/) {
  set_interrupt_handler(Interrupt::software, [] { overflow_stack(nullptr); });
  raise_software_interrupt();
  return failed("the interrupt handler came back from an overflow of its stack");
}
KMAPPER_JOB("doublefault", double_fault_job);

/// job=consolefault: unmaps the screen and prints: the console's own code faults, which ends the
/// machine with one line.
Outcome console_fault_job(const BootInfo& /*boot*/) {
  const VirtAddr screen = to_virt(phys_to_direct(kTextScreen));
  (void)find_entry(screen)->take();
  invalidate_page(screen);
  print("on a screen that is not there\n");
  return failed("there is no screen");
}
KMAPPER_JOB("consolefault", console_fault_job);

}  // namespace

}  // namespace kmapper::kernel
