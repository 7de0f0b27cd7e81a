// The loads: an order of places in a file, the same for all contenders.
//
//     uniform    any granule is as likely as any other; a line of each of its pages is read
//     zipf       the n-th granule is as likely as n^-0.99; one line of it, anywhere, is read
//     mix        nine of ten places are in a tenth of the granules; the same is read
//     scan       from one end to the other; every byte is read
//     beside     zipf; after each 256 accesses the same thread scans the next MiB of the file; only
//                the time of the accesses counts
//     writes     any line is as likely as any other, and is written; 256 writes, then a sync
//     uncached   one line of any granule, and nothing of the file is in memory when a round begins
//
// A line has 64 bytes. The likely granules are scattered over the file, so that they are neighbours
// only by chance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kmapper::bench {

enum class Load : std::uint8_t { uniform, zipf, mix, scan, beside, writes, uncached };
[[nodiscard]] const char* name_of(Load load);

inline constexpr std::size_t kLine = 64;
inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kWritesASync = 256;
inline constexpr std::size_t kAccessesAScan = 256;               // of the load `beside`
inline constexpr std::int64_t kScanned = std::int64_t{1} << 20;  // bytes after them

/// Random numbers that a seed repeats (splitmix64: Steele, Lea and Flood, 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }
  [[nodiscard]] std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n));
  }
  /// From 0 to 1, without 1.
  [[nodiscard]] double fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// The places of a load's operations, in their order.
[[nodiscard]] std::vector<std::int64_t> places_of(Load load, std::int64_t size,
                                                  std::int64_t granule, std::size_t count);

}  // namespace kmapper::bench
