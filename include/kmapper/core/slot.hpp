// The two values that the whole protocol turns on. A platform chooses their width: words of 32 bits
// (kernels, 32-bit processes), or of 64 bits, which count more slots, users and generations.
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
// In a word of 64 bits, `saturated` is bit 32, `live` bit 33, and the generation has 30 bits.
//
// PageVirtual, one per page, is the seed's page->virtual. Its high half equals the high half of the
// word that a hit must find (generation, live, not saturated); its low half is the slot, counted
// from 1. No slot is 0, so zeroed memory is a valid array of unmapped pages. Where flushes are
// posted, a page that has lost its slot keeps in the high half the low bits of a post's number
// (posted_flushes.hpp), and the saturated bit. When that post has passed, no TLB holds the page.
//
// Longer than usual: both values, of both widths.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/library.hpp"

namespace kmapper {

/// A slot of the window, counted from 0.
enum class SlotIndex : uint32_t {};
inline constexpr SlotIndex kNoSlot{UINT32_MAX};

[[nodiscard]] constexpr uint32_t to_number(SlotIndex slot) { return static_cast<uint32_t>(slot); }

/// The type of a platform's slot words: P::SlotWord if it has one, else 32 bits.
template <class P>
struct ChooseSlotWord {
  using Type = uint32_t;
};
template <class P>
requires requires { typename P::SlotWord; }
struct ChooseSlotWord<P> {
  using Type = typename P::SlotWord;
};
template <class P>
using SlotWordOf = typename ChooseSlotWord<P>::Type;

// W, below: the type of a word.
namespace word {

/// The low half of a word.
template <class W>
using Half = typename library::Choose<sizeof(W) == 8, uint32_t, uint16_t>::Type;
template <class W>
inline constexpr unsigned kHalf = 4 * sizeof(W);  // bits

template <class W>
inline constexpr W kReferenced = 1;
template <class W>
inline constexpr W kNotParked = W{1} << 1;
template <class W>
inline constexpr W kUser = W{1} << 2;
template <class W>
inline constexpr W kSaturated = W{1} << kHalf<W>;
template <class W>
inline constexpr W kLive = W{1} << (kHalf<W> + 1);
template <class W>
inline constexpr W kGeneration = W{1} << (kHalf<W> + 2);
/// What a hit compares.
template <class W>
inline constexpr W kIdentity = W{static_cast<Half<W>>(-1)} << kHalf<W>;

template <class W>
inline constexpr W kIdle = kUser<W>;
template <class W>
inline constexpr W kOneUser = 2 * kUser<W>;

/// kunmap takes the slow exit when the low half of the word it found is below this: the slot was
/// not pinned at all (misuse), or it was parked and this was its last user. One comparison tests
/// both.
template <class W>
inline constexpr Half<W> kSlowExit = static_cast<Half<W>>(kOneUser<W> | kNotParked<W>);

/// The users of a slot, plus one; see the drawing above.
template <class W>
[[nodiscard]] constexpr uint32_t users(W word) {
  return static_cast<uint32_t>((word & (kLive<W> - 1)) / kUser<W>);
}
template <class W>
[[nodiscard]] constexpr bool is_live(W word) {
  return (word & kLive<W>) != 0;
}
template <class W>
[[nodiscard]] constexpr bool is_idle(W word) {
  return is_live(word) && users(word) == 1;
}
template <class W>
[[nodiscard]] constexpr bool is_pinned(W word) {
  return is_live(word) && users(word) > 1;
}
template <class W>
[[nodiscard]] constexpr bool is_parked(W word) {
  return (word & kNotParked<W>) == 0;
}
template <class W>
[[nodiscard]] constexpr uint32_t generation(W word) {
  return static_cast<uint32_t>(word / kGeneration<W>);
}

/// Idle, not parked and not referenced: what the scavenger's hand takes. All but the generation.
template <class W>
inline constexpr W kState = kGeneration<W> - 1;
template <class W>
inline constexpr W kTakeable = kLive<W> | kIdle<W> | kNotParked<W>;

/// The word of a slot that has just been taken back: no hit can find it, and its next page will
/// have another generation.
template <class W>
[[nodiscard]] constexpr W dead_after(W word) {
  return ((word & ~kState<W>)+kGeneration<W>) | kNotParked<W>;
}

/// The same, for a word whose state is kTakeable: one addition.
template <class W>
[[nodiscard]] constexpr W dead_after_takeable(W word) {
  return word + kGeneration<W> - kLive<W> - kIdle<W>;
}

/// The word that publishes a dead slot, with its first user. One addition is enough, because all
/// bits of a dead word are 0 but its generation and kNotParked. A miss does not set `referenced`: a
/// page earns its second chance by being used again. (Or by being remembered: remember.hpp.)
template <class W>
[[nodiscard]] constexpr W published(W dead) {
  return dead + kLive<W> + kOneUser<W>;
}

/// The word of storage entry 0, which is no slot. kunmap of a page that is not mapped changes this
/// word, takes the slow exit, and so needs no test of its own. The word is not live, so no
/// PageVirtual matches it. It takes several subtractions until the word no longer leads to the slow
/// exit.
template <class W>
inline constexpr W kSentinel = (W{1} << (2 * kHalf<W> - 1)) | kOneUser<W>;
static_assert(static_cast<uint16_t>(kSentinel<uint32_t>) < kSlowExit<uint32_t> &&
              (kSentinel<uint32_t> & (kLive<uint32_t> | kSaturated<uint32_t>)) == 0);

}  // namespace word

namespace page_virtual {

inline constexpr uint32_t kNone = 0;

/// Whether the page has a slot.
template <class W>
[[nodiscard]] constexpr bool has_slot(W value) {
  return static_cast<word::Half<W>>(value) != 0;
}
/// The PageVirtual of a page that has lost its slot: no TLB holds it any more when the post with
/// this number of 15 bits has passed. No word of a slot matches it.
template <class W>
[[nodiscard]] constexpr W lost(W number) {
  return number * (2 * word::kSaturated<W>)+word::kSaturated<W>;
}
/// `value` must be of lost().
template <class W>
[[nodiscard]] constexpr uint32_t lost_number(W value) {
  return static_cast<uint32_t>(value / (2 * word::kSaturated<W>));
}

/// The PageVirtual that finds the dead slot `slot` once it is published.
template <class W>
[[nodiscard]] constexpr W make(SlotIndex slot, W dead) {
  return dead - word::kNotParked<W> + word::kLive<W> + to_number(slot) + 1;
}
/// The PageVirtual of the slot's page while the slot has this word. While the word is dead, it
/// matches no live word.
template <class W>
[[nodiscard]] constexpr W found(SlotIndex slot, W word) {
  return (word & word::kIdentity<W> & ~word::kSaturated<W>) | (W{to_number(slot)} + 1);
}
/// The index of the slot's entry in storage (0: the sentinel).
template <class W>
[[nodiscard]] constexpr size_t entry(W value) {
  return static_cast<word::Half<W>>(value);
}
/// The page must have one.
template <class W>
[[nodiscard]] constexpr SlotIndex slot(W value) {
  return SlotIndex{static_cast<uint32_t>(entry(value)) - 1};
}
/// Whether `word` is the word of the mapping that `value` names, with room for one more user.
template <class W>
[[nodiscard]] constexpr bool matches(W value, W word) {
  return ((value ^ word) & word::kIdentity<W>) == 0;
}
/// The word of that mapping when it is idle, referenced and not parked: nearly every hit finds it.
template <class W>
[[nodiscard]] constexpr W expected_idle(W value) {
  return (value & word::kIdentity<W>) | word::kIdle<W> | word::kNotParked<W> | word::kReferenced<W>;
}

}  // namespace page_virtual
}  // namespace kmapper
