// What one thread holds mapped on its CPU, by kmap_local() (local_map.hpp): a stack. The platform
// keeps one in each thread, and the core works on it.
#pragma once

#include <atomic>
#include <cstdint>

namespace kmapper {

/// A local slot: one entry of one CPU's own, counted through all CPUs, kLocalDepth each.
enum class LocalSlot : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t to_number(LocalSlot slot) {
  return static_cast<std::uint32_t>(slot);
}

/// How many mappings a CPU holds at a time for its thread and the interrupts on top of it.
inline constexpr std::uint32_t kLocalDepth = 32;

/// Pte: the value of an entry. Atomic: the platform's. Made empty, and gone before its thread.
template <class Pte, template <class> class Atomic>
class LocalStack {
 public:
  /// Whether the thread may go on on another CPU. For the scheduler: while the thread does not run.
  [[nodiscard]] bool is_empty() const { return depth_.load(std::memory_order_relaxed) == 0; }

 private:
  template <class P>
  friend class LocalMapper;

  // Written by its thread and by the interrupts on top of it, which leave it as they found it. So
  // it needs no locked instruction, only an order, and that only as this CPU sees it.
  Atomic<std::uint32_t> depth_{};
  const void* callers_[kLocalDepth]{};  // who made the mappings
  Pte kept_[kLocalDepth]{};             // the entries, while the thread does not run
};

}  // namespace kmapper
