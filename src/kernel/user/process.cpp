// The object lies in a low page of its own, together with the page directory pointers, which CR3
// wants below 4 GiB. The table of processes leads to it. A thread that looks another process up
// becomes a user of the object, which keeps the object, and takes its mutex, which keeps its
// address space.
#include "kernel/user/process.hpp"

#include <algorithm>
#include <new>

#include "arch/user_mode.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/user/user_copy.hpp"

namespace kmapper::kernel {
namespace {

constinit Spinlock table_lock;
constinit std::array<Process*, kMaxProcesses> table{};  // guarded by table_lock
constinit std::uint32_t next_pid = 1;                   // the same

}  // namespace

// The steps of a process from its start to its end.
struct ProcessLife {
  static Process* create(const Program& program);
  static StartError load(Process& process, std::string_view arguments);
  static bool load(AddressSpace& space, const ElfSegment& segment);
  static bool put_arguments(Process& process, std::string_view arguments);
  static void run(void* argument);
  [[noreturn]] static void leave(Process& process, ProcessEnd end);
  static void release_memory(Process& process);
  static ProcessEnd wait(Process& process);
  static Process* find(Pid pid);
  static void let_go(Process& process);
  static bool enter_table(Process& process);
  static void forget(Process& process);
  static void tell(Process& process) { process.told_.store(true, std::memory_order_relaxed); }
  static void set_thread(Process& process, Thread* thread) { process.thread_ = thread; }
};

namespace {

// Keeps a process's object while the Visit exists, and keeps its address space unchanged.
class Visit {
 public:
  explicit Visit(Pid pid) : process_(ProcessLife::find(pid)) {}
  ~Visit() {
    if (process_ != nullptr) ProcessLife::let_go(*process_);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  [[nodiscard]] Process* process() const { return process_; }

 private:
  Process* process_;
};

// The bytes of `segment` in the page at `page`, which the segment touches.
struct Part {
  std::uint32_t offset_in_page, offset_in_segment, size;
};
Part content_in_page(const ElfSegment& segment, UserAddr page) {
  const std::uint32_t begin = std::max(to_number(page), to_number(segment.begin));
  const auto content_end =
      to_number(segment.begin) + static_cast<std::uint32_t>(segment.content.size());
  const std::uint32_t end = std::min(to_number(page) + kPageSize, content_end);
  return {begin - to_number(page), begin - to_number(segment.begin), begin < end ? end - begin : 0};
}

Access access_of(const ElfSegment& segment) {
  if (segment.executable) return Access::execute;
  return segment.writable ? Access::write : Access::read;
}

// How many of `size` bytes at `address` lie in the first page.
std::uint32_t bytes_in_page(UserAddr address, std::uint32_t size) {
  return std::min(size, kPageSize - to_number(address) % kPageSize);
}

// Reads bytes of one page of another process. The caller holds that process's mutex.
UserError read_page(AddressSpace& space, UserAddr from, UserAddr to, std::uint32_t size) {
  const std::optional<UserPage> mapped = space.find(from);
  if (!mapped) return UserError::bad_address;
  const auto* const bytes = static_cast<const unsigned char*>(kmap(mapped->page));
  const bool copied = copy_to_user(to, bytes + to_number(from) % kPageSize, size);
  kunmap(mapped->page);
  return copied ? UserError::none : UserError::bad_address;
}

}  // namespace

std::string_view describe(StartError error) {
  switch (error) {
    case StartError::none:
      return "started";
    case StartError::bad_program:
      return "the program's file is not right";
    case StartError::out_of_memory:
      return "out of memory";
    case StartError::too_many_processes:
      return "there are as many processes as there can be";
    case StartError::too_many_arguments:
      return "the arguments are too long";
  }
  return "unknown";
}

Process* ProcessLife::create(const Program& program) {
  static_assert(sizeof(Process) <= kPageSize);
  const auto memory = get_free_pages(GFP_KERNEL, 0);
  if (!memory) return nullptr;
  const Locked guard(table_lock);
  return new (*memory) Process(program, Pid{next_pid++});
}

bool ProcessLife::load(AddressSpace& space, const ElfSegment& segment) {
  const UserAddr first = segment.first_page();
  const std::uint32_t pages = (segment.end_of_pages() - first) / kPageSize;
  if (!space.map_at(first, pages, access_of(segment))) return false;
  for (std::uint32_t i = 0; i < pages; ++i) {
    const UserAddr at = first + i * kPageSize;
    const Part part = content_in_page(segment, at);
    if (part.size == 0) break;
    memcpy_to_page(space.find(at)->page, part.offset_in_page,
                   segment.content.data() + part.offset_in_segment, part.size);
  }
  return true;
}

// Puts the arguments at the upper end of the stack, which begins below them.
bool ProcessLife::put_arguments(Process& process, std::string_view arguments) {
  constexpr std::uint32_t kPages = (kStackEnd - kStackBegin) / kPageSize;
  constexpr UserAddr kAt{to_number(kStackEnd) - kMaxArguments};
  if (!process.space_.map_at(kStackBegin, kPages, Access::write)) return false;
  memcpy_to_page(process.space_.find(kAt)->page, to_number(kAt) % kPageSize, arguments.data(),
                 arguments.size());
  process.arguments_ = kAt;
  process.arguments_size_ = static_cast<std::uint32_t>(arguments.size());
  return true;
}

StartError ProcessLife::load(Process& process, std::string_view arguments) {
  if (arguments.size() > kMaxArguments) return StartError::too_many_arguments;
  const auto image = ElfImage::read(process.program_.file());
  if (!image) {
    print("program {}: {}\n", process.name(), describe(image.error()));
    return StartError::bad_program;
  }
  process.entry_ = (*image).entry();
  if (!process.space_.open()) return StartError::out_of_memory;
  for (const ElfSegment& segment : (*image).segments()) {
    if (!load(process.space_, segment)) return StartError::out_of_memory;
  }
  return put_arguments(process, arguments) ? StartError::none : StartError::out_of_memory;
}

// The first code of a process's thread.
void ProcessLife::run(void* argument) {
  auto& self = *static_cast<Process*>(argument);
  this_cpu::current()->set_process(&self);
  scheduler.use_directories(&self.space_.directories());
  constexpr std::uint32_t kReturnAddress = sizeof(std::uint32_t);  // leads to a null pointer
  enter_user_mode(to_number(self.entry_), to_number(self.arguments_) - kReturnAddress,
                  to_number(self.arguments_), self.arguments_size_);
}

void ProcessLife::release_memory(Process& process) {
  const Locked guard(process.mutex_);
  process.space_.release();
  process.ended_.store(true, std::memory_order_release);
}

void ProcessLife::leave(Process& process, ProcessEnd end) {
  enable_interrupts();
  process.end_ = end;
  scheduler.use_directories(nullptr);
  release_memory(process);
  thread_exit();
}

// A thread that dies in the kernel leaves the process's memory behind; wait() frees it.
ProcessEnd ProcessLife::wait(Process& process) {
  if (thread_join(*process.thread_) == Ending::died) {
    process.end_.how = ProcessEnd::How::died;
    release_memory(process);
  }
  const ProcessEnd end = process.end_;
  forget(process);
  return end;
}

Process* ProcessLife::find(Pid pid) {
  const Locked guard(table_lock);
  for (Process* const process : table) {
    if (process == nullptr || process->pid_ != pid) continue;
    ++process->users_;
    return process;
  }
  return nullptr;
}

void ProcessLife::let_go(Process& process) {
  {
    const Locked guard(table_lock);
    if (--process.users_ != 0) return;
  }
  process.~Process();
  free_pages(direct_to_page(&process), 0);
}

bool ProcessLife::enter_table(Process& process) {
  const Locked guard(table_lock);
  Process** const free = std::find(table.begin(), table.end(), nullptr);
  if (free == table.end()) return false;
  *free = &process;
  return true;
}

// Takes the process out of the table; its starter is no user of it any more.
void ProcessLife::forget(Process& process) {
  {
    const Locked guard(table_lock);
    std::replace(table.begin(), table.end(), &process, static_cast<Process*>(nullptr));
  }
  let_go(process);
}

Result<Process*, StartError> process_start(const Program& program, std::string_view arguments) {
  Process* const process = ProcessLife::create(program);
  if (process == nullptr) return StartError::out_of_memory;
  const auto give_up = [process](StartError error) {
    ProcessLife::release_memory(*process);
    ProcessLife::forget(*process);
    return error;
  };
  const StartError error = ProcessLife::load(*process, arguments);
  if (error != StartError::none) return give_up(error);
  if (!ProcessLife::enter_table(*process)) return give_up(StartError::too_many_processes);
  Thread* const thread = thread_create(process->name(), ProcessLife::run, process);
  if (thread == nullptr) return give_up(StartError::out_of_memory);
  ProcessLife::set_thread(*process, thread);
  return process;
}

ProcessEnd process_wait(Process& process) { return ProcessLife::wait(process); }

bool process_tell_to_end(Pid pid) {
  const Visit visit(pid);
  if (visit.process() == nullptr) return false;
  ProcessLife::tell(*visit.process());
  return true;
}

UserError process_read(Pid pid, UserAddr from, UserAddr to, std::uint32_t size) {
  if (!is_user_range(from, size) || !is_user_range(to, size)) return UserError::bad_address;
  const Visit visit(pid);
  if (visit.process() == nullptr) return UserError::no_such_process;
  while (size > 0) {
    const std::uint32_t part = bytes_in_page(from, size);
    const Locked guard(visit.process()->mutex());
    if (visit.process()->has_ended()) return UserError::no_such_process;
    const UserError error = read_page(visit.process()->space(), from, to, part);
    if (error != UserError::none) return error;
    from = from + part;
    to = to + part;
    size -= part;
  }
  return UserError::none;
}

void for_each_process(void (*visit)(Process& process, void* context), void* context) {
  for (std::size_t i = 0; i < kMaxProcesses; ++i) {
    Pid pid{};
    {
      const Locked guard(table_lock);
      if (table[i] == nullptr) continue;
      pid = table[i]->pid();
    }
    const Visit its(pid);
    if (its.process() != nullptr) visit(*its.process(), context);
  }
}

void process_exit(std::uint32_t code) {
  ProcessLife::leave(this_process(), {ProcessEnd::How::exited, code});
}

void process_end_by_fault() { ProcessLife::leave(this_process(), {ProcessEnd::How::faulted, 0}); }

void process_end_if_told() {
  if (this_process().is_told_to_end())
    ProcessLife::leave(this_process(), {ProcessEnd::How::told, 0});
}

Process& this_process() { return *this_cpu::current()->process(); }

}  // namespace kmapper::kernel
