// Atomic: std::atomic's interface, as far as the core needs it, over the compiler's builtins.
// libstdc++'s <atomic> includes some 200 headers of the system, which a kernel does not have, or
// whose names clash with its own.
#pragma once

#if defined(__arm__) && __ARM_ARCH < 6  // g++ would call Linux for a compare-and-swap
#error "kmapper needs lock-free atomics of 32 bits: on ARM, a CPU from ARMv6 on"
#endif

namespace kmapper {

template <class T>
concept Enum = __is_enum(T);

/// How an access is ordered with those around it: [atomics.order] of the C++ standard. Converts to
/// std::memory_order, so that a platform's Atomic may be std::atomic, too.
struct MemoryOrder {
  int builtin;  // the compiler's number, which is std::memory_order's
  template <Enum Order>
  constexpr operator Order() const {  // NOLINT(google-explicit-constructor)
    return static_cast<Order>(builtin);
  }
};
// NOLINTBEGIN(readability-identifier-naming): the standard's names
inline constexpr MemoryOrder memory_order_relaxed{__ATOMIC_RELAXED};
inline constexpr MemoryOrder memory_order_acquire{__ATOMIC_ACQUIRE};
inline constexpr MemoryOrder memory_order_release{__ATOMIC_RELEASE};
inline constexpr MemoryOrder memory_order_acq_rel{__ATOMIC_ACQ_REL};
inline constexpr MemoryOrder memory_order_seq_cst{__ATOMIC_SEQ_CST};
// NOLINTEND(readability-identifier-naming)

/// Keeps the compiler from moving accesses across it. The CPU may: for what only this CPU, or an
/// interrupt on it, looks at.
inline void compiler_barrier() { asm volatile("" ::: "memory"); }

/// T: an integer, an enum or a pointer, or what is as small and trivially copyable. All zeros are a
/// valid Atomic.
template <class T>
class Atomic {
 public:
  // NOLINTNEXTLINE(readability-identifier-naming): std::atomic's name
  static constexpr bool is_always_lock_free = __atomic_always_lock_free(sizeof(T), nullptr);

  constexpr Atomic() : value_{} {}
  constexpr Atomic(T value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  [[nodiscard, gnu::always_inline]] T load(MemoryOrder order = memory_order_seq_cst) const {
    T value;
    __atomic_load(&value_, &value, order.builtin);
    return value;
  }
  [[gnu::always_inline]] void store(T value, MemoryOrder order = memory_order_seq_cst) {
#if defined(__riscv) && !defined(__clang__) && __GNUC__ < 13
    // This compiler makes an AMO of each atomic store.
    if constexpr (sizeof(T) <= sizeof(void*) && requires(volatile T & it) { it = value; }) {
      if (order.builtin == __ATOMIC_RELAXED) {
        *const_cast<volatile T*>(&value_) = value;
        return;
      }
    }
#endif
    __atomic_store(&value_, &value, order.builtin);
  }
  [[gnu::always_inline]] T exchange(T value, MemoryOrder order = memory_order_seq_cst) {
    T before;
    __atomic_exchange(&value_, &value, &before, order.builtin);
    return before;
  }
  [[gnu::always_inline]] bool compare_exchange_strong(T& expected, T desired, MemoryOrder success,
                                                      MemoryOrder failure) {
    return __atomic_compare_exchange(&value_, &expected, &desired, false, success.builtin,
                                     failure.builtin);
  }
  [[gnu::always_inline]] bool compare_exchange_weak(T& expected, T desired, MemoryOrder success,
                                                    MemoryOrder failure) {
    return __atomic_compare_exchange(&value_, &expected, &desired, true, success.builtin,
                                     failure.builtin);
  }
  [[gnu::always_inline]] T fetch_add(T number, MemoryOrder order = memory_order_seq_cst) {
    return __atomic_fetch_add(&value_, number, order.builtin);
  }
  [[gnu::always_inline]] T fetch_sub(T number, MemoryOrder order = memory_order_seq_cst) {
    return __atomic_fetch_sub(&value_, number, order.builtin);
  }
  [[gnu::always_inline]] T fetch_or(T bits, MemoryOrder order = memory_order_seq_cst) {
    return __atomic_fetch_or(&value_, bits, order.builtin);
  }
  [[gnu::always_inline]] T fetch_and(T bits, MemoryOrder order = memory_order_seq_cst) {
    return __atomic_fetch_and(&value_, bits, order.builtin);
  }

 private:
  alignas(sizeof(T)) T value_;
};

}  // namespace kmapper
