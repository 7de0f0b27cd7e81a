// The block function keeps the eight working variables in locals, and unrolls sixteen rounds, with
// the variables renamed instead of moved: an i386 has few registers, and would otherwise spend its
// time on memory. The message schedule is a ring of sixteen words; each is made just before it is
// used.
#include "kernel/lib/sha256.hpp"

#include <algorithm>
#include <bit>

namespace kmapper::kernel {
namespace {

using Word = std::uint32_t;
using UnalignedWord [[gnu::may_alias, gnu::aligned(1)]] = std::uint32_t;

constexpr std::array<Word, 64> kRoundConstants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The functions of FIPS 180-4, section 4.1.2, under its names.
[[gnu::always_inline]] inline Word big_sigma0(Word x) {
  return std::rotr(x, 2) ^ std::rotr(x, 13) ^ std::rotr(x, 22);
}
[[gnu::always_inline]] inline Word big_sigma1(Word x) {
  return std::rotr(x, 6) ^ std::rotr(x, 11) ^ std::rotr(x, 25);
}
[[gnu::always_inline]] inline Word sigma0(Word x) {
  return std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3;
}
[[gnu::always_inline]] inline Word sigma1(Word x) {
  return std::rotr(x, 17) ^ std::rotr(x, 19) ^ x >> 10;
}
[[gnu::always_inline]] inline Word ch(Word x, Word y, Word z) { return z ^ (x & (y ^ z)); }
[[gnu::always_inline]] inline Word maj(Word x, Word y, Word z) { return (x & y) | (z & (x | y)); }

// One round; the caller rotates the names.
[[gnu::always_inline]] inline void round(Word a, Word b, Word c, Word& d, Word e, Word f, Word g,
                                         Word& h, Word input) {
  const Word t = h + big_sigma1(e) + ch(e, f, g) + input;
  d += t;
  h = t + big_sigma0(a) + maj(a, b, c);
}

Word load_big_endian(const std::uint8_t* bytes) {
  const Word word = *reinterpret_cast<const UnalignedWord*>(bytes);
  if constexpr (std::endian::native == std::endian::big) return word;
  return __builtin_bswap32(word);
}

void store_big_endian(std::uint8_t* bytes, Word word) {
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(word >> (24 - 8 * i));
}

}  // namespace

void Sha256::add_block(const std::uint8_t* block) {
  Word w[16];
  Word a = state_[0], b = state_[1], c = state_[2], d = state_[3];
  Word e = state_[4], f = state_[5], g = state_[6], h = state_[7];
  // Sixteen rounds from round `first`; input(i) makes the i-th of their words.
  const auto sixteen = [&](std::size_t first, auto input) __attribute__((always_inline)) {
    const auto in = [&](std::size_t i) __attribute__((always_inline)) {
      return kRoundConstants[first + i] + input(i);
    };
    for (std::size_t i = 0; i < 16; i += 8) {
      round(a, b, c, d, e, f, g, h, in(i));
      round(h, a, b, c, d, e, f, g, in(i + 1));
      round(g, h, a, b, c, d, e, f, in(i + 2));
      round(f, g, h, a, b, c, d, e, in(i + 3));
      round(e, f, g, h, a, b, c, d, in(i + 4));
      round(d, e, f, g, h, a, b, c, in(i + 5));
      round(c, d, e, f, g, h, a, b, in(i + 6));
      round(b, c, d, e, f, g, h, a, in(i + 7));
    }
  };
  sixteen(
      0, [&](std::size_t i)
             __attribute__((always_inline)) { return w[i] = load_big_endian(block + 4 * i); });
  for (std::size_t first = 16; first < 64; first += 16) {
    sixteen(
        first, [&](std::size_t i) __attribute__((always_inline)) {
          return w[i] += sigma1(w[(i + 14) & 15]) + w[(i + 9) & 15] + sigma0(w[(i + 1) & 15]);
        });
  }
  const std::array<Word, 8> sum{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state_[i] += sum[i];
}

void Sha256::update(std::span<const std::uint8_t> bytes) {
  const std::size_t used = size_ % kBlock;
  size_ += bytes.size();
  if (used > 0) {
    const std::size_t taken = std::min(bytes.size(), kBlock - used);
    std::copy_n(bytes.begin(), taken, rest_.begin() + used);
    bytes = bytes.subspan(taken);
    if (used + taken < kBlock) return;
    add_block(rest_.data());
  }
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) add_block(bytes.data());
  std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

Sha256::Digest Sha256::finish() {
  const std::uint64_t bits = size_ * 8;
  // A one bit, zeros up to the last eight bytes of a block, the length in bits.
  std::array<std::uint8_t, kBlock + 8> padding{0x80};
  const std::size_t zeros = (2 * kBlock - 8 - size_ % kBlock - 1) % kBlock;
  store_big_endian(padding.data() + 1 + zeros, static_cast<Word>(bits >> 32));
  store_big_endian(padding.data() + 5 + zeros, static_cast<Word>(bits));
  update({padding.data(), 1 + zeros + 8});
  Digest digest;
  for (std::size_t i = 0; i < 8; ++i) store_big_endian(digest.data() + 4 * i, state_[i]);
  return digest;
}

}  // namespace kmapper::kernel
