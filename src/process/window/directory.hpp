// How a page finds its slot without page descriptors: a hash table as large as the window. An entry
// has the cells (page->virtual) of eight neighbouring pages. A page without an entry has no slot.
//
//     bucket --> entry {key, cells} --> entry {key, cells} --> none
//
// Entries change hands. When a new one is needed, an entry that is not held and whose cells are all
// empty is given to other pages. So the table's size depends on the window, not on the file.
//
// A lookup takes no lock. By the time it reads the cell, the entry may belong to other pages. A hit
// is safe, because it checks the page in the slot's record after it has pinned the slot. A thread
// that writes a cell must be sure of the entry: a miss holds it (Hold), and the scavenger writes
// only a cell that is not empty.
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

  /// A table for so many slots. Throws std::bad_alloc.
  explicit Directory(std::uint32_t slots);

  /// The page's cell. If it has none, a cell that is empty and stays so. Any context.
  [[nodiscard]] Cell& cell(Page page) noexcept {
    const std::uint32_t entry = find(key_of(page));
    if (entry != 0) [[likely]]
      return entries_[entry].cells[cell_of(page)];
    return cell_or_none(page);
  }

  /// Empties the table. Only for a process that has one thread.
  void forget_all() noexcept;

  /// How much memory it may come to occupy, in bytes.
  [[nodiscard]] std::size_t bytes() const { return entries_.bytes() + buckets_.bytes(); }

 private:
  static constexpr unsigned kCellBits = 3;
  static constexpr std::size_t kCells = std::size_t{1} << kCellBits;

  struct alignas(64) Entry {
    Wide<std::uint64_t> key;          // 0: the entry belongs to no pages
    std::atomic<std::uint32_t> next;  // in its bucket; 0: the last
    std::uint32_t holds;              // guarded by mutex_
    std::array<Cell, kCells> cells;
    std::atomic<std::uint32_t> stamp;  // odd while the key changes, where it is written in halves
  };

  [[nodiscard]] static std::uint64_t key_of(Page page) { return to_number(page) >> kCellBits; }
  [[nodiscard]] static std::size_t cell_of(Page page) { return to_number(page) % kCells; }
  [[nodiscard]] std::atomic<std::uint32_t>& bucket_of(std::uint64_t key) const {
    // Multiplied by halves, which is as fast in 32-bit code.
    const auto low = static_cast<std::uint32_t>(key);
    const auto high = static_cast<std::uint32_t>(key >> 32);
    return buckets_[(low * 0x9E3779B9U + high * 0x85EBCA6BU) >> shift_];
  }
  /// Whether the entry has this key. A value read from half of an old and half of a new key does
  /// not count.
  [[nodiscard]] static bool has_key(const Entry& entry, std::uint64_t key) noexcept {
    if constexpr (Wide<std::uint64_t>::kIsWhole) {
      return entry.key.is(key, std::memory_order_acquire);
    } else {
      // Acquire: pairs with hold(), as does the key. The second look at the stamp comes after it.
      const std::uint32_t stamp = entry.stamp.load(std::memory_order_acquire);
      return entry.key.is(key, std::memory_order_acquire) && stamp % 2 == 0 &&
             entry.stamp.load(std::memory_order_relaxed) == stamp;
    }
  }
  /// Exact with the lock held. Without it, the search may follow an entry into another bucket and
  /// find nothing there; it stops after more steps than any bucket of a good hash has.
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

  const std::uint32_t count_;  // entries, without entry 0, which is no entry
  const unsigned shift_;       // reduces a hash to a bucket's number
  system::ZeroArray<Entry> entries_;
  system::ZeroArray<std::atomic<std::uint32_t>> buckets_;
  Cell none_{0};
  // Odd while links change: a thread that has found nothing meanwhile looks again, with the lock.
  alignas(64) std::atomic<std::uint32_t> version_{0};
  std::mutex mutex_;         // guards the links, the keys, and what follows
  std::uint32_t fresh_ = 0;  // entries that have ever been used
  std::uint32_t hand_ = 0;   // where the search for an unused entry goes on
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
  /// False: more entries are held at once than there are.
  explicit operator bool() const { return entry_ != 0; }

 private:
  Directory& directory_;
  std::uint32_t entry_;
};

}  // namespace kmapper::process
