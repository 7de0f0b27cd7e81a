// Policies that tell pages that come back from pages that do not: 2Q, ARC, LIRS, S3-FIFO.
#include <algorithm>
#include <utility>

#include "bench/replacement/queues.hpp"

namespace kmapper::bench {
namespace {

/// 2Q (Johnson and Shasha, VLDB 1994): in 25 %, out 50 %.
class TwoQ : public Policy {
 public:
  TwoQ(std::uint32_t slots, std::uint32_t pages) : slots_(slots), queues_(pages, 3) {}
  bool use(TracePage page) override {
    const std::uint8_t queue = queues_.queue_of(page);
    if (queue == kMain) queues_.put(kMain, page);
    if (queue == kMain || queue == kIn) return true;
    if (queues_.size(kMain) + queues_.size(kIn) == slots_) evict();
    queues_.put(queue == kOut ? kMain : kIn, page);
    return false;
  }

 private:
  enum : std::uint8_t { kMain, kIn, kOut };
  void evict() {
    if (queues_.size(kIn) <= slots_ / 4 && queues_.size(kMain) != 0) {
      return queues_.remove(queues_.oldest(kMain));
    }
    queues_.put(kOut, queues_.oldest(kIn));
    if (queues_.size(kOut) > slots_ / 2) queues_.remove(queues_.oldest(kOut));
  }
  std::uint32_t slots_;
  Queues queues_;
};

/// ARC (Megiddo and Modha, FAST 2003).
class Arc : public Policy {
 public:
  Arc(std::uint32_t slots, std::uint32_t pages) : slots_(slots), queues_(pages, 4) {}
  bool use(TracePage page) override {
    const std::uint8_t queue = queues_.queue_of(page);
    if (queue == kOnce || queue == kOften) {
      queues_.put(kOften, page);
      return true;
    }
    const std::uint32_t once = std::max(queues_.size(kGoneOnce), 1U);
    const std::uint32_t often = std::max(queues_.size(kGoneOften), 1U);
    if (queue == kGoneOnce) {
      target_ = std::min(slots_, target_ + std::max(1U, often / once));
      replace(false);
    } else if (queue == kGoneOften) {
      target_ -= std::min(target_, std::max(1U, once / often));
      replace(true);
    } else {
      make_room();
    }
    queues_.put(queue == Queues::kNone ? kOnce : kOften, page);
    return false;
  }

 private:
  enum : std::uint8_t { kOnce, kOften, kGoneOnce, kGoneOften };
  void make_room() {
    const std::uint32_t once = queues_.size(kOnce) + queues_.size(kGoneOnce);
    const std::uint32_t all = once + queues_.size(kOften) + queues_.size(kGoneOften);
    if (once == slots_) {
      if (queues_.size(kOnce) == slots_) return queues_.remove(queues_.oldest(kOnce));
      queues_.remove(queues_.oldest(kGoneOnce));
      replace(false);
    } else if (all >= slots_) {
      if (all == 2 * slots_) queues_.remove(queues_.oldest(kGoneOften));
      replace(false);
    }
  }
  void replace(bool gone_often) {
    if (queues_.size(kOnce) + queues_.size(kOften) < slots_) return;
    const std::uint32_t once = queues_.size(kOnce);
    const bool takes_once = once != 0 && (once > target_ || (gone_often && once == target_) ||
                                          queues_.size(kOften) == 0);
    if (takes_once) return queues_.put(kGoneOnce, queues_.oldest(kOnce));
    queues_.put(kGoneOften, queues_.oldest(kOften));
  }
  std::uint32_t slots_;
  std::uint32_t target_ = 0;
  Queues queues_;
};

/// LIRS (Jiang and Zhang, SIGMETRICS 2002), of which CLOCK-Pro is the version without lists. 1 % of
/// the slots are for pages that have not come back; as many pages are remembered as there are
/// slots.
class Lirs : public Policy {
 public:
  Lirs(std::uint32_t slots, std::uint32_t pages)
      : slots_(slots),
        most_low_(slots - std::max(1U, slots / 100)),
        stack_(pages, 1),
        others_(pages, 2),
        low_(pages) {}
  bool use(TracePage page) override {
    if (low_[page] != 0) {
      stack_.put(0, page);
      prune();
      return true;
    }
    const bool hit = others_.queue_of(page) == kHigh;
    const bool in_stack = stack_.queue_of(page) == 0;
    if (!hit && lows_ + others_.size(kHigh) == slots_) evict();
    // The eviction may have made the stack forget the page: it does not matter any more.
    stack_.put(0, page);
    if (lows_ < most_low_ && !hit) {
      make_low(page);
    } else if (in_stack) {
      make_low(page);
      const TracePage bottom = stack_.oldest(0);
      low_[bottom] = 0;
      --lows_;
      stack_.remove(bottom);
      others_.put(kHigh, bottom);
      prune();
    } else {
      others_.put(kHigh, page);
    }
    return hit;
  }

