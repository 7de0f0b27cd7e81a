/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The sequences of pages that the benches map, made the same way from the same seeds in kmapper's
 * kernel and, for `./dev bench linux`, in Linux. It is valid C and C++, with integers only, because
 * a kernel has no floating point. Random numbers are PCG32 (O'Neill, 2014). Zipf's weights,
 * rank^-0.99, come from a binary logarithm and power in fixed point; they are exact to about 1 in
 * 4,000 at the rarest rank.
 */
#pragma once

#ifdef __KERNEL__
#include <linux/types.h>
typedef u32 sequence_u32;
typedef u64 sequence_u64;
#else
#include <cstdint>
using sequence_u32 = std::uint32_t;
using sequence_u64 = std::uint64_t;
#endif

/* Random numbers that a seed repeats. */
struct SequenceRandom {
  sequence_u64 state;
};

/* 32 random bits. */
static inline sequence_u32 sequence_next(struct SequenceRandom* random) {
  const sequence_u64 old = random->state;
  const sequence_u32 mixed = (sequence_u32)((old >> 18 ^ old) >> 27);
  const sequence_u32 turn = (sequence_u32)(old >> 59);
  random->state = old * 6364136223846793005ULL + 1442695040888963407ULL;
  return mixed >> turn | mixed << (-turn & 31);
}

/* The generator that `seed` starts. */
static inline struct SequenceRandom sequence_seed(sequence_u64 seed) {
  struct SequenceRandom random = {seed + 1442695040888963407ULL};
  (void)sequence_next(&random);
  return random;
}

/* A random number below `bound`, which must not be 0. */
static inline sequence_u32 sequence_below(struct SequenceRandom* random, sequence_u32 bound) {
  return (sequence_u32)((sequence_u64)sequence_next(random) * bound >> 32);
}

/* An index below `pages`; `percent` of a hundred are below `hot`, the others anywhere. */
static inline sequence_u32 sequence_mix(struct SequenceRandom* random, sequence_u32 pages,
                                        sequence_u32 hot, sequence_u32 percent) {
  const int is_hot = sequence_below(random, 100) < percent;
  return sequence_below(random, is_hot ? hot : pages);
}

/* The binary logarithm of `number` (1 to 2^31), times 2^24: each squaring of the mantissa gives a
 * bit. */
static inline sequence_u32 sequence_log2(sequence_u32 number) {
  sequence_u32 whole = 0;
  sequence_u32 fraction = 0;
  sequence_u64 mantissa; /* in [1, 2), times 2^31 */
  int bit;
  while (number >> whole > 1) ++whole;
  mantissa = (sequence_u64)number << (31 - whole);
  for (bit = 0; bit < 24; ++bit) {
    mantissa = mantissa * mantissa >> 31;
    fraction <<= 1;
    if (mantissa >> 32 != 0) {
      mantissa >>= 1;
      fraction |= 1;
    }
  }
  return whole << 24 | fraction;
}

/* 2^(-exponent / 2^24), times 2^28, for an exponent below 28 * 2^24. */
static inline sequence_u32 sequence_exp2(sequence_u32 exponent) {
  /* 2^(-1/2), 2^(-1/4), ... times 2^32: one factor for each bit of the fraction */
  static const sequence_u32 kFactors[24] = {
      0xB504F334U, 0xD744FCCBU, 0xEAC0C6E8U, 0xF5257D15U, 0xFA83B2DBU, 0xFD3E0C0DU,
      0xFE9E115CU, 0xFF4ECB59U, 0xFFA75652U, 0xFFD3A752U, 0xFFE9D2B3U, 0xFFF4E91CU,
      0xFFFA747FU, 0xFFFD3A3BU, 0xFFFE9D1DU, 0xFFFF4E8EU, 0xFFFFA747U, 0xFFFFD3A3U,
      0xFFFFE9D2U, 0xFFFFF4E9U, 0xFFFFFA74U, 0xFFFFFD3AU, 0xFFFFFE9DU, 0xFFFFFF4FU,
  };
  sequence_u64 power = 1ULL << 32;
  int bit;
  for (bit = 0; bit < 24; ++bit) {
    if ((exponent >> (23 - bit) & 1) != 0) power = power * kFactors[bit] >> 32;
  }
  return (sequence_u32)(power >> (exponent >> 24) >> 4);
}

/*
 * Fills `sums` for sequence_zipf(): sums[i] is the weight of the ranks 1 to i + 1 together, each
 * rank^-0.99. `ranks` is at most 65,536, whose weights fit.
 */
static inline void sequence_zipf_sums(sequence_u32* sums, sequence_u32 ranks) {
  sequence_u32 sum = 0;
  sequence_u32 rank;
  for (rank = 1; rank <= ranks; ++rank) {
    const sequence_u64 logarithm = sequence_log2(rank);
    /* 0.99 is 1,038,090 / 2^20, to within 3 in 10^7 */
    sum += sequence_exp2((sequence_u32)(logarithm * 1038090 >> 20));
    sums[rank - 1] = sum;
  }
}

/* An index below `ranks`, index 0 the likeliest: the first whose sum is above a random number. */
static inline sequence_u32 sequence_zipf(struct SequenceRandom* random, const sequence_u32* sums,
                                         sequence_u32 ranks) {
  const sequence_u32 weight = sequence_below(random, sums[ranks - 1]);
  sequence_u32 first = 0;
  sequence_u32 last = ranks - 1;
  while (first < last) {
    const sequence_u32 middle = first + (last - first) / 2;
    if (sums[middle] > weight) {
      last = middle;
    } else {
      first = middle + 1;
    }
  }
  return first;
}
