#include "process/window/directory.hpp"

#include <algorithm>
#include <bit>

namespace kmapper::process {
namespace {

/// One for each slot is enough when no two pages are neighbours. The others are for calls in
/// progress.
constexpr std::uint32_t entries_for(std::uint32_t slots) { return slots + slots / 4 + 1024; }

}  // namespace

Directory::Directory(std::uint32_t slots)
    : count_(entries_for(slots)),
      shift_(32 - static_cast<unsigned>(std::bit_width(slots | 63U))),
      entries_(count_ + 1),
      buckets_(std::size_t{1} << (32 - shift_)) {}

Directory::Cell& Directory::cell_or_none(Page page) noexcept {
  const std::uint64_t key = key_of(page);
  // Acquire, here and in find(). A thread that sees a link or a key that a change has written also
  // sees, in its second look, the odd version that came before it. So the same even version, seen
  // twice, proves that there was no change, and that what was not found was not there.
  const std::uint32_t version = version_.load(std::memory_order_acquire);
  std::uint32_t entry = find(key);
  if (entry == 0 && (version % 2 != 0 || version_.load(std::memory_order_relaxed) != version)) {
    const std::lock_guard lock(mutex_);
    entry = find(key);
  }
  return entry != 0 ? entries_[entry].cells[cell_of(page)] : none_;
}

void Directory::forget_all() noexcept {
  const std::size_t buckets = std::size_t{1} << (32 - shift_);
  for (std::size_t i = 0; i < buckets; ++i) {
    if (buckets_[i].load(std::memory_order_relaxed) != 0)
      buckets_[i].store(0, std::memory_order_relaxed);
  }
  version_.store(0, std::memory_order_relaxed);  // even: no change is in progress
}

std::uint32_t Directory::hold(Page page) noexcept {
  const std::uint64_t key = key_of(page);
  const std::lock_guard lock(mutex_);
  std::uint32_t number = find(key);
  if (number == 0) {
    // Relaxed: written only with the lock held. Release, for the stores that follow: see cell().
    const std::uint32_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    number = take_entry();
    if (number != 0) {
      Entry& entry = entries_[number];
      std::atomic<std::uint32_t>& bucket = bucket_of(key);
      const std::uint32_t stamp = entry.stamp.load(std::memory_order_relaxed);
      entry.stamp.store(stamp + 1, std::memory_order_relaxed);
      entry.key.store(key, std::memory_order_release);
      entry.stamp.store(stamp + 2, std::memory_order_release);
      entry.next.store(bucket.load(std::memory_order_relaxed), std::memory_order_release);
      bucket.store(number, std::memory_order_release);
    }
    version_.store(version + 2, std::memory_order_release);
    if (number == 0) return 0;
  }
  ++entries_[number].holds;
  return number;
}

void Directory::drop(std::uint32_t entry) noexcept {
  const std::lock_guard lock(mutex_);
  --entries_[entry].holds;
}

/// An entry that is in no bucket; 0 when all are in use. Looks for an unused one first, but only a
/// few times: entries that have been used keep occupying memory.
std::uint32_t Directory::take_entry() noexcept {
  constexpr std::uint32_t kFewLooks = 8;
  const std::uint32_t looks = fresh_ < count_ ? std::min(kFewLooks, fresh_) : count_;
  for (std::uint32_t i = 0; i < looks; ++i) {
    hand_ = hand_ >= fresh_ ? 1 : hand_ + 1;
    if (!is_unused(entries_[hand_])) continue;
    unlink(hand_);
    return hand_;
  }
  return fresh_ < count_ ? ++fresh_ : 0;
}

bool Directory::is_unused(const Entry& entry) const noexcept {
  if (entry.holds != 0) return false;
  // Acquire: pairs with the release of the scavenger that emptied the cell. No thread fills a cell
  // of an entry that is not held.
  return std::all_of(entry.cells.begin(), entry.cells.end(),
                     [](const Cell& cell) { return cell.load(std::memory_order_acquire) == 0; });
}

void Directory::unlink(std::uint32_t number) noexcept {
  std::atomic<std::uint32_t>* link =
      &bucket_of(entries_[number].key.load(std::memory_order_relaxed));
  while (link->load(std::memory_order_relaxed) != number)
    link = &entries_[link->load(std::memory_order_relaxed)].next;
  link->store(entries_[number].next.load(std::memory_order_relaxed), std::memory_order_release);
}

}  // namespace kmapper::process
