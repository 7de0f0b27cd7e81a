// The parts of the C++ library that the core uses, made anew: a freestanding compiler need not have
// them, and their headers include those of the system.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Marks a function that reports the code that called it. It finds that code by its return address,
/// so it is not inlined. kernel.cpp defines this otherwise, and says why.
#ifndef KMAPPER_REPORTS_ITS_CALLER
#define KMAPPER_REPORTS_ITS_CALLER [[gnu::noinline]]
#endif

/// A build for speed inlines such a step wherever it is used, and unrolls such a loop over a few
/// slots: both save instructions in a miss. A build for size has one copy of the step, and the
/// loop.
#ifdef __OPTIMIZE_SIZE__
#define KMAPPER_INLINE_FOR_SPEED [[gnu::noinline]]
#define KMAPPER_UNROLL_FOR_SPEED
#else
#define KMAPPER_INLINE_FOR_SPEED [[gnu::always_inline]]
#define KMAPPER_UNROLL_FOR_SPEED _Pragma("GCC unroll 4")
#endif

namespace kmapper {

/// std::same_as, in one direction.
template <class A, class B>
concept SameAs = __is_same(A, B);

/// Several objects in a row: std::span. Anything with data() and size() becomes one, such as a
/// std::vector; and it becomes a std::span where one is wanted.
template <class T>
class Span {
 public:
  constexpr Span() = default;
  constexpr Span(T* data, size_t size) : data_(data), size_(size) {}
  template <size_t kSize>
  constexpr Span(T (&array)[kSize])  // NOLINT(google-explicit-constructor): as std::span
      : data_(array), size_(kSize) {}
  template <class Range>
  requires requires(Range& range, T* data) {
    data = range.data();
    range.size();
  }
  // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload)
  constexpr Span(Range&& range) : data_(range.data()), size_(range.size()) {}

  [[nodiscard]] constexpr T* data() const { return data_; }
  [[nodiscard]] constexpr size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr T* begin() const { return data_; }
  [[nodiscard]] constexpr T* end() const { return data_ + size_; }
  [[nodiscard]] constexpr T& operator[](size_t index) const { return data_[index]; }
  [[nodiscard]] constexpr Span first(size_t count) const { return {data_, count}; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

namespace library {

/// std::exchange, for what is trivially copyable.
template <class T, class U = T>
constexpr T exchange(T& object, U value) {
  const T before = object;
  object = value;
  return before;
}

template <class T>
[[nodiscard]] constexpr T smaller(T one, T other) {
  return other < one ? other : one;
}

/// std::conditional.
template <bool kFirst, class A, class B>
struct Choose {
  using Type = A;
};
template <class A, class B>
struct Choose<false, A, B> {
  using Type = B;
};

/// std::index_sequence.
template <size_t... i>
struct Indices {};
template <size_t kCount, size_t... i>
struct MakeIndices : MakeIndices<kCount - 1, kCount - 1, i...> {};
template <size_t... i>
struct MakeIndices<0, i...> {
  using Type = Indices<i...>;
};

/// The number of the lowest bit that is set; one must be. (std::countr_zero)
[[nodiscard]] constexpr uint32_t lowest_bit(uint32_t bits) {
#if defined(__riscv) && !defined(__riscv_zbb)
  // Without an instruction for it the builtin calls a library. A multiplication by a de Bruijn
  // sequence moves another pattern of 5 bits to the top for each bit (Leiserson, Prokop, Randall:
  // "Using de Bruijn Sequences to Index a 1 in a Computer Word", MIT 1998).
  constexpr uint8_t kNumbers[32] = {0,  1,  28, 2,  29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4,  8,
                                    31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6,  11, 5,  10, 9};
  return kNumbers[((bits & -bits) * 0x077CB531U) >> 27];
#else
  return static_cast<uint32_t>(__builtin_ctz(bits));
#endif
}

/// std::popcount. The builtin may call a library.
[[nodiscard]] constexpr uint32_t count_bits(uint32_t bits) {
  uint32_t count = 0;
  for (; bits != 0; bits &= bits - 1) ++count;
  return count;
}

}  // namespace library
}  // namespace kmapper