 private:
  enum : std::uint8_t { kHigh, kGone };
  void make_low(TracePage page) {
    others_.remove(page);
    low_[page] = 1;
    ++lows_;
  }
  void evict() {
    const TracePage victim = others_.oldest(kHigh);
    others_.remove(victim);
    if (stack_.queue_of(victim) != 0) return;
    others_.put(kGone, victim);
    if (others_.size(kGone) <= slots_) return;
    const TracePage oldest = others_.oldest(kGone);
    others_.remove(oldest);
    stack_.remove(oldest);
  }
  void prune() {
    for (TracePage bottom = stack_.oldest(0); low_[bottom] == 0; bottom = stack_.oldest(0)) {
      stack_.remove(bottom);
      if (others_.queue_of(bottom) == kGone) others_.remove(bottom);
    }
  }
  std::uint32_t slots_;
  std::uint32_t most_low_;
  std::uint32_t lows_ = 0;
  Queues stack_;
  Queues others_;
  std::vector<std::uint8_t> low_;
};

/// S3-FIFO (Yang and others, SOSP 2023): small 10 %, as many ghosts as main has slots.
class S3Fifo : public Policy {
 public:
  S3Fifo(std::uint32_t slots, std::uint32_t pages)
      : slots_(slots), small_(std::max(1U, slots / 10)), queues_(pages, 3), uses_(pages) {}
  bool use(TracePage page) override {
    const std::uint8_t queue = queues_.queue_of(page);
    if (queue == kSmall || queue == kMain) {
      uses_[page] = static_cast<std::uint8_t>(std::min(uses_[page] + 1, 3));
      return true;
    }
    while (queues_.size(kSmall) + queues_.size(kMain) >= slots_) evict();
    queues_.put(queue == kGhost ? kMain : kSmall, page);
    uses_[page] = 0;
    return false;
  }

 private:
  enum : std::uint8_t { kSmall, kMain, kGhost };
  void evict() {
    if (queues_.size(kSmall) >= small_ || queues_.size(kMain) == 0) {
      const TracePage oldest = queues_.oldest(kSmall);
      queues_.put(uses_[oldest] > 1 ? kMain : kGhost, oldest);
      uses_[oldest] = 0;
      if (queues_.size(kGhost) > slots_ - small_) queues_.remove(queues_.oldest(kGhost));
      return;
    }
    const TracePage oldest = queues_.oldest(kMain);
    if (uses_[oldest] == 0) return queues_.remove(oldest);
    --uses_[oldest];
    queues_.put(kMain, oldest);
  }
  std::uint32_t slots_;
  std::uint32_t small_;
  Queues queues_;
  std::vector<std::uint8_t> uses_;
};

}  // namespace

std::vector<Contestant> scan_resistant() {
  return {contestant<TwoQ>("2Q"), contestant<Arc>("ARC"), contestant<Lirs>("LIRS"),
          contestant<S3Fifo>("S3-FIFO")};
}

}  // namespace kmapper::bench
