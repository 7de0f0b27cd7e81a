// A bucket of the directory (directory.hpp): a cache line, with up to 11 slots, and for each of
// them a tag, which has 7 bits of its page's hash. So a search reads one line of the table, and
// then nearly always the right slot and no other.
//
// Only the thread that has the bucket's lock changes it. All loads and stores are relaxed, as in
// the directory.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kmapper/core/slot.hpp"

namespace kmapper::process {

class alignas(64) Bucket {
 public:
  static constexpr std::uint32_t kSlots = 11;  // as many as fit
  static constexpr std::uint32_t kNoTag = 0;   // of a place that is free
  // In each tag. So with_tag() never names a free place, and free() no other.
  static constexpr std::uint32_t kTagBit = 0x80;

  /// A set of the bucket's places, a bit for each. first_of(): the index of that with the lowest
  /// bit.
  using Set = std::uintptr_t;
  [[nodiscard]] static std::uint32_t first_of(Set set) {
    const auto bit = static_cast<std::uint32_t>(std::countr_zero(set));
    return bit % 8 * kTagsInWord + bit / 8;
  }
  /// The places with this tag, and perhaps others; the first one has it. Compares the tags of a
  /// word at the same time: Warren, "Hacker's Delight" (2nd edition, 2012), section 6-1.
  [[nodiscard]] Set with_tag(std::uint32_t tag) const {
    Set all = 0;
    for (std::size_t i = 0; i < kTagWords; ++i) {
      const TagWord difference = tags_[i].load(std::memory_order_relaxed) ^ (tag * kOnes);
      all |= ((difference - kOnes) & ~difference & (kOnes << 7)) >> (7 - i);
    }
    return all;
  }
  [[nodiscard]] Set free() const { return with_tag(kNoTag) & kAll; }

  [[nodiscard]] SlotIndex slot(std::uint32_t index) const {
    return SlotIndex{slots_[index].load(std::memory_order_relaxed)};
  }
  [[nodiscard]] bool is_free(std::uint32_t index) const {
    const TagWord tags = tags_[index / kTagsInWord].load(std::memory_order_relaxed);
    return (tags >> (index % kTagsInWord * 8) & UINT8_MAX) == kNoTag;
  }
  void set(std::uint32_t index, SlotIndex slot, std::uint32_t tag) {
    slots_[index].store(to_number(slot), std::memory_order_relaxed);
    set_tag(index, tag);
  }
  void clear(std::uint32_t index) { set_tag(index, kNoTag); }

  /// The first slot of the bucket's list, counted from 1; 0: none.
  std::atomic<std::uint32_t> list{};

 private:
  using TagWord = std::uintptr_t;
  static constexpr std::size_t kTagsInWord = sizeof(TagWord);
  static constexpr std::size_t kTagWords = 16 / kTagsInWord;
  static constexpr TagWord kOnes = UINTPTR_MAX / UINT8_MAX;  // a 1 in each byte
  static constexpr Set kAll = [] {
    Set all = 0;
    for (std::size_t i = 0; i < kSlots; ++i)
      all |= Set{1} << (i / kTagsInWord + i % kTagsInWord * 8);
    return all;
  }();

  void set_tag(std::uint32_t index, std::uint32_t tag) {
    std::atomic<TagWord>& word = tags_[index / kTagsInWord];
    const std::size_t shift = index % kTagsInWord * 8;
    const TagWord others = word.load(std::memory_order_relaxed) & ~(TagWord{UINT8_MAX} << shift);
    word.store(others | TagWord{tag} << shift, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint32_t>, kSlots> slots_{};
  std::array<std::atomic<TagWord>, kTagWords> tags_{};
};
static_assert(sizeof(Bucket) == 64);

}  // namespace kmapper::process
