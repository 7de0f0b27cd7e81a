// How a page finds its slot where there are no page descriptors: a hash table of window size. An
// entry has the cells (page->virtual) of eight neighbouring pages; what has no entry has no slot.
//
//     bucket --> entry {key, cells} --> entry {key, cells} --> none
//
// Entries change hands: one whose cells are all empty, and that nobody holds, is given to other
// pages when a new one is needed. So the table is as large as the window, however large the file.
//
// Whoever looks a page up takes no lock, and may find that the entry has been given to other pages
// by the time it reads the cell. That is harmless where it is looked at again: a hit asks the
// slot's record whether it is the right page, with the pin in hand. Whoever writes a cell must be
// sure: a miss holds the page's entry (Hold), and the scavenger writes a cell which is not empty.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "process/window/page.hpp"
#include "process/window/wide.hpp"
#include "system/memory.hpp"

namespace kmapper::process {

class Directory {
 public:
  using Cell = std::atomic<std::uint32_t>;
  class Hold;

  /// For so many slots. Throws std::bad_alloc.
  explicit Directory(std::uint32_t slots);

  /// The page's cell; where it has none, one that is empty and stays so. Any context.
  [[nodiscard]] Cell& cell(Page page) noexcept {
    const std::uint32_t entry = find(key_of(page));
    if (entry != 0) [[likely]]
      return entries_[entry].cells[cell_of(page)];
    return cell_or_none(page);
  }

  /// No page is found any more. For a process that has one thread.
  void forget_all() noexcept;

  /// How many bytes it may come to use.
  [[nodiscard]] std::size_t bytes() const { return entries_.bytes() + buckets_.bytes(); }

 private:
  static constexpr unsigned kCellBits = 3;
  static constexpr std::size_t kCells = std::size_t{1} << kCellBits;

  struct alignas(64) Entry {
    Wide<std::uint64_t> key;          // 0: given to nobody
    std::atomic<std::uint32_t> next;  // in its bucket; 0: the last
    std::uint32_t holds;              // guarded by mutex_
    std::array<Cell, kCells> cells;
    std::atomic<std::uint32_t> stamp;  // odd while the key changes, where it is written in halves
  };

  [[nodiscard]] static std::uint64_t key_of(Page page) { return to_number(page) >> kCellBits; }
  [[nodiscard]] static std::size_t cell_of(Page page) { return to_number(page) % kCells; }
  [[nodiscard]] std::atomic<std::uint32_t>& bucket_of(std::uint64_t key) const {
    // Multiplied by halves, which 32-bit code does as fast.
    const auto low = static_cast<std::uint32_t>(key);
    const auto high = static_cast<std::uint32_t>(key >> 32);
    return buckets_[(low * 0x9E3779B9U + high * 0x85EBCA6BU) >> shift_];
  }
  /// Half of an old and half of a new key may be that which is looked for.
  [[nodiscard]] static bool has_key(const Entry& entry, std::uint64_t key) noexcept {
    if constexpr (Wide<std::uint64_t>::kIsWhole) {
      return entry.key.is(key, std::memory_order_acquire);
    } else {
      // Acquire: pairs with hold(), as does the key: the second look comes after it.
      const std::uint32_t stamp = entry.stamp.load(std::memory_order_acquire);
      return entry.key.is(key, std::memory_order_acquire) && stamp % 2 == 0 &&
             entry.stamp.load(std::memory_order_relaxed) == stamp;
    }
  }
  /// With the lock held, exact. Without, it may follow an entry into another bucket, and find
  /// nothing there; it stops after a number of steps that no bucket of a good hash has.
  [[nodiscard]] std::uint32_t find(std::uint64_t key) const noexcept {
    std::uint32_t number = bucket_of(key).load(std::memory_order_acquire);
    for (std::uint32_t steps = 0; number != 0 && steps <= count_; ++steps) {
      const Entry& entry = entries_[number];
      if (has_key(entry, key)) return number;
      number = entry.next.load(std::memory_order_acquire);
    }
    return 0;
  }
  [[nodiscard]] Cell& cell_or_none(Page page) noexcept;
  [[nodiscard]] std::uint32_t hold(Page page) noexcept;
  void drop(std::uint32_t entry) noexcept;
  [[nodiscard]] std::uint32_t take_entry() noexcept;
  [[nodiscard]] bool is_unused(const Entry& entry) const noexcept;
  void unlink(std::uint32_t number) noexcept;

  const std::uint32_t count_;  // entries, without entry 0, which is none
  const unsigned shift_;       // that leaves a bucket's number of a hash
  system::ZeroArray<Entry> entries_;
  system::ZeroArray<std::atomic<std::uint32_t>> buckets_;
  Cell none_{0};
  // Odd while links change: who has found nothing meanwhile looks again, with the lock.
  alignas(64) std::atomic<std::uint32_t> version_{0};
  std::mutex mutex_;         // guards the links, the keys, and what follows
  std::uint32_t fresh_ = 0;  // entries that have ever been used
  std::uint32_t hand_ = 0;   // where an unused one is looked for
};

/// Keeps a page's entry from being given away.
class Directory::Hold {
 public:
  Hold(Directory& directory, Page page) noexcept
      : directory_(directory), entry_(directory.hold(page)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (entry_ != 0) directory_.drop(entry_);
  }
  /// False: more are held at once than there are entries.
  explicit operator bool() const { return entry_ != 0; }

 private:
  Directory& directory_;
  std::uint32_t entry_;
};

}  // namespace kmapper::process
