// How a page finds its slot without page descriptors: a hash table of the slots that have a page.
//
// A bucket names up to 11 slots. A slot that finds its bucket full is put into a list, linked
// through Window::link():
//
//     bucket --> slot --> slot --> none
//
// The table grows with the number of slots in it, one bucket at a time: linear hashing (Litwin,
// "Linear Hashing: A New Tool for File and Table Addressing", VLDB 1980). So it takes memory only
// as the window fills, and no call pays for more than one step. The buckets are dealt out to
// stripes; each stripe has a lock of its own and grows by itself.
//
// A search takes no lock. What it finds is, or was a moment ago, the page's slot, or a slot that a
// thread tries to give the page in vain; the window learns which when it pins the slot. A change in
// progress may also hide a slot, or lead the search into another bucket, where it finds nothing.
// Callers that must know, and callers that do not pin what they find, search with the lock; but for
// a fault's handler, which looks at all records if the search fails.
//
// All loads and stores of the table are relaxed: the lock orders them for the thread that holds it,
// and the slot's word proves what a search without the lock finds.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kmapper/core/mapper.hpp"
#include "process/window/bucket.hpp"
#include "process/window/page.hpp"
#include "process/window/platform.hpp"
#include "system/memory.hpp"

namespace kmapper::process {

class Directory {
 public:
  using Window = Mapper<Platform>;
  using Word = Window::Word;

  /// A table for the window, which has so many slots. Throws std::bad_alloc.
  Directory(Window& window, std::uint32_t slots);

  /// What Window::found() says of the page's slot; 0: none was found. While slots change hands it
  /// may be wrong. Calls expect(slot) as soon as it knows which slot that will be, nearly surely,
  /// and before it waits for the slot's memory: seldom more than once, and not for slots in a list.
  /// Any context.
  template <class Expect>
  [[nodiscard]] Word find(Page page, Expect expect) const noexcept {
    const std::uint32_t hash = hash_of(page);
    const Stripe& stripe = stripe_of(hash);
    return search(bucket(hash, stripe.buckets.load(std::memory_order_relaxed)), hash, page,
                  kUsualSteps, expect);
  }
  [[nodiscard]] Word find(Page page) const noexcept { return find(page, kNothingExpected); }
  /// The same, and never wrong. Waits for the lock of the page's stripe.
  [[nodiscard]] Word find_surely(Page page) const noexcept;
  /// Stores the page's slot. False: the page has one.
  [[nodiscard]] bool insert(Page page, SlotIndex slot) noexcept;
  /// Forgets the page's slot. It must have one.
  void erase(Page page) noexcept;

  /// Lets searches find nothing; nothing may be inserted after that. Only for a process that has
  /// one thread.
  void forget_all() noexcept;

  /// How much memory it may come to occupy, in bytes.
  [[nodiscard]] std::size_t bytes() const { return buckets_.bytes(); }

  /// What chooses a page's bucket, from the low bits on. One multiplication does not do: of 240,000
  /// granules in a row, 61 of 100 found their bucket full. With two multiplications, one after the
  /// other, it is 6 of 100, as with random numbers.
  [[nodiscard]] static std::uint32_t hash_of(Page page) {
    if constexpr (sizeof(std::uintptr_t) == sizeof(Page)) {
      std::uint64_t mixed = to_number(page) * 0x9E3779B97F4A7C15U;
      mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93U;
      return static_cast<std::uint32_t>(mixed >> 32);
    } else {
      const auto low = static_cast<std::uint32_t>(to_number(page));
      const auto high = static_cast<std::uint32_t>(to_number(page) >> 32);
      std::uint32_t mixed = low * 0x9E3779B9U + high * 0x85EBCA6BU;
      mixed = (mixed ^ (mixed >> 16)) * 0x85EBCA6BU;
      return mixed ^ (mixed >> 13);
    }
  }

 private:
  static constexpr std::uint32_t kStripes = 64;
  static constexpr std::uint32_t kUsualSlots = 8;  // of a bucket; the table's size follows from it
  // Nearly all lists are shorter. Without the lock, a search could go round in circles.
  static constexpr std::uint32_t kUsualSteps = 64;

  struct alignas(64) Stripe {
    std::atomic<std::uint32_t> buckets{1};
    std::atomic<std::uint32_t> is_locked{0};
    std::uint32_t slots = 0;  // guarded by the lock
  };
  class Locked;

  [[nodiscard]] const Stripe& stripe_of(std::uint32_t hash) const {
    return stripes_[hash % kStripes];
  }
  /// The number, within its stripe, of a hash's bucket, while the stripe has so many.
  [[nodiscard]] static std::uint32_t number_of(std::uint32_t hash, std::uint32_t buckets) {
    const std::uint32_t all = std::bit_ceil(buckets) - 1;
    const std::uint32_t number = (hash / kStripes) & all;
    return number < buckets ? number : number & (all >> 1);
  }
  [[nodiscard]] Bucket& bucket(std::uint32_t hash, std::uint32_t buckets) const {
    return buckets_[std::size_t{number_of(hash, buckets)} * kStripes + hash % kStripes];
  }
  /// Of other bits than the bucket's number, in a table of up to 2^25 buckets.
  [[nodiscard]] static std::uint32_t tag_of(std::uint32_t hash) {
    return hash >> 25 | Bucket::kTagBit;
  }

  static constexpr auto kNothingExpected = [](SlotIndex) {};
  /// Exact with the lock and without a limit of steps.
  template <class Expect>
  [[nodiscard]] Word search(const Bucket& bucket, std::uint32_t hash, Page page,
                            std::uint32_t steps, Expect expect) const noexcept {
    for (Bucket::Set left = bucket.with_tag(tag_of(hash)); left != 0; left &= left - 1) {
      const SlotIndex slot = bucket.slot(Bucket::first_of(left));
      expect(slot);
      const Word found = window_.found(slot);
      if (window_.is_of(slot, page)) [[likely]]
        return found;
    }
    std::uint32_t entry = bucket.list.load(std::memory_order_relaxed);
    for (; entry != 0 && steps != 0; --steps) {
      const SlotIndex slot{entry - 1};
      const Word found = window_.found(slot);
      if (window_.is_of(slot, page)) return found;
      entry = window_.link(slot).load(std::memory_order_relaxed);
    }
    return 0;
  }
  void add(Bucket& bucket, std::uint32_t hash, SlotIndex slot) noexcept;
  void fill_from_list(Bucket& bucket) noexcept;
  void add_bucket(Stripe& stripe, std::uint32_t number) noexcept;

  Window& window_;
  const std::uint32_t most_buckets_;  // of a stripe
  system::ZeroArray<Bucket> buckets_;
  mutable std::array<Stripe, kStripes> stripes_{};
};

inline Directory::Word Platform::Cell::load(MemoryOrder) const noexcept {
  return directory_.find(page_);
}
inline Directory::Word Platform::Cell::load_surely(MemoryOrder) const noexcept {
  return directory_.find_surely(page_);
}
inline void Platform::Cell::store(Word, MemoryOrder) noexcept { directory_.erase(page_); }
inline bool Platform::Cell::compare_exchange_strong(Word& expected, Word desired, MemoryOrder,
                                                    MemoryOrder) noexcept {
  if (directory_.insert(page_, page_virtual::slot(desired))) return true;
  expected = directory_.find(page_);
  return false;
}

}  // namespace kmapper::process
