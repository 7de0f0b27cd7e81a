// A 64-bit value that 32-bit code accesses without a 64-bit atomic operation. A thread that reads
// it during a write may see half of the old and half of the new value. So it is read only where no
// thread writes it, or where such a value does no harm.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace kmapper::process {

template <class T>
class Wide {
 public:
  static constexpr bool kIsWhole = sizeof(std::uintptr_t) == sizeof(T);  // read at once

  [[nodiscard]] T load(std::memory_order order) const {
    std::uint64_t value = 0;
    for (std::size_t i = kParts; i-- != 0;)
      value = shifted(value) | std::uint64_t{parts_[i].load(order)};
    return static_cast<T>(value);
  }
  void store(T value, std::memory_order order) {
    for (std::size_t i = 0; i < kParts; ++i) parts_[i].store(part(value, i), order);
  }
  /// load() == value, without combining the halves.
  [[nodiscard]] bool is(T value, std::memory_order order) const {
    Part difference = 0;
    for (std::size_t i = 0; i < kParts; ++i) difference |= parts_[i].load(order) ^ part(value, i);
    return difference == 0;
  }

 private:
  using Part = std::uintptr_t;
  static_assert(sizeof(T) == sizeof(std::uint64_t));
  static constexpr std::size_t kParts = 64 / std::numeric_limits<Part>::digits;
  static constexpr unsigned kPartBits = kParts == 1 ? 0 : 32;

  [[nodiscard]] static std::uint64_t shifted(std::uint64_t value) {
    return kPartBits != 0 ? value << kPartBits : 0;
  }
  [[nodiscard]] static Part part(T value, std::size_t i) {
    return static_cast<Part>(static_cast<std::uint64_t>(value) >> (i * kPartBits));
  }

  std::array<std::atomic<Part>, kParts> parts_{};
};

}  // namespace kmapper::process
