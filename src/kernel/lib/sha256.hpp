// SHA-256 (FIPS 180-4), piece by piece.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kmapper::kernel {

class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  /// Adds bytes to the message. About 2,300 instructions of an i386 for 64 bytes. Any context.
  void update(std::span<const std::uint8_t> bytes);

  /// Ends the message and returns its digest. The last call.
  [[nodiscard]] Digest finish();

 private:
  static constexpr std::size_t kBlock = 64;

  void add_block(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, kBlock> rest_{};  // bytes that do not fill a block yet
  std::uint64_t size_ = 0;                   // bytes so far
};

}  // namespace kmapper::kernel
