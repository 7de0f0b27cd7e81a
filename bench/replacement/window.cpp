#include "bench/replacement/window.hpp"

#include <algorithm>
#include <utility>

namespace kmapper::bench {

Window::Window(std::uint32_t slots, std::uint32_t pages, WindowOptions options)
    : options_(options),
      slots_(slots),
      slot_of_(pages),
      wanted_(slots * options.probation / 100),
      ghost_(static_cast<std::uint32_t>(std::uint64_t{slots} * options.ghosts / 100)) {
  for (std::uint32_t i = 0; i < slots; ++i) clean_.push_back(i);
  if (options_.batch_share != 0)
    options_.batch = std::clamp(slots / options_.batch_share, 1U, options_.batch);
}

bool Window::use(TracePage page) {
  if (slot_of_[page] != 0) {
    Slot& slot = slots_[slot_of_[page] - 1];
    if (!std::exchange(slot.referenced, true)) ++work_.slow_hits;
    return true;
  }
  while (clean_.empty()) scavenge();
  Slot& slot = slots_[clean_.front()];
  slot_of_[page] = clean_.front() + 1;
  clean_.pop_front();
  const Ghost::Found found = ghost_.recall(page);
  if (found == Ghost::Found::of_main) ++main_returned_;
  if (found == Ghost::Found::of_probation) ++probation_returned_;
  slot.page = page;
  slot.live = true;
  slot.referenced = found != Ghost::Found::no;
  return false;
}

void Window::scavenge() {
  constexpr std::uint32_t kMostExamined = 64;
  if (options_.adapts) adapt();
  Batch batch;
  std::size_t steps = slots_.size() / options_.leaf + 1;  // once round
  do {
    examine_leaf(on_probation_ > wanted_, batch);
  } while (batch.taken.size() < options_.batch && batch.examined < kMostExamined && --steps != 0);
  work_.examined += batch.examined;
  clean_.insert(clean_.end(), batch.taken.begin(), batch.taken.end());
}

void Window::examine_leaf(bool on_probation, Batch& batch) {
  ++work_.leaves;
  const auto slots = static_cast<std::uint32_t>(slots_.size());
  std::uint32_t& hand = on_probation ? probation_hand_ : hand_;
  const std::uint32_t first = hand * options_.leaf;
  const std::uint32_t end = std::min(first + options_.leaf, slots);
  hand = end == slots ? 0 : hand + 1;
  for (std::uint32_t index = first; index < end; ++index) {
    Slot& slot = slots_[index];
    if (slot.on_probation != on_probation || !slot.live) continue;
    ++batch.examined;
    if (std::exchange(slot.referenced, false)) {
      if (std::exchange(slot.on_probation, false)) --on_probation_;
      continue;
    }
    ghost_.remember(slot.page, on_probation);
    ++(on_probation ? probation_taken_ : main_taken_);
    slot_of_[slot.page] = 0;
    slot.live = false;
    if (options_.probation != 0 && !std::exchange(slot.on_probation, true)) ++on_probation_;
    batch.taken.push_back(index);
  }
}

/// The share grows whose pages return. A return weighs the more, the fewer slots its hand took: in
/// ARC, too, what counts is how likely a page that is remembered returns.
void Window::adapt() {
  const auto slots = static_cast<std::int64_t>(slots_.size());
  const std::int64_t main = main_taken_ + 1;
  const std::int64_t probation = probation_taken_ + 1;
  const std::int64_t wanted =
      wanted_ +
      std::exchange(probation_returned_, 0) * std::max<std::int64_t>(1, main / probation) -
      std::exchange(main_returned_, 0) * std::max<std::int64_t>(1, probation / main);
  wanted_ = static_cast<std::uint32_t>(std::clamp(wanted, slots / 20, slots * 9 / 10));
  if (main_taken_ + probation_taken_ < slots) return;
  main_taken_ /= 2;
  probation_taken_ /= 2;
}

namespace {

constexpr WindowOptions kAdaptive = {.ghosts = 50, .probation = 10, .adapts = true};
// The hands stop at any slot, and a batch is no more than a sixteenth of a small window.
constexpr WindowOptions kSmallBatches = {
    .leaf = 1, .batch_share = 16, .ghosts = 50, .probation = 10, .adapts = true};

template <WindowOptions kOptions>
struct Candidate : Window {
  Candidate(std::uint32_t slots, std::uint32_t pages) : Window(slots, pages, kOptions) {}
};

constexpr WindowOptions kPlain{};
constexpr WindowOptions kSingly{.leaf = 1, .batch = 1};
constexpr WindowOptions kGhost{.ghosts = 50};
constexpr WindowOptions kProbation{.probation = 10};
constexpr WindowOptions kBoth{.ghosts = 50, .probation = 10};
constexpr WindowOptions kMoreGhosts{.ghosts = 100, .probation = 10, .adapts = true};

}  // namespace

std::vector<Contestant> windows() {
  return {
      contestant<Candidate<kPlain>>("mapper"),
      contestant<Candidate<kSingly>>("batch of 1"),
      contestant<Candidate<kGhost>>("+ghost"),
      contestant<Candidate<kProbation>>("+probation"),
      contestant<Candidate<kBoth>>("+both"),
      contestant<Candidate<kAdaptive>>("+adapts"),
      contestant<Candidate<kMoreGhosts>>("ghost 100%"),
      contestant<Candidate<kSmallBatches>>("+batch/16"),
  };
}

std::vector<Contestant> windows_at_work() {
  return {contestant<Candidate<kPlain>>("mapper"), contestant<Candidate<kAdaptive>>("+adapts")};
}

}  // namespace kmapper::bench
