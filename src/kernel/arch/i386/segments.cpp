#include "segments.hpp"

#include "arch/per_cpu.hpp"
#include "arch/user_mode.hpp"
#include "boot_stacks.hpp"
#include "kernel/mm/address.hpp"
#include "kernel/mm/page.hpp"

namespace kmapper::kernel {

constinit PerCpu per_cpu[kMaxCpus]{};

extern "C" {
void double_fault_entry();
extern unsigned char page_directory_pointers[];
}

namespace {

// SDM 3A 3.4.5, "Segment Descriptors".
struct Descriptor {
  std::uint32_t low, high;
};

constexpr std::uint32_t kFlatCode = 0x00CF9A00;  // 4 GiB, 32 bits, ring 0, execute and read
constexpr std::uint32_t kFlatData = 0x00CF9200;  // the same, read and write
constexpr std::uint32_t kUserCode = 0x00CFFA00;  // the same two in ring 3
constexpr std::uint32_t kUserData = 0x00CFF200;
constexpr std::uint32_t kTaskState = 0x00008900;  // a 32-bit task state, not busy

constexpr std::uint32_t kFlatLimit = 0xFFFFF;

Descriptor make_descriptor(std::uint32_t base, std::uint32_t limit, std::uint32_t flags) {
  return {(base << 16) | (limit & 0xFFFF),
          (base & 0xFF000000) | flags | (limit & 0xF0000) | ((base >> 16) & 0xFF)};
}

constexpr std::size_t entry_of(Selector selector) { return static_cast<std::size_t>(selector) / 8; }

// Aligned so that no task state crosses a page.
struct alignas(256) CpuTables {
  TaskState task;
  TaskState double_fault_task;
  Descriptor segments[8];
};
constinit CpuTables tables[kMaxCpus]{};

struct [[gnu::packed]] TableRegister {
  std::uint16_t limit;
  std::uint32_t base;
};

std::uint32_t address_of(const void* pointer) { return to_number(to_virt(pointer)); }

// The task runs with interrupts off, on a stack of its own, until it returns to the interrupted
// task.
void init_double_fault_task(TaskState& task, GuardedStack& stack, std::uint32_t cr3) {
  task.cr3 = cr3;
  task.eip = address_of(reinterpret_cast<const void*>(&double_fault_entry));
  task.esp = address_of(stack.top());
  task.eflags = 2;
  task.cs = static_cast<std::uint16_t>(Selector::code);
  task.ss = task.ds = task.es = static_cast<std::uint16_t>(Selector::data);
  task.fs = static_cast<std::uint16_t>(Selector::per_cpu);
  task.io_map = sizeof(TaskState);
}

void load(const CpuTables& of_cpu) {
  const TableRegister gdt{sizeof of_cpu.segments - 1, address_of(of_cpu.segments)};
  asm volatile(
      "lgdt %0\n\t"
      "ljmp %1, $1f\n"
      "1:\n\t"
      "movl %2, %%ds\n\t"
      "movl %2, %%es\n\t"
      "movl %2, %%ss\n\t"
      "movl %3, %%fs\n\t"
      "movl %4, %%gs\n\t"
      "ltr %5"
      :
      : "m"(gdt), "i"(Selector::code), "r"(static_cast<std::uint32_t>(Selector::data)),
        "r"(static_cast<std::uint32_t>(Selector::per_cpu)), "r"(0U),
        "r"(static_cast<std::uint16_t>(Selector::task))
      : "memory");
}

}  // namespace

void segments_init(std::uint32_t cpu) {
  CpuTables& own = tables[cpu];
  const auto cr3 = static_cast<std::uint32_t>(to_number(direct_to_phys(page_directory_pointers)));
  own.task.cr3 = cr3;
  own.task.ss0 = static_cast<std::uint16_t>(Selector::data);
  own.task.io_map = sizeof(TaskState);
  init_double_fault_task(own.double_fault_task, double_fault_stacks[cpu], cr3);

  own.segments[entry_of(Selector::code)] = make_descriptor(0, kFlatLimit, kFlatCode);
  own.segments[entry_of(Selector::data)] = make_descriptor(0, kFlatLimit, kFlatData);
  own.segments[entry_of(Selector::per_cpu)] =
      make_descriptor(cpu * sizeof(PerCpu), kFlatLimit, kFlatData);
  own.segments[entry_of(Selector::task)] =
      make_descriptor(address_of(&own.task), sizeof(TaskState) - 1, kTaskState);
  own.segments[entry_of(Selector::double_fault_task)] =
      make_descriptor(address_of(&own.double_fault_task), sizeof(TaskState) - 1, kTaskState);
  own.segments[entry_of(Selector::user_code)] = make_descriptor(0, kFlatLimit, kUserCode);
  own.segments[entry_of(Selector::user_data)] = make_descriptor(0, kFlatLimit, kUserData);
  per_cpu[cpu].number = cpu;
  per_cpu[cpu].first_local_slot = LocalSlot{cpu * kLocalDepth};
  load(own);
}

void set_trap_stack(void* top) { interrupted_task().esp0 = address_of(top); }

TaskState& interrupted_task() { return tables[this_cpu::read(this_cpu::fields.number)].task; }

std::uint64_t count_of_cpu(CpuNumber cpu, const std::uint64_t& field) {
  const auto offset = reinterpret_cast<std::uintptr_t>(&field) -
                      reinterpret_cast<std::uintptr_t>(&this_cpu::fields);
  const auto* const halves = reinterpret_cast<const volatile std::uint32_t*>(
      reinterpret_cast<std::uintptr_t>(&per_cpu[to_number(cpu)]) + offset);
  // An increment may carry between the reads of the two halves; then the high half has changed.
  std::uint32_t high = 0;
  std::uint32_t low = 0;
  do {
    high = halves[1];
    low = halves[0];
  } while (high != halves[1]);
  return std::uint64_t{high} << 32 | low;
}

std::uint64_t sum_over_cpus(const std::uint64_t& field) {
  std::uint64_t sum = 0;
  for (std::uint32_t cpu = 0; cpu < kMaxCpus; ++cpu) sum += count_of_cpu(CpuNumber{cpu}, field);
  return sum;
}

}  // namespace kmapper::kernel
