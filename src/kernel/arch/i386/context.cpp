#include "arch/context.hpp"

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {
namespace {

// What switch_context() pops, and the return address that `entry` never uses.
struct FirstFrame {
  std::uint32_t ebp, edi, esi, ebx;
  void (*entry)();
  std::uint32_t no_return;
};

}  // namespace

Context make_context(void* stack_top, void (*entry)()) {
  auto* const frame = static_cast<FirstFrame*>(stack_top) - 1;
  *frame = {0, 0, 0, 0, entry, 0};
  return {to_number(to_virt(frame))};
}

}  // namespace kmapper::kernel
