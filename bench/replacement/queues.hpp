// Doubly linked queues of pages. A page is in one of them, or in none. All take constant time.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/replacement/policy.hpp"

namespace kmapper::bench {

class Queues {
 public:
  static constexpr std::uint8_t kNone = UINT8_MAX;

  Queues(std::uint32_t pages, std::uint32_t queues)
      : pages_(pages),
        next_(pages + queues),
        before_(pages + queues),
        queue_(pages, kNone),
        sizes_(queues) {
    for (std::uint32_t i = pages; i < pages + queues; ++i) next_[i] = before_[i] = i;
  }

  /// The page becomes the newest of the queue. It leaves the queue that it was in.
  void put(std::uint8_t queue, TracePage page) {
    remove(page);
    const std::uint32_t head = pages_ + queue;
    next_[page] = next_[head];
    before_[page] = head;
    before_[next_[head]] = page;
    next_[head] = page;
    queue_[page] = queue;
    ++sizes_[queue];
  }
  void remove(TracePage page) {
    if (queue_[page] == kNone) return;
    next_[before_[page]] = next_[page];
    before_[next_[page]] = before_[page];
    --sizes_[queue_[page]];
    queue_[page] = kNone;
  }
  [[nodiscard]] std::uint8_t queue_of(TracePage page) const { return queue_[page]; }
  [[nodiscard]] std::uint32_t size(std::uint8_t queue) const { return sizes_[queue]; }
  /// The oldest page of a queue that is not empty.
  [[nodiscard]] TracePage oldest(std::uint8_t queue) const { return before_[pages_ + queue]; }
  /// The next newer page in the same queue; is_end(): `page` is the newest.
  [[nodiscard]] TracePage newer(TracePage page) const { return before_[page]; }
  [[nodiscard]] bool is_end(TracePage page) const { return page >= pages_; }

 private:
  std::uint32_t pages_;
  std::vector<std::uint32_t> next_;  // older
  std::vector<std::uint32_t> before_;
  std::vector<std::uint8_t> queue_;
  std::vector<std::uint32_t> sizes_;
};

}  // namespace kmapper::bench
