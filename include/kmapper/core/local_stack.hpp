// The stack of what one thread holds mapped by kmap_local() (local_map.hpp). The platform keeps one
// for each thread; the core works on it.
#pragma once

#include <stdint.h>

#include "kmapper/core/atomic.hpp"

namespace kmapper {

/// A local slot. Slots are counted through all CPUs, kLocalDepth for each CPU.
enum class LocalSlot : uint32_t {};

[[nodiscard]] constexpr uint32_t to_number(LocalSlot slot) { return static_cast<uint32_t>(slot); }

/// The most mappings that a CPU holds at a time, for its thread and the interrupts on top of it.
inline constexpr uint32_t kLocalDepth = 32;

/// Pte: the value of an entry. Atomic: the platform's. A stack must be empty when it is made, and
/// destroyed before its thread.
template <class Pte, template <class> class Atomic>
class LocalStack {
 public:
  /// Whether the thread may continue on another CPU. For the scheduler, while the thread does not
  /// run.
  [[nodiscard]] bool is_empty() const { return depth_.load(memory_order_relaxed) == 0; }

 private:
  template <class P>
  friend class LocalMapper;

  // Written by its thread, and by interrupts on top of it, which restore it before they return. So
  // it needs no locked instruction, only an order, and only as this CPU sees it.
  Atomic<uint32_t> depth_{};
  const void* callers_[kLocalDepth]{};  // the code that made the mappings
  Pte kept_[kLocalDepth]{};             // the entries, while the thread does not run
};

}  // namespace kmapper
