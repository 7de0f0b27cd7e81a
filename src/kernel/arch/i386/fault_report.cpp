// The report of an exception: what happened, where, what lies at the address, the registers, and
// the code addresses on the stack. (Frame pointers would cost the hot path a register, so the list
// may contain a stale address between the true ones.)
#include <string_view>

#include "arch/paging.hpp"
#include "arch/per_cpu.hpp"
#include "arch/user_mode.hpp"
#include "kernel/drivers/screen.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/mm/describe_address.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/user/describe_user_address.hpp"
#include "kernel/user/process.hpp"
#include "machine.hpp"
#include "segments.hpp"
#include "traps.hpp"

namespace kmapper::kernel {
namespace {

struct Registers {
  std::uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp, eip, eflags;
};

// SDM 3A table 6-1.
constexpr std::string_view kNames[kExceptions] = {"divide error",
                                                  "debug",
                                                  "NMI",
                                                  "breakpoint",
                                                  "overflow",
                                                  "bound range exceeded",
                                                  "invalid opcode",
                                                  "no coprocessor",
                                                  "double fault",
                                                  "coprocessor overrun",
                                                  "invalid task state",
                                                  "segment not present",
                                                  "stack-segment fault",
                                                  "general protection",
                                                  "page fault",
                                                  "exception 15",
                                                  "x87 error",
                                                  "alignment check",
                                                  "machine check",
                                                  "SIMD error",
                                                  "virtualization",
                                                  "control protection",
                                                  "exception 22",
                                                  "exception 23",
                                                  "exception 24",
                                                  "exception 25",
                                                  "exception 26",
                                                  "exception 27",
                                                  "hypervisor injection",
                                                  "VMM communication",
                                                  "security",
                                                  "exception 31"};

VirtAddr read_cr2() {
  std::uint32_t cr2 = 0;
  asm volatile("movl %%cr2, %0" : "=r"(cr2));
  return VirtAddr{cr2};
}

void print_address(VirtAddr address) {
  char buffer[224];
  print("  address {}: {}\n", address, describe_address(buffer, address));
}

// The page fault's error code, SDM 3A 4.7.
constexpr std::uint32_t kPresent = 1;
constexpr std::uint32_t kWrite = 2;
constexpr std::uint32_t kReserved = 8;
constexpr std::uint32_t kFetch = 16;

void print_page_fault(std::uint32_t error) {
  std::string_view what = "read of";
  if ((error & kWrite) != 0) what = "write to";
  if ((error & kFetch) != 0) what = "execution of";
  std::string_view why =
      (error & kPresent) != 0 ? "a page that forbids it" : "a page that is not mapped";
  if ((error & kReserved) != 0) why = "a page whose entry has reserved bits set";
  print("  {} {} (error code {:x})\n", what, why, error);
}

void print_registers(const Registers& r) {
  print("  eip {:08x} eflags {:08x} esp {:08x} ebp {:08x}\n", r.eip, r.eflags, r.esp, r.ebp);
  print("  eax {:08x} ebx {:08x} ecx {:08x} edx {:08x} esi {:08x} edi {:08x}\n", r.eax, r.ebx,
        r.ecx, r.edx, r.esi, r.edi);
}

// Whether the bytes before a return address may be a CALL: relative, or through a register or
// memory.
bool follows_call(VirtAddr address) {
  if (!is_code(address) || !is_code(VirtAddr{to_number(address) - 6})) return false;
  const auto* const code = static_cast<const unsigned char*>(to_pointer(address));
  return code[-5] == 0xE8 || (code[-2] == 0xFF && (code[-1] & 0x38) == 0x10) ||
         (code[-3] == 0xFF && (code[-2] & 0x38) == 0x10) ||
         (code[-6] == 0xFF && (code[-5] & 0x38) == 0x10);
}

void print_backtrace(std::uint32_t esp) {
  constexpr std::uint32_t kMostWords = 512;
  constexpr int kMostCallers = 12;
  print("  called from:");
  int printed = 0;
  VirtAddr at{(esp + 3) & ~3U};
  // If the stack overflowed, what was written last lies just above the guard.
  if (!translate(at)) at = VirtAddr{(to_number(at) | (kPageSize - 1)) + 1};
  for (std::uint32_t i = 0; i < kMostWords && printed < kMostCallers && translate(at); ++i) {
    const VirtAddr word{*static_cast<const std::uint32_t*>(to_pointer(at))};
    if (follows_call(word)) {
      print(" {:08x}", to_number(word));
      ++printed;
    }
    at = at + sizeof(std::uint32_t);
  }
  print("\n");
}

void print_heading(std::string_view name, std::uint32_t eip) {
  const Thread* const thread = this_cpu::current();
  print("{} at {:08x}, CPU {}, ", name, eip, this_cpu::read(this_cpu::fields.number));
  if (thread == nullptr) {
    print("at boot\n");
  } else {
    print("thread {} \"{}\"{}\n", thread->number(), thread->name(),
          this_cpu::read(this_cpu::fields.interrupt_depth) != 0 ? ", in an interrupt" : "");
  }
}

void print_exception(const TrapFrame& frame) {
  const ConsoleHeld in_one_piece;
  print_heading(kNames[frame.vector], frame.eip);
  if (frame.vector == static_cast<std::uint32_t>(Exception::page_fault)) {
    print_page_fault(frame.error);
    print_address(read_cr2());
  } else if (frame.error != 0) {
    print("  error code {:x}\n", frame.error);
  }
  print_registers({frame.eax, frame.ebx, frame.ecx, frame.edx, frame.esi, frame.edi, frame.ebp,
                   frame.esp(), frame.eip, frame.eflags});
  print_backtrace(frame.esp());
}

// Exceptions other than page faults, by their error code, SDM 3A 6.13.
void print_user_error(const TrapFrame& frame) {
  constexpr std::uint32_t kOfInterrupt = 2;
  if (frame.vector != static_cast<std::uint32_t>(Exception::general_protection)) {
    if (frame.error != 0) print("  error code {:x}\n", frame.error);
  } else if (frame.error == 0) {
    print("  an instruction, or an address, that ring 3 may not use\n");
  } else if ((frame.error & kOfInterrupt) != 0) {
    print("  interrupt {:02x} is not for ring 3\n", frame.error >> 3);
  } else {
    print("  segment selector {:x} is not for ring 3\n", frame.error);
  }
}

void print_user_exception(const TrapFrame& frame) {
  const ConsoleHeld in_one_piece;
  Process& process = this_process();
  print("process {} \"{}\" ends: {} at {:08x}, CPU {}\n", process.pid(), process.name(),
        kNames[frame.vector], frame.eip, this_cpu::read(this_cpu::fields.number));
  if (frame.vector == static_cast<std::uint32_t>(Exception::page_fault)) {
    char buffer[256];
    const VirtAddr address = read_cr2();
    print_page_fault(frame.error);
    print("  address {}: {}\n", address, describe_user_address(buffer, process.space(), address));
  } else {
    print_user_error(frame);
  }
  print_registers({frame.eax, frame.ebx, frame.ecx, frame.edx, frame.esi, frame.edi, frame.ebp,
                   frame.esp(), frame.eip, frame.eflags});
  print("  its {} pages, and {} of page tables, are given back\n", process.space().pages(),
        process.space().table_pages());
}

// Whether the kernel continues elsewhere: it copied to or from a process.
bool fix_up(TrapFrame& frame) {
  if (frame.vector != static_cast<std::uint32_t>(Exception::page_fault)) return false;
  const std::uint32_t go_on = find_fixup(frame.eip, read_cr2());
  if (go_on == 0) return false;
  frame.eip = go_on;
  return true;
}

bool is_machines(const TrapFrame& frame) {
  return frame.vector == static_cast<std::uint32_t>(Exception::nmi) ||
         frame.vector == static_cast<std::uint32_t>(Exception::machine_check);
}

void print_double_fault(const TaskState& task) {
  const ConsoleHeld in_one_piece;
  print_heading(kNames[static_cast<std::size_t>(Exception::double_fault)], task.eip);
  print_address(read_cr2());
  print_registers({task.eax, task.ebx, task.ecx, task.edx, task.esi, task.edi, task.ebp, task.esp,
                   task.eip, task.eflags});
  print_backtrace(task.esp);
}

// Without the screen, whose mapping may be missing; if that does not help, the machine ends without
// output.
void panic_if_console_faulted(std::string_view name, std::uint32_t eip) {
  static constinit bool said = false;
  if (!console_has_faulted()) return;
  if (said) machine_exit(Verdict::fail);
  said = true;
  screen_give_up();
  panic("{} at {:08x} in the console itself, address {}", name, eip, read_cr2());
}

}  // namespace

void handle_exception(TrapFrame& frame) {
  if (frame.vector == static_cast<std::uint32_t>(Exception::nmi)) stop_if_asked();
  if (!is_machines(frame)) panic_if_console_faulted(kNames[frame.vector], frame.eip);
  if (frame.is_of_user() && !is_machines(frame)) {
    print_user_exception(frame);
    process_end_by_fault();
  }
  if (!frame.is_of_user() && fix_up(frame)) return;
  print_exception(frame);
  if (is_machines(frame) || !can_die()) panic("{} outside of any thread", kNames[frame.vector]);
  thread_die();
}

void handle_double_fault() {
  TaskState& task = interrupted_task();
  panic_if_console_faulted(kNames[static_cast<std::size_t>(Exception::double_fault)], task.eip);
  print_double_fault(task);
  if (!can_die()) panic("double fault outside of any thread");
  // The thread continues where it ends, at the top of its stack, with interrupts disabled.
  constexpr std::uint32_t kNoFlags = 2;
  task.eip = to_number(to_virt(reinterpret_cast<const void*>(&thread_die)));
  task.esp = to_number(to_virt(thread_stack_top(*this_cpu::current()))) - sizeof(std::uint32_t);
  task.eflags = kNoFlags;
}

}  // namespace kmapper::kernel
