// The stacks that are part of the image: the boot stack, which becomes the stack of CPU 0's idle
// thread, and one for the double faults of each CPU. Each grows down towards a page that
// paging_init() unmaps.
#pragma once

#include "arch/cpu.hpp"
#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

struct GuardedStack {
  unsigned char guard[kPageSize];
  unsigned char stack[2 * kPageSize];

  [[nodiscard]] void* top() { return stack + sizeof stack; }
};

extern "C" GuardedStack boot_stack;  // boot.S knows its size
extern GuardedStack double_fault_stacks[kMaxCpus];

}  // namespace kmapper::kernel
