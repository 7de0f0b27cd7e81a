// What a window remembers, on a platform that has kRemembers, to choose which pages lose their
// slots. Without it, one hand goes round all slots (CLOCK, impl/scavenge.hpp), and a scan through a
// large file throws out what is used again and again.
//
// A slot that is taken back is *on probation* until a page in it has been used again. A second hand
// goes round the slots on probation alone: it takes those whose pages were not used again, and ends
// the probation of the others. The first hand goes round all other slots, the *main* ones. The
// second hand moves while more slots are on probation than are wanted there. So pages that are used
// once go through a small share of the window, and do not disturb the rest.
//
// The *ghost* remembers pages that lost their slots lately. A page that returns while it is
// remembered is used again and again, only not often enough: it is published as if it had been used
// again already. (A queue of ghosts tells such pages from those that are used once: S3-FIFO, Yang
// and others, SOSP 2023.) And it shows that the share that took its slot was too small, so that
// share grows, as in ARC (Megiddo and Modha, FAST 2003).
//
// A page that was mapped before a caller asked for it, as in a sequential read, is used once when
// it is used first: Mapper::note_ahead().
//
// All of this is hints. All accesses are relaxed; a race loses or repeats a hint, which may cost a
// miss, and never more. A hit does nothing here. impl/remember.hpp has the code.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/library.hpp"
#include "kmapper/core/table.hpp"

namespace kmapper {

/// Whether a window remembers the pages that lost their slots. True only for a platform that has a
/// true constant kRemembers, and hash(page): 64 bits, well mixed, in any context.
template <class P>
inline constexpr bool kRemembers = [] {
  if constexpr (requires { P::kRemembers; }) return bool{P::kRemembers};
  return false;
}();

/// Pages that lost their slots: half as many as there are slots. Each word has the prints of two
/// pages, the newer one in the low half. A print is 15 bits of the page's hash, and a bit that says
/// whether the page lost its slot on probation.
template <class P>
class Ghost {
 public:
  enum class Found : uint8_t { no, of_main, of_probation };

  /// Where kTablesOutside: the memory that the ghost of so many slots needs, and its place.
  [[nodiscard]] static constexpr size_t table_bytes(uint32_t slots) {
    return library::table_bytes<Word>(words_for(slots));
  }
  void place_tables(char*& memory, uint32_t slots) {
    words_ = library::place_table<Word>(memory, words_for(slots));
  }
  void open(uint32_t slots) { count_ = words_for(slots); }

  void remember(uint64_t hash, bool on_probation) {
    Word& word = word_of(hash);
    const uint32_t print = print_of(hash) | (on_probation ? kProbation : 0);
    word.store(word.load(memory_order_relaxed) << kBits | print, memory_order_relaxed);
  }
  /// Whether the page is remembered. Forgets it.
  [[nodiscard]] Found recall(uint64_t hash) {
    Word& word = word_of(hash);
    const uint32_t seen = word.load(memory_order_relaxed);
    for (uint32_t shift = 0; shift < 2 * kBits; shift += kBits) {
      const uint32_t half = (seen >> shift) & (kProbation | kPrint);
      if ((half & kPrint) != print_of(hash)) continue;
      word.store(seen ^ (half << shift), memory_order_relaxed);
      return (half & kProbation) != 0 ? Found::of_probation : Found::of_main;
    }
    return Found::no;
  }

 private:
  using Word = typename P::template Atomic<uint32_t>;
  static constexpr uint32_t kBits = 16;
  static constexpr uint32_t kPrint = 0x7FFF;  // 0: none
  static constexpr uint32_t kProbation = 0x8000;

  [[nodiscard]] static constexpr uint32_t words_for(size_t slots) {
    return slots < 4 ? 1 : static_cast<uint32_t>(slots / 4);
  }
  [[nodiscard]] static uint32_t print_of(uint64_t hash) {
    const uint32_t print = static_cast<uint32_t>(hash) & kPrint;
    return print != 0 ? print : 1;
  }
  [[nodiscard]] Word& word_of(uint64_t hash) { return words_[((hash >> 32) * count_) >> 32]; }

  Table<P, Word, words_for(P::kMaxSlots)> words_{};
  uint32_t count_ = 0;
};

/// How the slots are shared between the two hands. The first hand is Mapper::hand_; which slots are
/// on probation is in Mapper::unparked_. Changed once a leaf, or once a batch.
template <class P>
struct Shares {
  template <class T>
  using Atomic = typename P::template Atomic<T>;

  Ghost<P> ghost{};  // read by each miss, so not on the line of what follows
  alignas(64) Atomic<uint32_t> probation_hand{};  // the next leaf that the second hand examines
  Atomic<uint32_t> on_probation{};
  Atomic<uint32_t> wanted{};  // on probation
  // How many slots each hand has taken; both are halved from time to time.
  Atomic<uint32_t> main_taken{};
  Atomic<uint32_t> probation_taken{};
};

/// What is remembered of the slots of a leaf, a bit each.
template <class P>
struct Remembered {
  typename P::template Atomic<uint32_t> on_probation{};
  // The slot was mapped before a caller asked for its page. Its first use clears `ahead` and counts
  // for nothing more. A hand that meets it before that spares it once.
  typename P::template Atomic<uint32_t> ahead{};
  typename P::template Atomic<uint32_t> spared{};
};

/// How many remembered pages have returned on a CPU, since its last scavenge.
template <class P>
struct Returned {
  typename P::template Atomic<uint32_t> to_main{};
  typename P::template Atomic<uint32_t> to_probation{};
};

/// T where the platform remembers; elsewhere what takes no room.
struct NothingRemembered {};
template <class P, class T>
using IfRemembers = typename library::Choose<kRemembers<P>, T, NothingRemembered>::Type;

}  // namespace kmapper
