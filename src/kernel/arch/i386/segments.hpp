// Segments and task states (SDM 3A 7.2, "Task Management Data Structures"). The kernel and ring 3
// have flat code and data each. The base of one more data segment makes %fs the per-CPU area. A CPU
// has a task state, and another one for double faults: these often mean a broken stack, and the
// switch to that state brings a good one (SDM 3A 6.15, "Interrupt 8").
#pragma once

#include <cstdint>

namespace kmapper::kernel {

enum class Selector : std::uint16_t {
  code = 0x08,
  data = 0x10,
  per_cpu = 0x18,
  task = 0x20,
  double_fault_task = 0x28,
  user_code = 0x30 | 3,  // with the privilege level of their selectors
  user_data = 0x38 | 3,
};

struct TaskState {
  std::uint32_t link;  // the interrupted task
  std::uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
  std::uint32_t cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
  std::uint32_t es, cs, ss, ds, fs, gs, ldt;
  std::uint16_t trap, io_map;
};
static_assert(sizeof(TaskState) == 104);

/// Loads CPU `cpu`'s segments, and with them its %fs.
void segments_init(std::uint32_t cpu);

/// What this CPU was doing when a double fault interrupted it; the return from the double fault
/// continues it.
[[nodiscard]] TaskState& interrupted_task();

}  // namespace kmapper::kernel
