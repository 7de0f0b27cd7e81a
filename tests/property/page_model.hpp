// The test's own knowledge of the pages, without asking the mapper: their users, and the tag that
// each frame must show through any mapping.
//
// The model orders little, so that the core has to order the rest: a user that ends releases
// nothing, because evict() itself must come after all kunmaps.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>

#include "simulated/machine.hpp"
#include "simulated/random.hpp"

namespace kmapper::simulated {

class PageModel {
 public:
  static constexpr std::size_t kTagWord = 0;  // of the frame: this allocation's tag
  static constexpr std::size_t kNoteWord =
      1;  // of the frame: users write here a note that names the frame

  /// Gives every frame of the machine its first tag.
  PageModel(Machine& machine, Random& random) : machine_(machine), pages_(machine.frame_count()) {
    for (std::uint32_t i = 0; i < pages_.size(); ++i) set_tag(FrameIndex{i}, random.next());
  }

  /// Called before the caller maps the page. False: it is being freed.
  [[nodiscard]] bool begin_use(FrameIndex frame) {
    std::atomic<std::uint32_t>& users = page(frame).users;
    std::uint32_t seen = users.load(std::memory_order_relaxed);
    do {
      if (seen == kBeingFreed) return false;
      // Acquire: pairs with end_free(), as an allocator's lock would.
    } while (!users.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    return true;
  }
  void end_use(FrameIndex frame) { page(frame).users.fetch_sub(1, std::memory_order_relaxed); }

  /// Called before the caller frees the page. False: the page has users.
  [[nodiscard]] bool begin_free(FrameIndex frame) {
    std::uint32_t nobody = 0;
    // Acquire: pairs with the end_free() before. Users release nothing to this.
    return page(frame).users.compare_exchange_strong(nobody, kBeingFreed, std::memory_order_acquire,
                                                     std::memory_order_relaxed);
  }
  /// The page is allocated again, and shows another tag.
  void end_free(FrameIndex frame, std::uint64_t tag) {
    set_tag(frame, tag);
    page(frame).users.store(0, std::memory_order_release);
  }

  /// Only for users of the page.
  [[nodiscard]] std::uint64_t tag(FrameIndex frame) const { return pages_[to_number(frame)].tag; }

  /// A note that names the frame that it should reach.
  [[nodiscard]] static std::uint64_t note(FrameIndex frame, std::uint32_t text) {
    return (std::uint64_t{to_number(frame)} << 32) | text;
  }
  [[nodiscard]] static bool is_note_for(FrameIndex frame, std::uint64_t note) {
    return note >> 32 == to_number(frame);
  }

 private:
  static constexpr std::uint32_t kBeingFreed = UINT32_MAX;

  struct PageState {
    std::atomic<std::uint32_t> users{0};
    std::uint64_t tag = 0;  // plain: the core and the allocator order its readers and writers
  };

  [[nodiscard]] PageState& page(FrameIndex frame) { return pages_[to_number(frame)]; }
  void set_tag(FrameIndex frame, std::uint64_t tag) {
    page(frame).tag = tag;
    machine_.poke(frame, kTagWord, tag);
    machine_.poke(frame, kNoteWord, note(frame, 0));
  }

  Machine& machine_;
  std::deque<PageState> pages_;
};

}  // namespace kmapper::simulated
