// How a page finds its slot without page descriptors: a hash table of the slots that have a page.
// The slots of one bucket are linked through Window::link().
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
// Callers that must know, and callers that do not pin what they find, search with the lock.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kmapper/core/mapper.hpp"
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
  /// may be wrong. Any context.
  [[nodiscard]] Word find(Page page) const noexcept {
    const std::uint32_t hash = hash_of(page);
    const Stripe& stripe = stripe_of(hash);
    return search(bucket(hash, stripe.buckets.load(std::memory_order_acquire)), page, kUsualSteps);
  }
  /// The same, and never wrong. Waits for the lock of the page's stripe.
  [[nodiscard]] Word find_surely(Page page) const noexcept;
  /// Stores the page's slot. False: the page has one.
  [[nodiscard]] bool insert(Page page, SlotIndex slot) noexcept;
  /// Forgets the page's slot. It must have one.
  void erase(Page page) noexcept;

  /// Empties the table. Only for a process that has one thread.
  void forget_all() noexcept;

  /// How much memory it may come to occupy, in bytes.
  [[nodiscard]] std::size_t bytes() const { return buckets_.bytes(); }

  /// What chooses a page's bucket, from the low bits on. One multiplication does not do: with
  /// 240,000 granules in a row, a search went 5 steps. With two, one after the other, it goes 1.5
  /// steps, as with random numbers.
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
  using Bucket = std::atomic<std::uint32_t>;  // its first slot, counted from 1; 0: none

  static constexpr std::uint32_t kStripes = 64;
  // More than nearly all buckets have. Without the lock, a search could go round in circles.
  static constexpr std::uint32_t kUsualSteps = 64;

  struct alignas(64) Stripe {
    // Relaxed where it is read with the lock. Release, when a bucket is added: pairs with find().
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
  /// Exact with the lock and without a limit of steps.
  [[nodiscard]] Word search(const Bucket& bucket, Page page, std::uint32_t steps) const noexcept {
    std::uint32_t entry = bucket.load(std::memory_order_acquire);
    for (; entry != 0 && steps != 0; --steps) {
      const SlotIndex slot{entry - 1};
      const Word found = window_.found(slot);
      if (window_.is_of(slot, page)) return found;
      entry = window_.link(slot).load(std::memory_order_acquire);
    }
    return 0;
  }
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
