// Correct processes: programs run, and read files and each other; processes start and end without
// losing a page; a program's file may hold anything.
#include <algorithm>

#include "arch/cpus.hpp"
#include "arch/interrupts.hpp"
#include "arch/user_mode.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/prng.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/user/files.hpp"
#include "tests/kernel/self_test/program_run.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

using How = ProcessEnd::How;

// --- Files ---

// A file of so many bytes, all of them 'a'.
bool add_file(FileStore& files, std::uint32_t size) {
  File* const file = files.add("letters", size);
  if (file == nullptr) return false;
  for (std::uint32_t done = 0; done < size; done += kPageSize) {
    Page* const page = alloc_pages(GFP_HIGHMEM, 0);
    if (page == nullptr || !file->pages.add(page, 0)) return false;
    char text[64];
    std::fill(std::begin(text), std::end(text), 'a');
    for (std::uint32_t at = 0; at < kPageSize; at += sizeof text)
      memcpy_to_page(page, at, text, sizeof text);
  }
  return true;
}

// The digests are those of sha256sum.
Outcome a_process_hashes_files_that_are_mapped_into_it() {
  const std::uint32_t free = free_pages_now();
  {
    FileStore files;
    if (!add_file(files, 0) || !add_file(files, 1) || !add_file(files, 100'000))
      return failed("no memory");
    constexpr std::string_view kDigests[] = {
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  0 letters",
        "sha256 ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  1 letters",
        "sha256 6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee  2 letters",
    };
    for (std::uint32_t i = 0; i < std::size(kDigests); ++i) {
      char index[4];
      const ProgramRun run("sha256", format_to(index, "{}", i));
      if (!run.ended(How::exited, 0) || !run.said(kDigests[i])) {
        print("{}", run.text());
        return failed("the digest is not right");
      }
    }
    const ProgramRun missing("sha256", "3");
    if (!missing.ended(How::exited, 1) || !missing.said("no such file"))
      return failed("there is no file 3");
  }
  return free_pages_now() == free ? passed() : failed("memory was lost");
}

// --- Reading another process ---

Outcome peek_shows(const HeldMemory& held, std::uint32_t offset, std::uint32_t size) {
  const UserAddr from = HeldMemory::kFirst + offset;
  char arguments[64];
  const ProgramRun run(
      "peek", format_to(arguments, "{} 0x{:x} {}", held.process().pid(), to_number(from), size));
  std::string_view rest = run.text();
  for (std::uint32_t i = 0; i < size; ++i) {
    char byte[4];
    if (i % 16 == 0) rest.remove_prefix(std::min(rest.find("  ") + 1, rest.size()));
    if (!rest.starts_with(format_to(byte, " {:02x}", held.byte(from + i)))) {
      print("byte {} of {} at {:08x}\n{}", i, size, to_number(from), run.text());
      return failed("a byte is not the one that is there");
    }
    rest.remove_prefix(3);
  }
  return run.ended(How::exited, 0) ? passed() : failed("peek did not finish");
}

Outcome a_process_reads_another_across_page_borders() {
  const HeldMemory held(3);
  if (!held.is_held()) return failed("the other process does not hold its memory");
  constexpr struct {
    std::uint32_t offset, size;
  } kPieces[] = {{0, 1},
                 {0, 64},
                 {60, 7},
                 {kPageSize - 1, 2},
                 {kPageSize - 67, 133},
                 {kPageSize - 5, kPageSize + 10},
                 {3 * kPageSize - 1, 1}};
  const std::uint64_t misses = highmem.stats().misses + highmem.stats().hits;
  for (const auto& piece : kPieces) {
    const Outcome shown = peek_shows(held, piece.offset, piece.size);
    if (shown.has_failed()) return shown;
  }
  Page* const page = held.process().space().find(HeldMemory::kFirst)->page;
  if (is_high(page) && highmem.stats().misses + highmem.stats().hits < misses + 10)
    return failed("it was not read through the window");
  return passed();
}

Outcome what_another_process_has_not_mapped_is_not_read() {
  const HeldMemory held(3);
  if (!held.is_held()) return failed("the other process does not hold its memory");
  for (const std::uint32_t offset : {UINT32_MAX, 3 * kPageSize, 3 * kPageSize - 1}) {
    char arguments[64];
    const ProgramRun run("peek", format_to(arguments, "{} 0x{:x} 2", held.process().pid(),
                                           to_number(HeldMemory::kFirst + offset)));
    if (!run.ended(How::exited, 1) || !run.said("an address that is not the process's"))
      return failed("it read what is not there");
  }
  return passed();
}

// Processes are read while they take memory, while they free it, and when they are gone.
Outcome a_process_may_end_while_it_is_read() {
  constexpr int kRounds = 40;
  const std::uint32_t free = free_pages_now();
  for (int i = 0; i < kRounds; ++i) {
    const auto target = process_start(*find_program("fill"), "64");
    if (!target) return failed("no memory for a process");
    const std::uint32_t pid = to_number((*target)->pid());
    Process* readers[3]{};
    for (Process*& reader : readers) {
      char arguments[64];
      const auto started = process_start(*find_program("peek"),
                                         format_to(arguments, "{} 0x10001000 16384 1000", pid));
      if (started) reader = *started;
    }
    bool right = process_wait(**target).how == How::exited;
    for (Process* const reader : readers) {
      right = reader != nullptr && process_wait(*reader).how == How::exited && right;
    }
    if (!right) return failed("a process did not end");
  }
  return free_pages_now() == free ? passed() : failed("memory was lost");
}

// --- Coming and going ---

// fill checks that its pages are zero. Another process has just used them.
Outcome pages_are_zeroed_before_a_process_sees_them() {
  for (int i = 0; i < 2; ++i) {
    const ProgramRun run("fill", "2000");
    if (!run.ended(How::exited, 0) || !run.said("2000 pages of its own"))
      return failed("a page was not zero, or did not hold what was written");
  }
  return passed();
}

Outcome page_tables_lie_in_high_memory() {
  const PageCounts before = page_counts();
  if (before.high_free < 100) return skipped(kNoHighMemory);
  AddressSpace space;
  const bool mapped = space.open() && space.map_at(kProgramBegin, 1, Access::write);
  const PageCounts after = page_counts();
  const std::uint32_t tables = space.table_pages();
  space.release();
  if (!mapped || tables != 4) return failed("no memory, or not four tables");
  return after.low_free == before.low_free && after.high_free == before.high_free - 5
             ? passed()
             : failed("they took low memory");
}

bool ends_when_told(std::string_view program, std::string_view arguments) {
  const auto process = process_start(*find_program(program), arguments);
  if (!process) return false;
  thread_sleep(5);
  return process_tell_to_end((*process)->pid()) && process_wait(**process).how == How::told;
}

// One process sleeps in the kernel, the other never calls it.
Outcome a_process_that_is_told_to_ends() {
  const std::uint32_t free = free_pages_now();
  if (!ends_when_told("fill", "100 1000000") || !ends_when_told("trespass", "spin"))
    return failed("it ended otherwise");
  if (process_tell_to_end(Pid{UINT32_MAX})) return failed("there is no such process");
  return free_pages_now() == free ? passed() : failed("memory was lost");
}

Outcome there_are_as_many_processes_as_there_can_be() {
  const std::uint32_t free = free_pages_now();
  Process* processes[kMaxProcesses]{};
  std::size_t size = 0;
  StartError error = StartError::none;
  for (; size < kMaxProcesses; ++size) {
    const auto process = process_start(*find_program("fill"), "1 1000000");
    error = process.error();
    if (!process) break;
    processes[size] = *process;
  }
  if (size == kMaxProcesses) error = process_start(*find_program("fill"), "1").error();
  for (std::size_t i = 0; i < size; ++i) {
    (void)process_tell_to_end(processes[i]->pid());
    (void)process_wait(*processes[i]);
  }
  if (error != StartError::too_many_processes) return failed(describe(error));
  return free_pages_now() == free ? passed() : failed("memory was lost");
}

// For a machine whose memory is quickly filled.
Outcome a_process_for_which_no_memory_is_left_is_not_started() {
  constexpr std::uint32_t kMostPages = (1U << 30) / kPageSize;
  const std::uint32_t free = free_pages_now();
  if (free > kMostPages) return skipped("this machine has much memory");
  const auto holder = process_start(*find_program("fill"), "4294967295 1000000");
  if (!holder) return failed("no memory for a process");
  StartError error = StartError::none;
  for (int i = 0; i < 2000 && error != StartError::out_of_memory; ++i) {
    thread_sleep(1);
    error = ProgramRun("fill", "1").error();
  }
  (void)process_tell_to_end((*holder)->pid());
  (void)process_wait(**holder);
  if (error != StartError::out_of_memory) return failed("it was started all the same");
  return free_pages_now() == free ? passed() : failed("memory was lost");
}

Outcome too_many_arguments_are_refused() {
  constexpr std::array<char, kMaxArguments + 1> kLong{};
  const std::uint32_t free = free_pages_now();
  const ProgramRun run("fill", {kLong.data(), kLong.size()});
  if (run.error() != StartError::too_many_arguments) return failed("they were taken");
  return free_pages_now() == free ? passed() : failed("memory was lost");
}

// --- Files that are no programs ---

// A program with some random bytes changed. It is refused, or ends on its own, or is told to end.
bool survives_changed_program(std::span<unsigned char> file, Prng& random) {
  const Program& original = *find_program("trespass");
  std::copy(original.file().begin(), original.file().end(), file.begin());
  constexpr std::uint32_t kHeaders = 52 + 4 * 32;
  for (std::uint32_t changes = 1 + random.below(8); changes > 0; --changes) {
    const auto size = static_cast<std::uint32_t>(file.size());
    file[random.below(random.below(2) == 0 ? kHeaders : size)] =
        static_cast<unsigned char>(random.next());
  }
  const Program changed{"changed", "", file.data(), file.data() + file.size()};
  const auto process = process_start(changed, "overflow-stack");
  if (!process) return process.error() == StartError::bad_program;
  for (int i = 0; i < 5 && !(*process)->has_ended(); ++i) thread_sleep(1);
  (void)process_tell_to_end((*process)->pid());
  return process_wait(**process).how != How::died;
}

Outcome a_changed_program_harms_nobody() {
  constexpr int kPrograms = 60;
  const std::size_t size = find_program("trespass")->file().size();
  unsigned order = 0;
  while (kPageSize << order < size) ++order;
  const auto memory = get_free_pages(GFP_KERNEL, order);
  if (!memory) return failed("no memory for a program");
  const std::uint32_t free = free_pages_now();
  Prng random(6);
  bool right = true;
  for (int i = 0; i < kPrograms && right; ++i) {
    right = survives_changed_program({static_cast<unsigned char*>(*memory), size}, random);
  }
  const bool lost = free_pages_now() != free;
  free_pages(direct_to_page(*memory), order);
  if (!right) return failed("the kernel failed a process");
  return lost ? failed("memory was lost") : passed();
}

// --- The kernel and user pages ---

constinit AddressSpace space;  // in the image, below 4 GiB, for CR3

// Runs in a thread that dies.
void touch_user_page(void* execute) {
  scheduler.use_directories(&space.directories());
  volatile unsigned char* const page =
      static_cast<unsigned char*>(to_pointer(VirtAddr{to_number(kProgramBegin)}));
  if (execute == nullptr) {
    (void)*page;
  } else {
    reinterpret_cast<void (*)()>(const_cast<unsigned char*>(page))();
  }
}

Outcome dies_at_a_user_page(Access access, bool executes) {
  constinit static unsigned char returns = 0xC3;
  Outcome outcome = failed("no memory");
  if (space.open() && space.map_at(kProgramBegin, 1, access)) {
    memcpy_to_page(space.find(kProgramBegin)->page, 0, &returns, 1);
    const Sacrifice thread(touch_user_page, executes ? &space : nullptr);
    constexpr std::string_view kWords[] = {"a page that forbids it", "below the kernel"};
    outcome = thread.expect_death(kWords);
  }
  space.release();
  return outcome;
}

Outcome the_kernel_cannot_read_user_pages_by_accident() {
  if (!user_protections().smap) return skipped("this CPU has no SMAP");
  return dies_at_a_user_page(Access::write, false);
}

Outcome the_kernel_cannot_execute_user_pages() {
  if (!user_protections().smep) return skipped("this CPU has no SMEP");
  return dies_at_a_user_page(Access::execute, true);
}

constexpr std::uint32_t kAlignmentCheck = 1U << 18;
constinit std::uint32_t flags_in_interrupt = UINT32_MAX;

// Although the interrupted code had opened them.
Outcome an_interrupt_finds_user_pages_closed() {
  set_interrupt_handler(Interrupt::software,
                        [] { flags_in_interrupt = static_cast<std::uint32_t>(interrupt_state()); });
  std::uint32_t after = 0;
  asm volatile(
      "pushf\n\torl %1, (%%esp)\n\tpopf\n\t"
      "int %2\n\t"
      "pushf\n\tpopl %0\n\t"
      "pushl $2\n\tpopf\n\tsti"
      : "=&r"(after)
      : "i"(kAlignmentCheck), "i"(static_cast<int>(Interrupt::software))
      : "memory", "cc");
  if ((after & kAlignmentCheck) == 0) return failed("the interrupt changed the flag for good");
  return (flags_in_interrupt & kAlignmentCheck) == 0 ? passed() : failed("they were open");
}

constexpr SelfTest kTests[] = {
    {"a process hashes files that are mapped into it",
     a_process_hashes_files_that_are_mapped_into_it},
    {"a process reads another across page borders", a_process_reads_another_across_page_borders},
    {"what another process has not mapped is not read",
     what_another_process_has_not_mapped_is_not_read},
    {"a process may end while it is read", a_process_may_end_while_it_is_read},
    {"pages are zeroed before a process sees them", pages_are_zeroed_before_a_process_sees_them},
    {"page tables lie in high memory", page_tables_lie_in_high_memory},
    {"a process that is told to ends", a_process_that_is_told_to_ends},
    {"there are as many processes as there can be", there_are_as_many_processes_as_there_can_be},
    {"a process for which no memory is left is not started",
     a_process_for_which_no_memory_is_left_is_not_started},
    {"too many arguments are refused", too_many_arguments_are_refused},
    {"a changed program harms nobody", a_changed_program_harms_nobody},
    {"the kernel cannot read user pages by accident",
     the_kernel_cannot_read_user_pages_by_accident},
    {"the kernel cannot execute user pages", the_kernel_cannot_execute_user_pages},
    {"an interrupt finds user pages closed", an_interrupt_finds_user_pages_closed},
};

}  // namespace

std::span<const SelfTest> process_tests() { return kTests; }

}  // namespace kmapper::kernel
