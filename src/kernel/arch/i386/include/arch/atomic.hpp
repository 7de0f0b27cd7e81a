// Atomics whose compare-and-swap and additions use a memory operand. The compiler's own first
// compute the address into a register: two instructions more on a path of thirty. All locked
// instructions of x86 are full barriers, and all its loads acquire (Intel SDM vol. 3A, 9.2). So
// memory orders matter here only to the compiler, and for a sequentially consistent store.
#pragma once

#include <atomic>
#include <cstdint>

namespace kmapper::kernel {

/// The part of std::atomic's interface that kmapper uses, for values of 4 bytes.
template <class T>
class Atomic {
  static_assert(sizeof(T) == 4);  // NOLINT(bugprone-sizeof-expression): the size of T is meant

 public:
  constexpr Atomic() : value_{} {}
  constexpr explicit Atomic(T value) : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  [[nodiscard]] T load(std::memory_order order) const {
    const T value = *const_cast<const volatile T*>(&value_);
    std::atomic_signal_fence(order == std::memory_order_relaxed ? order
                                                                : std::memory_order_acq_rel);
    return value;
  }
  void store(T value, std::memory_order order) {
    __atomic_store(&value_, &value, static_cast<int>(order));
  }
  T exchange(T value, std::memory_order /*order*/) {
    asm volatile("xchgl %0, %1" : "+r"(value), "+m"(value_)::"memory");
    return value;
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order /*success*/,
                               std::memory_order /*failure*/) {
    bool swapped;
    asm volatile("lock cmpxchgl %3, %1"
                 : "=@ccz"(swapped), "+m"(value_), "+a"(expected)
                 : "r"(desired)
                 : "memory");
    return swapped;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  T fetch_add(T value, std::memory_order /*order*/) {
    asm volatile("lock xaddl %0, %1" : "+r"(value), "+m"(value_)::"cc", "memory");
    return value;
  }
  T fetch_sub(T value, std::memory_order order) { return fetch_add(T{} - value, order); }
  T fetch_or(T bits, std::memory_order order) {
    return __atomic_fetch_or(&value_, bits, static_cast<int>(order));
  }
  T fetch_and(T bits, std::memory_order order) {
    return __atomic_fetch_and(&value_, bits, static_cast<int>(order));
  }

 private:
  T value_;
};

}  // namespace kmapper::kernel
