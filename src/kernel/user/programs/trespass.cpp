// trespass WHAT [ADDRESS]: does one thing that a process must not do, or makes wrong system calls.
// Exits with 3 if it is not ended as it should be; with 0 if each wrong system call was refused.
#include <algorithm>

#include "kernel/user/programs/system.hpp"

namespace kmapper::program {
namespace {

constexpr std::uint32_t kPage = kernel::kPageSize;
constexpr unsigned char kReturn = 0xC3;  // the RET instruction

const std::uint32_t constant = 1;
std::uint32_t data[16];

void read_at(std::uint32_t address) { (void)*at<const volatile std::uint32_t>(address); }
void write_at(std::uint32_t address) { *at<volatile std::uint32_t>(address) = 1; }
void execute_at(std::uint32_t address) {
  asm volatile("call *%0" ::"r"(address) : "eax", "ecx", "edx", "memory", "cc");
}

// Maps pages; the addresses behind them stay unmapped.
std::uint32_t map(std::uint32_t pages) { return call(Syscall::map, pages); }

[[gnu::noinline]] std::uint32_t descend(volatile std::uint32_t* depth) {
  volatile char frame[128];
  frame[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  if (*depth == UINT32_MAX) return 0;
  return descend(depth) + static_cast<std::uint32_t>(frame[0]);
}

struct Deed {
  std::string_view name;
  void (*act)(std::uint32_t address);
};

constexpr Deed kDeeds[] = {
    // Memory: at the given address, and in the program's own.
    {"read", read_at},
    {"write", write_at},
    {"execute", execute_at},
    {"write-code", [](std::uint32_t) { write_at(address_of(reinterpret_cast<void*>(&read_at))); }},
    {"write-constant", [](std::uint32_t) { write_at(address_of(&constant)); }},
    {"execute-data",
     [](std::uint32_t) {
       data[0] = kReturn;
       execute_at(address_of(data));
     }},
    {"execute-stack",
     [](std::uint32_t) {
       volatile std::uint32_t code = kReturn;
       execute_at(address_of(&code));
     }},
    {"execute-mapped",
     [](std::uint32_t) {
       const std::uint32_t code = map(1);
       *at<unsigned char>(code) = kReturn;
       execute_at(code);
     }},
    {"read-behind", [](std::uint32_t) { read_at(map(3) + 3 * kPage); }},
    {"read-before", [](std::uint32_t) { read_at(map(3) - 1); }},
    {"read-unmapped",
     [](std::uint32_t) {
       const std::uint32_t pages = map(2);
       write_at(pages);
       call(Syscall::unmap, pages, 2);
       read_at(pages);
     }},
    {"write-file", [](std::uint32_t) { write_at(call(Syscall::map_file, 0)); }},
    {"overflow-stack",
     [](std::uint32_t) {
       volatile std::uint32_t depth = 0;
       (void)descend(&depth);
     }},
    {"lose-stack", [](std::uint32_t) { asm volatile("movl $0xC0100000, %esp\n\tpushl %eax"); }},
    {"unmap-program",
     [](std::uint32_t) {
       call(Syscall::unmap, address_of(reinterpret_cast<void*>(&read_at)) & ~(kPage - 1), 1);
     }},
    // Instructions.
    {"disable-interrupts", [](std::uint32_t) { asm volatile("cli"); }},
    {"halt", [](std::uint32_t) { asm volatile("hlt"); }},
    {"load-cr3", [](std::uint32_t) { asm volatile("movl %0, %%cr3" ::"r"(0)); }},
    {"use-port", [](std::uint32_t) { asm volatile("outb %%al, $0xF4" ::"a"(0)); }},
    {"load-kernel-segment", [](std::uint32_t) { asm volatile("movl %0, %%ds" ::"r"(0x10)); }},
    {"load-task-segment", [](std::uint32_t) { asm volatile("movl %0, %%fs" ::"r"(0x20)); }},
    {"call-kernel-segment", [](std::uint32_t) { asm volatile("lcall $0x08, $0xC0100000"); }},
    {"timer-interrupt", [](std::uint32_t) { asm volatile("int $0x40"); }},
    {"page-fault-interrupt", [](std::uint32_t) { asm volatile("int $14"); }},
    {"double-fault-interrupt", [](std::uint32_t) { asm volatile("int $8"); }},
    {"divide-by-zero",
     [](std::uint32_t) {
       std::uint32_t low = 1;
       std::uint32_t high = 0;
       asm volatile("divl %2" : "+a"(low), "+d"(high) : "r"(0));
     }},
    {"breakpoint", [](std::uint32_t) { asm volatile("int3"); }},
    {"overflow",
     [](std::uint32_t) {
       asm volatile("movb $0x7F, %%al\n\taddb $1, %%al\n\tinto" ::: "eax", "cc");
     }},
    {"single-step", [](std::uint32_t) { asm volatile("pushl $0x102\n\tpopf\n\tnop"); }},
    {"undefined", [](std::uint32_t) { asm volatile("ud2"); }},
    {"floating-point", [](std::uint32_t) { asm volatile("fninit"); }},
    {"spin",
     [](std::uint32_t) {
       for (;;) asm volatile("pause");
     }},
    {"sysenter",
     [](std::uint32_t) {
       asm volatile("sysenter" ::: "ecx", "edx");
     }},
};

// System calls that must be refused, each with its error.
struct Request {
  std::uint32_t number, first, second, third, fourth;
  UserError error;
};

bool is_refused(const Request& request) {
  const std::uint32_t answer =
      call(request.number, request.first, request.second, request.third, request.fourth);
  if (kernel::error_of(answer) == request.error) return true;
  say("trespass: system call {} ({:08x}, {:08x}, {:08x}, {:08x}) answers {:08x}: {}, not {}\n",
      request.number, request.first, request.second, request.third, request.fourth, answer,
      kernel::describe(kernel::error_of(answer)), kernel::describe(request.error));
  return false;
}

constexpr std::uint32_t number_of(Syscall call) { return static_cast<std::uint32_t>(call); }

// Wild numbers, and wild values for each call. File 0 must exist. `other`: another process.
std::uint32_t call_wildly(std::uint32_t other) {
  constexpr std::uint32_t kKernel = 0xC0100000;
  constexpr std::uint32_t kWindow = 0xFC000000;
  const std::uint32_t page = map(1);  // no page on either side is mapped
  const std::uint32_t end = page + kPage;
  const std::uint32_t code = address_of(reinterpret_cast<void*>(&read_at));
  const std::uint32_t self = call(Syscall::pid);
  const std::uint32_t write = number_of(Syscall::write);
  const std::uint32_t unmap = number_of(Syscall::unmap);
  const std::uint32_t read = number_of(Syscall::read_process);
  const std::uint32_t info = number_of(Syscall::file_info);
  const std::uint32_t map_file = number_of(Syscall::map_file);
  const Request requests[] = {
      {0, 0, 0, 0, 0, UserError::no_such_call},
      {11, 0, 0, 0, 0, UserError::no_such_call},
      {0x80000000, page, 1, 0, 0, UserError::no_such_call},
      {UINT32_MAX, 0, 0, 0, 0, UserError::no_such_call},

      {write, 0, 1, 0, 0, UserError::bad_address},
      {write, kKernel, 16, 0, 0, UserError::bad_address},
      {write, kWindow, 16, 0, 0, UserError::bad_address},
      {write, 0xBFFFFFFF, 2, 0, 0, UserError::bad_address},
      {write, UINT32_MAX, 4, 0, 0, UserError::bad_address},
      {write, page, UINT32_MAX, 0, 0, UserError::bad_size},
      {write, end - 1, 2, 0, 0, UserError::bad_address},

      {number_of(Syscall::map), 0, 0, 0, 0, UserError::out_of_memory},
      {number_of(Syscall::map), UINT32_MAX, 0, 0, 0, UserError::out_of_memory},
      {number_of(Syscall::map), 0x000C0000, 0, 0, 0, UserError::out_of_memory},
      {number_of(Syscall::map), 0x80000001, 0, 0, 0, UserError::out_of_memory},

      {unmap, page + 1, 1, 0, 0, UserError::bad_address},
      {unmap, page, 0, 0, 0, UserError::bad_size},
      {unmap, page, 2, 0, 0, UserError::bad_address},
      {unmap, page, UINT32_MAX, 0, 0, UserError::bad_size},
      {unmap, page, 0x00100000, 0, 0, UserError::bad_size},
      {unmap, 0, 1, 0, 0, UserError::bad_address},
      {unmap, kKernel & ~(kPage - 1), 1, 0, 0, UserError::bad_address},
      {unmap, kWindow, 1, 0, 0, UserError::bad_address},
      {unmap, 0xFFFFF000, 1, 0, 0, UserError::bad_address},

      {read, 0, page, page, 4, UserError::no_such_process},
      {read, UINT32_MAX, page, page, 4, UserError::no_such_process},
      {read, self, kKernel, page, 4, UserError::bad_address},
      {read, self, page, kKernel, 4, UserError::bad_address},
      {read, self, page, kWindow, 4, UserError::bad_address},
      {read, self, page, code, 4, UserError::bad_address},
      {read, self, page, 0, 4, UserError::bad_address},
      {read, self, page, page, UINT32_MAX, UserError::bad_address},
      {read, self, page, end - 2, 4, UserError::bad_address},
      {read, self, end - 2, page, 4, UserError::bad_address},
      {read, self, UINT32_MAX, page, 4, UserError::bad_address},
      {read, other, kKernel, page, 4, UserError::bad_address},
      {read, other, 0, page, 4, UserError::bad_address},

      {info, UINT32_MAX, page, 0, 0, UserError::no_such_file},
      {info, 0, 0, 0, 0, UserError::bad_address},
      {info, 0, kKernel, 0, 0, UserError::bad_address},
      {info, 0, kWindow, 0, 0, UserError::bad_address},
      {info, 0, 0xBFFFFFF8, 0, 0, UserError::bad_address},
      {info, 0, UINT32_MAX, 0, 0, UserError::bad_address},
      {info, 0, code, 0, 0, UserError::bad_address},
      {info, 0, end - 8, 0, 0, UserError::bad_address},
      {map_file, 64, 0, 0, 0, UserError::no_such_file},
      {map_file, UINT32_MAX, 0, 0, 0, UserError::no_such_file},
  };
  const auto refused =
      static_cast<std::size_t>(std::count_if(std::begin(requests), std::end(requests), is_refused));
  say("trespass: {} of {} wild system calls are refused\n", refused, std::size(requests));
  return refused == std::size(requests) ? 0 : 3;
}

}  // namespace

std::uint32_t run(std::string_view arguments) {
  const std::string_view what = next_word(arguments);
  const std::uint32_t number = next_number(arguments, 0);
  if (what == "call") return call_wildly(number);
  for (const Deed& deed : kDeeds) {
    if (deed.name != what) continue;
    deed.act(number);
    say("trespass: it was not ended for {}\n", what);
    return 3;
  }
  say("trespass: what is {}?\n", what);
  return 2;
}

}  // namespace kmapper::program
