// The random orders in which benches map pages. They come from bench/sequences.h, which Linux's
// side of `./dev bench linux` is compiled with too: the same pages in the same order.
#pragma once

#include <cstdint>
#include <span>

#include "bench/sequences.h"
#include "kernel/mm/page.hpp"

namespace kmapper::kernel {

/// `percent` of a hundred accesses go to the first 128 pages, the others to any page.
inline void make_mix(std::span<Page* const> pages, std::span<Page*> sequence, std::uint64_t seed,
                     std::uint32_t percent) {
  constexpr std::uint32_t kHotPages = 128;
  SequenceRandom random = sequence_seed(seed);
  const auto count = static_cast<std::uint32_t>(pages.size());
  for (Page*& page : sequence) page = pages[sequence_mix(&random, count, kHotPages, percent)];
}

/// Chooses the n-th page as often as Zipf's law with the exponent 0.99 says. `sums` has room for
/// the weights of as many pages.
inline void make_zipf(std::span<Page* const> pages, std::span<Page*> sequence, std::uint64_t seed,
                      std::span<std::uint32_t> sums) {
  SequenceRandom random = sequence_seed(seed);
  const auto count = static_cast<std::uint32_t>(pages.size());
  sequence_zipf_sums(sums.data(), count);
  for (Page*& page : sequence) page = pages[sequence_zipf(&random, sums.data(), count)];
}

}  // namespace kmapper::kernel
