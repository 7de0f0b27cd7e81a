// A process: a program in ring 3, with an address space and one thread of its own. It ends when its
// program ends, when it does something forbidden, or when it is told to. Its memory then goes back;
// this object remains for the thread that waits for the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernel/sched/mutex.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/user/address_space.hpp"
#include "kernel/user/elf.hpp"
#include "kernel/user/programs.hpp"

namespace kmapper::kernel {

/// The number of a process: counted from 1, never used again.
enum class Pid : std::uint32_t {};
[[nodiscard]] constexpr std::uint32_t to_number(Pid pid) { return static_cast<std::uint32_t>(pid); }

inline constexpr std::size_t kMaxProcesses = 64;
inline constexpr std::size_t kMaxArguments = 256;  // characters

/// How a process ended.
struct ProcessEnd {
  enum class How : std::uint8_t {
    exited,
    faulted,  // it did something forbidden
    told,     // by process_tell_to_end()
    died,     // the kernel's thread of it died, and has reported why
  };
  How how;
  std::uint32_t code;  // its exit code
};

enum class StartError : std::uint8_t {
  none,
  bad_program,
  out_of_memory,
  too_many_processes,
  too_many_arguments,
};
[[nodiscard]] std::string_view describe(StartError error);

class Process {
 public:
  Process(const Program& program, Pid pid) : program_(program), pid_(pid) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] Pid pid() const { return pid_; }
  [[nodiscard]] std::string_view name() const { return program_.name; }
  /// The process's thread may read it without the mutex, but not change it.
  [[nodiscard]] AddressSpace& space() { return space_; }
  /// Guards the address space.
  [[nodiscard]] Mutex& mutex() { return mutex_; }
  [[nodiscard]] bool is_told_to_end() const { return told_.load(std::memory_order_relaxed); }
  /// Whether the process is over, except for process_wait().
  [[nodiscard]] bool has_ended() const { return ended_.load(std::memory_order_acquire); }

 private:
  friend struct ProcessLife;

  AddressSpace space_{};
  Program program_;
  Pid pid_;
  Mutex mutex_{};
  Thread* thread_ = nullptr;
  UserAddr entry_{};
  UserAddr arguments_{};  // on its stack
  std::uint32_t arguments_size_ = 0;
  std::uint32_t users_ = 1;  // of this object; guarded by the lock of the table of processes
  std::atomic<bool> told_{false};
  std::atomic<bool> ended_{false};
  ProcessEnd end_{ProcessEnd::How::died, 0};
};

/// Starts a program from any file. The caller must wait for the process. Needs a context that may
/// sleep, as do the calls below.
[[nodiscard]] Result<Process*, StartError> process_start(const Program& program,
                                                         std::string_view arguments);
/// Sleeps until the process has ended; the object is gone then. Once.
ProcessEnd process_wait(Process& process);

/// Makes the process end when it next enters ring 3 or sleeps. False: there is no such process.
bool process_tell_to_end(Pid pid);

/// Copies a process's memory into that of the calling process, page by page, through kmap(): only a
/// process's own thread can reach its memory by its addresses.
UserError process_read(Pid pid, UserAddr from, UserAddr to, std::uint32_t size);

/// Calls visit(process) for every process that has not been waited for.
void for_each_process(void (*visit)(Process& process, void* context), void* context);

// --- For a process's own thread ---

[[noreturn]] void process_exit(std::uint32_t code);
/// Its fault has been reported.
[[noreturn]] void process_end_by_fault();
/// Called before a return to ring 3. Returns with interrupts as they were.
void process_end_if_told();
/// The running process.
[[nodiscard]] Process& this_process();

}  // namespace kmapper::kernel
