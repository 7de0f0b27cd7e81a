// A prompt on the serial line. Commands run in this thread; programs run in processes, in the
// background if the line ends with a &.
#include <algorithm>

#include "arch/clock.hpp"
#include "kernel/drivers/serial.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/jobs/shell_areas.hpp"
#include "kernel/jobs/shell_window.hpp"
#include "kernel/lib/command_line.hpp"
#include "kernel/lib/line_editor.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/user/process.hpp"

namespace kmapper::kernel {
namespace {

class Shell {
 public:
  explicit Shell(const BootInfo& boot, const FileStore& files) : boot_(boot), files_(files) {}

  void run();

 private:
  struct Command {
    std::string_view name, arguments, about;
    void (Shell::*act)(std::string_view arguments);
  };
  [[nodiscard]] static std::span<const Command> commands();

  void obey(std::string_view line);
  void reap();
  void end_all();
  void report(Process& process);

  void help(std::string_view arguments);
  void map(std::string_view arguments);
  void free(std::string_view arguments);
  void slots(std::string_view arguments);
  void holders(std::string_view arguments);
  void hold(std::string_view arguments);
  void let_go(std::string_view arguments);
  void vmalloc(std::string_view arguments);
  void vfree(std::string_view arguments);
  void areas(std::string_view arguments);
  void statistics(std::string_view arguments);
  void files(std::string_view arguments);
  void start(std::string_view arguments);
  void processes(std::string_view arguments);
  void end(std::string_view arguments);
  void quit(std::string_view arguments);

