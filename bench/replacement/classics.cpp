// FIFO, LRU, CLOCK, SIEVE, and the best that could be done.
#include <algorithm>
#include <queue>
#include <utility>

#include "bench/replacement/queues.hpp"

namespace kmapper::bench {
namespace {

/// FIFO, and what moves the pages that are used again.
template <bool kMoves>
class OneQueue : public Policy {
 public:
  OneQueue(std::uint32_t slots, std::uint32_t pages) : slots_(slots), queue_(pages, 1) {}
  bool use(TracePage page) override {
    const bool hit = queue_.queue_of(page) == 0;
    if (hit && !kMoves) return true;
    if (!hit && queue_.size(0) == slots_) queue_.remove(queue_.oldest(0));
    queue_.put(0, page);
    return hit;
  }

 private:
  std::uint32_t slots_;
  Queues queue_;
};

/// CLOCK whose new pages get a second chance at once: the textbook's.
class Clock : public Policy {
 public:
  Clock(std::uint32_t slots, std::uint32_t pages)
      : slots_(slots), queue_(pages, 1), referenced_(pages) {}
  bool use(TracePage page) override {
    const bool hit = queue_.queue_of(page) == 0;
    if (!hit) {
      while (queue_.size(0) == slots_) {
        const TracePage oldest = queue_.oldest(0);
        if (std::exchange(referenced_[oldest], 0) != 0) {
          queue_.put(0, oldest);
        } else {
          queue_.remove(oldest);
        }
      }
      queue_.put(0, page);
    }
    referenced_[page] = 1;
    return hit;
  }

 private:
  std::uint32_t slots_;
  Queues queue_;
  std::vector<std::uint8_t> referenced_;
};

/// SIEVE (Zhang and others, NSDI 2024): the hand goes from old to new, and what it spares stays
/// where it is.
class Sieve : public Policy {
 public:
  Sieve(std::uint32_t slots, std::uint32_t pages)
      : slots_(slots), queue_(pages, 1), visited_(pages), hand_(pages) {}
  bool use(TracePage page) override {
    if (queue_.queue_of(page) == 0) {
      visited_[page] = 1;
      return true;
    }
    if (queue_.size(0) == slots_) evict();
    queue_.put(0, page);
    visited_[page] = 0;
    return false;
  }

 private:
  void evict() {
    for (;;) {
      if (queue_.is_end(hand_)) hand_ = queue_.oldest(0);
      const TracePage here = hand_;
      hand_ = queue_.newer(here);
      if (std::exchange(visited_[here], 0) != 0) continue;
      queue_.remove(here);
      return;
    }
  }

  std::uint32_t slots_;
  Queues queue_;
  std::vector<std::uint8_t> visited_;
  TracePage hand_;
};

}  // namespace

std::vector<Contestant> classics() {
  return {contestant<OneQueue<false>>("FIFO"), contestant<OneQueue<true>>("LRU"),
          contestant<Clock>("CLOCK"), contestant<Sieve>("SIEVE")};
}

std::uint64_t fewest_misses(const Trace& trace, std::uint32_t slots, std::size_t warm) {
  const auto uses = static_cast<std::uint32_t>(trace.uses.size());
  std::vector<std::uint32_t> next(uses);
  std::vector<std::uint32_t> last(trace.pages, UINT32_MAX);
  for (std::uint32_t i = uses; i-- > 0;) next[i] = std::exchange(last[trace.uses[i]], i);
  // The pages with a slot, by their next use; entries of earlier uses are still in it. `due` is 0
  // for a page without a slot.
  std::priority_queue<std::pair<std::uint32_t, TracePage>> farthest;
  std::vector<std::uint32_t> due(trace.pages);
  std::uint32_t used = 0;
  std::uint64_t misses = 0;
  for (std::uint32_t i = 0; i < uses; ++i) {
    const TracePage page = trace.uses[i];
    if (due[page] == 0) {
      if (i >= warm) ++misses;
      if (used++ == slots) {
        while (due[farthest.top().second] != farthest.top().first) farthest.pop();
        due[farthest.top().second] = 0;
        farthest.pop();
        --used;
      }
    }
    due[page] = next[i];
    farthest.emplace(next[i], page);
  }
  return misses;
}

}  // namespace kmapper::bench
