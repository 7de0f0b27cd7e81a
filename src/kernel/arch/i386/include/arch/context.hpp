// The saved context of a thread that does not run: a stack pointer. All else lies on its stack.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

struct Context {
  std::uint32_t esp;
};

/// A context that starts in `entry`, which must not return, on the stack that ends at `stack_top`.
[[nodiscard]] Context make_context(void* stack_top, void (*entry)());

/// Saves the running context in `from` and continues with `to`. Returns when a CPU switches to
/// `from`. Interrupts must be disabled.
extern "C" void switch_context(Context* from, const Context* to);

}  // namespace kmapper::kernel
