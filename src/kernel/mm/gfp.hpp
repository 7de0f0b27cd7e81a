// Which memory an allocation may have. Each flag constant has its own type, so that the compiler
// knows constant flags; at run time flags are a GfpFlags.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

class GfpFlags {
 public:
  static constexpr std::uint32_t kHighmem = 1U << 0;

  constexpr explicit GfpFlags(std::uint32_t bits) : bits_(bits) {}
  [[nodiscard]] constexpr bool highmem() const { return (bits_ & kHighmem) != 0; }
  [[nodiscard]] friend constexpr GfpFlags operator|(GfpFlags a, GfpFlags b) {
    return GfpFlags{a.bits_ | b.bits_};
  }

 private:
  std::uint32_t bits_;
};

/// Flags that are known at compile time.
template <std::uint32_t kBits>
struct GfpConstant {
  static constexpr bool kPermitsHighmem = (kBits & GfpFlags::kHighmem) != 0;
  constexpr explicit(false) operator GfpFlags() const { return GfpFlags{kBits}; }  // NOLINT
};
template <std::uint32_t kA, std::uint32_t kB>
[[nodiscard]] constexpr GfpConstant<kA | kB> operator|(GfpConstant<kA> /*a*/,
                                                       GfpConstant<kB> /*b*/) {
  return {};
}

/// Constant flags that permit high memory.
template <class Flags>
concept ConstantHighmem = Flags::kPermitsHighmem;

/// Low memory, which has a permanent address.
inline constexpr GfpConstant<0> GFP_KERNEL{};  // NOLINT: the field's name
/// High memory; low memory if no high memory is left.
inline constexpr GfpConstant<GfpFlags::kHighmem> GFP_HIGHMEM{};  // NOLINT: the field's name

}  // namespace kmapper::kernel