  const BootInfo& boot_;
  const FileStore& files_;
  HeldPages held_{};
  ShellAreas areas_{};
  std::array<Process*, kMaxProcesses> processes_{};  // those that run in the background
  bool quits_ = false;
};

std::span<const Shell::Command> Shell::commands() {
  static constexpr Command kCommands[] = {
      {"help", "", "this list", &Shell::help},
      {"map", "", "what lies where in the address space, and how much memory there is",
       &Shell::map},
      {"free", "", "free pages", &Shell::free},
      {"slots", "", "the window's slots, and the pages that are pinned", &Shell::slots},
      {"holders", "[MS]", "mappings that are held for longer than so many milliseconds",
       &Shell::holders},
      {"hold", "PAGES", "maps pages of high memory, and holds them", &Shell::hold},
      {"let-go", "", "unmaps all held pages", &Shell::let_go},
      {"vmalloc", "PAGES", "allocates pages at consecutive addresses", &Shell::vmalloc},
      {"vfree", "NUMBER", "frees what vmalloc allocated", &Shell::vfree},
      {"areas", "", "what vmalloc has allocated, and how the vmap range is used", &Shell::areas},
      {"statistics", "", "what the window has done since boot", &Shell::statistics},
      {"files", "", "the files in high memory", &Shell::files},
      {"start", "PROGRAM [ARGUMENT...] [&]", "runs a program in ring 3; with &, beside the shell",
       &Shell::start},
      {"processes", "", "those that run", &Shell::processes},
      {"end", "PID", "ends a process", &Shell::end},
      {"quit", "", "ends the machine", &Shell::quit},
  };
  return kCommands;
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return word;
}

// The number in the arguments; nothing, after a message, if they are not one number.
std::optional<std::uint32_t> number_of(std::string_view arguments) {
  const auto number = parse_number(take_word(arguments));
  if (!number || !arguments.empty()) print("one number is needed\n");
  return arguments.empty() ? number : std::nullopt;
}

std::string_view describe(ProcessEnd::How how) {
  switch (how) {
    case ProcessEnd::How::exited:
      return "exited";
    case ProcessEnd::How::faulted:
      return "was ended by a fault";
    case ProcessEnd::How::told:
      return "was ended";
    case ProcessEnd::How::died:
      return "died of a fault in the kernel";
  }
  return "";
}

void Shell::run() {
  LineEditor editor;
  print("\"help\" lists what can be done.\n");
  while (!quits_) {
    reap();
    print("kmapper> ");
    do {
      print("{}", editor.take(serial_read()));
    } while (!editor.has_ended());
    obey(editor.line());
  }
  end_all();
}

void Shell::obey(std::string_view line) {
  while (line.ends_with(' ')) line.remove_suffix(1);
  const std::string_view name = take_word(line);
  if (name.empty()) return;
  const auto all = commands();
  const auto command = std::find_if(all.begin(), all.end(),
                                    [name](const Command& known) { return known.name == name; });
  if (command == all.end()) return print("there is no command {}: try help\n", name);
  if (command->arguments.empty() && !line.empty()) return print("{} takes no argument\n", name);
  (this->*command->act)(line);
}

void Shell::help(std::string_view /*arguments*/) {
  for (const Command& command : commands()) {
    char usage[64];
    print("  {:36} {}\n", format_to(usage, "{} {}", command.name, command.arguments),
          command.about);
  }
  print("programs:\n");
  for (const Program& program : programs()) print("  {:10} {}\n", program.name, program.about);
}

void Shell::map(std::string_view /*arguments*/) { print_address_space(boot_); }

void Shell::free(std::string_view /*arguments*/) {
  const PageCounts counts = page_counts();
  print("free: {} of {} pages of low memory, {} of {} pages of high memory\n", counts.low_free,
        counts.low, counts.high_free, counts.high);
}

void Shell::slots(std::string_view /*arguments*/) { print_slots(); }

void Shell::holders(std::string_view arguments) {
  const auto milliseconds = arguments.empty() ? 0 : number_of(arguments);
  if (milliseconds) print_holders(*milliseconds);
}

void Shell::hold(std::string_view arguments) {
  const auto pages = number_of(arguments);
  if (!pages) return;
  const std::uint32_t before = held_.count();
  const std::uint32_t held = held_.hold(*pages);
  print("{} pages are held{}\n", held,
        held - before < *pages ? "; there is no slot, or no memory, for more" : "");
}

void Shell::let_go(std::string_view /*arguments*/) {
  print("{} pages were held\n", held_.let_go());
}

void Shell::vmalloc(std::string_view arguments) {
  const auto pages = number_of(arguments);
  if (pages) areas_.allocate(*pages);
}

void Shell::vfree(std::string_view arguments) {
  const auto number = number_of(arguments);
  if (number) areas_.free(*number);
}

void Shell::areas(std::string_view /*arguments*/) { areas_.print_all(); }

void Shell::statistics(std::string_view /*arguments*/) { print_statistics(); }

void Shell::files(std::string_view /*arguments*/) {
  for (std::size_t i = 0; i < files_.all().size(); ++i) {
    const File& file = files_.all()[i];
    print("  {:3} {:10} bytes  {}\n", i, file.size, file.name);
  }
  if (files_.all().empty()) print("there are none\n");
}

void Shell::report(Process& process) {
  const Pid pid = process.pid();
  const std::string_view name = process.name();
  const ProcessEnd end = process_wait(process);
  print("process {} \"{}\" {}", pid, name, describe(end.how));
  if (end.how == ProcessEnd::How::exited) print(" with {}", end.code);
  print("\n");
}

void Shell::start(std::string_view arguments) {
  const bool beside = arguments.ends_with('&');
  if (beside) arguments.remove_suffix(1);
  while (arguments.ends_with(' ')) arguments.remove_suffix(1);
  const std::string_view name = take_word(arguments);
  const Program* const program = find_program(name);
  if (program == nullptr) return print("there is no program {}: help lists them\n", name);
  auto* const free = std::find(processes_.begin(), processes_.end(), nullptr);
  if (beside && free == processes_.end()) return print("too many processes run\n");
  const auto process = process_start(*program, arguments);
  if (!process) return print("{} is not started: {}\n", name, describe(process.error()));
  if (!beside) return report(**process);
  *free = *process;
  print("process {} \"{}\" runs\n", (*process)->pid(), name);
}

void Shell::processes(std::string_view /*arguments*/) {
  const auto show = [](Process& process, void* /*context*/) {
    const Locked guard(process.mutex());
    print("  {:5} {:10} {:8} pages, {:5} of page tables\n", process.pid(), process.name(),
          process.space().pages(), process.space().table_pages());
  };
  for_each_process(show, nullptr);
}

void Shell::end(std::string_view arguments) {
  const auto pid = number_of(arguments);
  if (pid && !process_tell_to_end(Pid{*pid})) print("there is no process {}\n", *pid);
}

void Shell::quit(std::string_view /*arguments*/) { quits_ = true; }

// Reports and frees the processes that have ended by now.
void Shell::reap() {
  for (Process*& process : processes_) {
    if (process == nullptr || !process->has_ended()) continue;
    report(*process);
    process = nullptr;
  }
}

void Shell::end_all() {
  (void)held_.let_go();
  areas_.free_all();
  for (Process*& process : processes_) {
    if (process == nullptr) continue;
    (void)process_tell_to_end(process->pid());
    report(*process);
    process = nullptr;
  }
}

/// job=shell: copies the boot modules to high memory, and executes the commands that the user types
/// on the serial line.
Outcome shell_job(const BootInfo& boot) {
  FileStore files;
  for (const BootModule& module : boot.modules) {
    const Outcome stored = store_file(module, files);
    if (stored.has_failed()) return stored;
  }
  serial_start_input();
  Shell(boot, files).run();
  return passed();
}
KMAPPER_JOB("shell", shell_job);

}  // namespace

}  // namespace kmapper::kernel
