// The torture's own knowledge of its pages, without asking the window: their users, and the tag
// that each page must show through any mapping.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/lib/prng.hpp"
#include "kernel/mm/page.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {

class TorturePage {
 public:
  /// Allocates a block, chooses a page in it, and tags the page. False: out of memory.
  [[nodiscard]] bool allocate(Prng& random, unsigned order);
  /// Gives the block back.
  FreeResult free() { return free_pages(block_, order_); }

  /// Called before the caller maps the page. False: it is being freed.
  [[nodiscard]] bool begin_use() {
    std::uint32_t seen = users_.load(std::memory_order_relaxed);
    do {
      if (seen == kBeingFreed) return false;
      // Acquire: pairs with end_free(), as an allocator's lock would.
    } while (!users_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire,
                                           std::memory_order_relaxed));
    return true;
  }
  /// Relaxed: a user that ends releases nothing. The window provides all order that is needed.
  void end_use() { users_.fetch_sub(1, std::memory_order_relaxed); }

  /// Called before the caller frees the page; false if it has users. end_free() when it is
  /// allocated again.
  [[nodiscard]] bool begin_free() {
    std::uint32_t nobody = 0;
    return users_.compare_exchange_strong(nobody, kBeingFreed, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void end_free() { users_.store(0, std::memory_order_release); }
  [[nodiscard]] bool is_unused() const { return users_.load(std::memory_order_relaxed) == 0; }

  // For the users of the page.
  [[nodiscard]] Page* page() const { return page_; }
  [[nodiscard]] unsigned order() const { return order_; }
  /// Whether `address` shows the page: its first and its last word are its tag.
  [[nodiscard]] bool shows_at(const void* address) const;
  /// Writes a note into the page, and checks that it shows a note for this page.
  [[nodiscard]] bool takes_note_at(void* address, std::uint32_t text) const;

 private:
  static constexpr std::uint32_t kBeingFreed = UINT32_MAX;
  static constexpr std::size_t kLastWord = kPageSize / sizeof(std::uint32_t) - 1;
  static constexpr std::size_t kNoteWord = 1;
  static constexpr std::uint32_t kTextBits = 8;

  Page* block_;
  Page* page_;
  unsigned order_;
  std::uint32_t tag_;
  std::atomic<std::uint32_t> users_;
};

/// All of the pages, in memory of their own. Half of them are allocated singly, half lie in blocks
/// of the largest order, so that the page frames come from all of memory.
class TorturePages {
 public:
  TorturePages(std::uint32_t count, Prng& random);
  ~TorturePages();
  TorturePages(const TorturePages&) = delete;
  TorturePages& operator=(const TorturePages&) = delete;

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::span<TorturePage> all() const { return {pages_, size_}; }
  /// In half of the calls one of a few pages: for hits, and for several users of one slot.
  [[nodiscard]] TorturePage& any(Prng& random) const {
    const std::uint32_t hot = size_ / 8 + 1;
    return pages_[random.below(random.below(2) == 0 ? hot : size_)];
  }

 private:
  TorturePage* pages_ = nullptr;
  unsigned order_ = 0;  // of the array
  std::uint32_t size_ = 0;
};

}  // namespace kmapper::kernel
