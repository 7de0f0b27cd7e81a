// The two 32-bit values that the whole protocol turns on.
//
// SlotWord, one per slot, is the slot's pkmap_count together with all that must change in the same
// instruction:
//
//    31        18  17    16   15         2      1            0
//   +------------+------+---------------------+------------+------------+
//   | generation | live |        users        | not parked | referenced |
//   +------------+------+---------------------+------------+------------+
//                         bit 16 = saturated
//
//   users       0: clean, or being changed; 1: mapped and idle; n + 1: pinned by n users.
//   saturated   the top bit of users. A hit refuses to count past it, so users never wrap.
//   live        the slot maps the page that its generation stands for.
//   generation  changes whenever the slot is taken back.
//   not parked  0: the slot is parked, and its last kunmap must take the slow exit.
//   referenced  set by a hit, cleared by the scavenger's hand: the second chance.
//
// PageVirtual, one per page, is the seed's page->virtual. Its high half equals the high half of the
// word that a hit must find (generation, live, not saturated); its low half is the slot, counted
// from 1. No slot is 0, so zeroed memory is a valid array of unmapped pages. Where flushes are
// posted, a page that has lost its slot keeps in the high half the low 15 bits of a post's number
// (posted_flushes.hpp), and the saturated bit. When that post has passed, no TLB holds the page.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kmapper {

/// A slot of the window, counted from 0.
enum class SlotIndex : uint32_t {};
inline constexpr SlotIndex kNoSlot{UINT32_MAX};

[[nodiscard]] constexpr uint32_t to_number(SlotIndex slot) { return static_cast<uint32_t>(slot); }

namespace word {

inline constexpr uint32_t kReferenced = 1U << 0;
inline constexpr uint32_t kNotParked = 1U << 1;
inline constexpr uint32_t kUser = 1U << 2;
inline constexpr uint32_t kSaturated = 1U << 16;
inline constexpr uint32_t kLive = 1U << 17;
inline constexpr uint32_t kGeneration = 1U << 18;
inline constexpr uint32_t kIdentity = 0xFFFF0000U;  // what a hit compares

inline constexpr uint32_t kIdle = kUser;
inline constexpr uint32_t kOneUser = 2 * kUser;

/// kunmap takes the slow exit when the low half of the word it found is below this: the slot was
/// not pinned at all (misuse), or it was parked and this was its last user. One comparison tests
/// both.
inline constexpr uint16_t kSlowExit = kOneUser | kNotParked;

/// The users of a slot, plus one; see the drawing above.
[[nodiscard]] constexpr uint32_t users(uint32_t word) { return (word & (kLive - 1)) / kUser; }
[[nodiscard]] constexpr bool is_live(uint32_t word) { return (word & kLive) != 0; }
[[nodiscard]] constexpr bool is_idle(uint32_t word) { return is_live(word) && users(word) == 1; }
[[nodiscard]] constexpr bool is_pinned(uint32_t word) { return is_live(word) && users(word) > 1; }
[[nodiscard]] constexpr bool is_parked(uint32_t word) { return (word & kNotParked) == 0; }
[[nodiscard]] constexpr uint32_t generation(uint32_t word) { return word / kGeneration; }

/// Idle, not parked and not referenced: what the scavenger's hand takes. All but the generation.
inline constexpr uint32_t kState = kGeneration - 1;
inline constexpr uint32_t kTakeable = kLive | kIdle | kNotParked;

/// The word of a slot that has just been taken back: no hit can find it, and its next page will
/// have another generation.
[[nodiscard]] constexpr uint32_t dead_after(uint32_t word) {
  return ((word & ~kState) + kGeneration) | kNotParked;
}

/// The same, for a word whose state is kTakeable: one addition.
[[nodiscard]] constexpr uint32_t dead_after_takeable(uint32_t word) {
  return word + kGeneration - kLive - kIdle;
}

/// The word that publishes a dead slot, with its first user. One addition is enough, because all
/// bits of a dead word are 0 but its generation and kNotParked. A miss does not set `referenced`: a
/// page earns its second chance by being used again.
[[nodiscard]] constexpr uint32_t published(uint32_t dead) { return dead + kLive + kOneUser; }

/// The word of storage entry 0, which is no slot. kunmap of a page that is not mapped changes this
/// word, takes the slow exit, and so needs no test of its own. The word is not live, so no
/// PageVirtual matches it. It takes several subtractions until the word no longer leads to the slow
/// exit.
inline constexpr uint32_t kSentinel = 0x80000008U;
static_assert(kSentinel % 0x10000U < kSlowExit && (kSentinel & (kLive | kSaturated)) == 0);

}  // namespace word

namespace page_virtual {

inline constexpr uint32_t kNone = 0;

/// Whether the page has a slot.
[[nodiscard]] constexpr bool has_slot(uint32_t value) { return (value & 0xFFFFU) != 0; }
/// The PageVirtual of a page that has lost its slot: no TLB holds it any more when the post with
/// this number of 15 bits has passed. No word of a slot matches it.
[[nodiscard]] constexpr uint32_t lost(uint32_t number) {
  return number * (2 * word::kSaturated) + word::kSaturated;
}
/// `value` must be of lost().
[[nodiscard]] constexpr uint32_t lost_number(uint32_t value) {
  return value / (2 * word::kSaturated);
}

/// The PageVirtual that finds the dead slot `slot` once it is published.
[[nodiscard]] constexpr uint32_t make(SlotIndex slot, uint32_t dead) {
  return dead - word::kNotParked + word::kLive + to_number(slot) + 1;
}
/// The index of the slot's entry in storage (0: the sentinel).
[[nodiscard]] constexpr size_t entry(uint32_t value) { return value & 0xFFFFU; }
/// The page must have one.
[[nodiscard]] constexpr SlotIndex slot(uint32_t value) { return SlotIndex{(value & 0xFFFFU) - 1}; }
/// Whether `word` is the word of the mapping that `value` names, with room for one more user.
[[nodiscard]] constexpr bool matches(uint32_t value, uint32_t word) {
  return ((value ^ word) & word::kIdentity) == 0;
}
/// The word of that mapping when it is idle, referenced and not parked: nearly every hit finds it.
[[nodiscard]] constexpr uint32_t expected_idle(uint32_t value) {
  return (value & word::kIdentity) | word::kIdle | word::kNotParked | word::kReferenced;
}

}  // namespace page_virtual
}  // namespace kmapper
