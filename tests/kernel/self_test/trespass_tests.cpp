// What a process must not do: each in a process of its own, which must end with a report of its
// action and of what lies at the address. The machine goes on, and all memory comes back.
#include <algorithm>

#include "arch/paging.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/user/files.hpp"
#include "kernel/user/process.hpp"
#include "tests/kernel/self_test/program_run.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

using How = ProcessEnd::How;

struct Trespass {
  std::string_view arguments;
  std::string_view words[2];  // of the report
};

constexpr Trespass kTrespasses[] = {
    {"read 0", {"read of a page that is not mapped", "a null pointer"}},
    {"write 0xfff0", {"write to a page that is not mapped", "a null pointer"}},
    {"execute 0", {"a page that is not mapped", "a null pointer"}},
    {"read 0xc0100000", {"read of a page that forbids it", "the kernel's: the kernel's code"}},
    {"write 0xc0100000", {"write to a page that forbids it", "the kernel's: the kernel's code"}},
    {"read 0xc0000000", {"read of", "the kernel's: the direct map"}},
    {"write 0xe8000000", {"write to a page that forbids it", "the kernel's: mem_map"}},
    {"read 0xfbfff000", {"read of a page that is not mapped", "the guard page below the window"}},
    {"read 0xfc000000", {"read of", "the kernel's: slot 0"}},
    {"write 0xfc000fff", {"write to", "the kernel's: slot 0"}},
    {"read 0xfe200000", {"read of", "the kernel's: local slot 0"}},
    {"write 0xffa00000", {"write to a page that forbids it", "a device's registers"}},
    {"read 0xffffffff", {"read of", "the kernel's"}},
    {"execute 0xc0100000", {"a page that forbids it", "the kernel's: the kernel's code"}},
    {"write-code", {"write to a page that forbids it", "the process's, page"}},
    {"write-constant", {"write to a page that forbids it", "to be read"}},
    {"read-behind", {"read of a page that is not mapped", "nothing that the process has mapped"}},
    {"read-before", {"read of a page that is not mapped", "nothing that the process has mapped"}},
    {"read-unmapped", {"read of a page that is not mapped", "nothing that the process has mapped"}},
    {"overflow-stack",
     {"write to a page that is not mapped", "the guard below the process's stack"}},
    {"lose-stack", {"write to a page that", "the kernel's"}},
    {"unmap-program", {"a page that is not mapped", "no part of the program"}},
    {"disable-interrupts", {"general protection", "an instruction, or an address"}},
    {"halt", {"general protection", "an instruction, or an address"}},
    {"load-cr3", {"general protection", "an instruction, or an address"}},
    {"use-port", {"general protection", "an instruction, or an address"}},
    {"load-kernel-segment", {"general protection", "segment selector 10 is not for ring 3"}},
    {"load-task-segment", {"general protection", "segment selector 20 is not for ring 3"}},
    {"call-kernel-segment", {"general protection", "segment selector 8 is not for ring 3"}},
    {"timer-interrupt", {"general protection", "interrupt 40 is not for ring 3"}},
    {"page-fault-interrupt", {"general protection", "interrupt 0e is not for ring 3"}},
    {"double-fault-interrupt", {"general protection", "interrupt 08 is not for ring 3"}},
    {"divide-by-zero", {"divide error", "process"}},
    {"breakpoint", {"breakpoint", "process"}},
    {"overflow", {"overflow", "process"}},
    {"single-step", {"debug", "process"}},
    {"undefined", {"invalid opcode", "process"}},
    {"floating-point", {"no coprocessor", "process"}},
    {"sysenter", {"general protection", "an instruction, or an address"}},
};

// Only NX stops these.
constexpr Trespass kExecutions[] = {
    {"execute-data", {"execution of a page that forbids it", "to be read and written"}},
    {"execute-stack", {"execution of a page that forbids it", "to be read and written"}},
    {"execute-mapped", {"execution of a page that forbids it", "to be read and written"}},
};

bool is_ended(const Trespass& trespass) {
  const ProgramRun run("trespass", trespass.arguments);
  const bool right = run.ended(How::faulted, 0) && run.said("process ") &&
                     run.said("\"trespass\" ends: ") && run.said(trespass.words[0]) &&
                     run.said(trespass.words[1]) && run.said("are given back");
  if (!right)
    print("trespass {}: its report should say \"{}\" and \"{}\"\n", trespass.arguments,
          trespass.words[0], trespass.words[1]);
  return right;
}

// Tries all of them, so that all reports are shown.
bool are_ended(std::span<const Trespass> trespasses) {
  bool all = true;
  for (const Trespass& trespass : trespasses) all = is_ended(trespass) && all;
  return all;
}

Outcome every_trespass_ends_its_process() {
  const std::uint32_t free = free_pages_now();
  if (!are_ended(kTrespasses)) return failed("a process was not ended, or not reported");
  return free_pages_now() == free ? passed() : failed("memory was lost");
}

Outcome data_cannot_be_executed_in_ring_3() {
  if (!can_forbid_execution()) return skipped("this CPU has no NX");
  return are_ended(kExecutions) ? passed() : failed("data were executed");
}

bool add_file(FileStore& files) {
  File* const file = files.add("file", 1);
  Page* const page = alloc_pages(GFP_HIGHMEM, 0);
  return file != nullptr && page != nullptr && file->pages.add(page, 0);
}

Outcome a_file_cannot_be_written() {
  FileStore files;
  if (!add_file(files)) return failed("no memory");
  return is_ended({"write-file", {"write to a page that forbids it", "of a file, to be read"}})
             ? passed()
             : failed("a process wrote to a file");
}

// The mappings of another process are not there.
Outcome the_memory_of_another_process_is_not_mapped() {
  const HeldMemory other(3);
  if (!other.is_held()) return failed("the other process does not hold its memory");
  return is_ended({"read 0x10001000", {"read of a page that is not mapped", "nothing that"}})
             ? passed()
             : failed("a process read what is not its own");
}

Outcome wild_system_calls_are_refused() {
  FileStore files;
  if (!add_file(files)) return failed("no memory");
  const HeldMemory other(1);
  if (!other.is_held()) return failed("the other process does not hold its memory");
  char arguments[32];
  const ProgramRun run("trespass", format_to(arguments, "call {}", other.process().pid()));
  if (run.ended(How::exited, 0) && run.said("wild system calls are refused")) return passed();
  print("{}", run.text());
  return failed("a system call accepted a wrong argument");
}

constexpr SelfTest kTests[] = {
    {"every trespass ends its process", every_trespass_ends_its_process},
    {"data cannot be executed in ring 3", data_cannot_be_executed_in_ring_3},
    {"a file cannot be written", a_file_cannot_be_written},
    {"the memory of another process is not mapped", the_memory_of_another_process_is_not_mapped},
    {"wild system calls are refused", wild_system_calls_are_refused},
};

}  // namespace

std::span<const SelfTest> trespass_tests() { return kTests; }

}  // namespace kmapper::kernel
