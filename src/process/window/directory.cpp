#include "process/window/directory.hpp"

#include <algorithm>

namespace kmapper::process {

/// Holds a stripe's lock, for a few steps.
class Directory::Locked {
 public:
  explicit Locked(Stripe& stripe) : stripe_(stripe) {
    // Acquire: pairs with the release of the last holder.
    while (stripe_.is_locked.exchange(1, std::memory_order_acquire) != 0) Platform::relax();
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { stripe_.is_locked.store(0, std::memory_order_release); }

 private:
  Stripe& stripe_;
};

Directory::Directory(Window& window, std::uint32_t slots)
    : window_(window),
      most_buckets_(slots / kStripes + 1),
      buckets_(std::size_t{most_buckets_} * kStripes) {
  system::use_large_pages(reinterpret_cast<std::byte*>(buckets_.data()), buckets_.bytes());
}

Directory::Word Directory::find_surely(Page page) const noexcept {
  const std::uint32_t hash = hash_of(page);
  Stripe& stripe = stripes_[hash % kStripes];
  const Locked locked(stripe);
  return search(bucket(hash, stripe.buckets.load(std::memory_order_relaxed)), page, UINT32_MAX);
}

bool Directory::insert(Page page, SlotIndex slot) noexcept {
  const std::uint32_t hash = hash_of(page);
  Stripe& stripe = stripes_[hash % kStripes];
  const Locked locked(stripe);
  const std::uint32_t buckets = stripe.buckets.load(std::memory_order_relaxed);
  Bucket& first = bucket(hash, buckets);
  if (search(first, page, UINT32_MAX) != 0) return false;
  // Release, all stores to links and buckets: pairs with search().
  window_.link(slot).store(first.load(std::memory_order_relaxed), std::memory_order_release);
  first.store(to_number(slot) + 1, std::memory_order_release);
  if (++stripe.slots > buckets && buckets != most_buckets_)
    add_bucket(stripe, static_cast<std::uint32_t>(hash % kStripes));
  return true;
}

void Directory::erase(Page page) noexcept {
  const std::uint32_t hash = hash_of(page);
  Stripe& stripe = stripes_[hash % kStripes];
  const Locked locked(stripe);
  Bucket* link = &bucket(hash, stripe.buckets.load(std::memory_order_relaxed));
  while (!window_.is_of(SlotIndex{link->load(std::memory_order_relaxed) - 1}, page))
    link = &window_.link(SlotIndex{link->load(std::memory_order_relaxed) - 1});
  const SlotIndex slot{link->load(std::memory_order_relaxed) - 1};
  link->store(window_.link(slot).load(std::memory_order_relaxed), std::memory_order_release);
  --stripe.slots;
}

/// Adds a bucket to the stripe of that number, and moves into it those slots of an older bucket
/// that belong there now. The lock is held.
void Directory::add_bucket(Stripe& stripe, std::uint32_t number) noexcept {
  const std::uint32_t added = stripe.buckets.load(std::memory_order_relaxed);
  const std::uint32_t split = added - std::bit_floor(added);
  Bucket& target = buckets_[std::size_t{added} * kStripes + number];
  Bucket* link = &buckets_[std::size_t{split} * kStripes + number];
  while (link->load(std::memory_order_relaxed) != 0) {
    const std::uint32_t entry = link->load(std::memory_order_relaxed);
    Bucket& next = window_.link(SlotIndex{entry - 1});
    if (number_of(hash_of(window_.page_of(SlotIndex{entry - 1})), added + 1) != added) {
      link = &next;
      continue;
    }
    link->store(next.load(std::memory_order_relaxed), std::memory_order_release);
    next.store(target.load(std::memory_order_relaxed), std::memory_order_release);
    target.store(entry, std::memory_order_release);
  }
  stripe.buckets.store(added + 1, std::memory_order_release);
}

void Directory::forget_all() noexcept {
  for (std::uint32_t i = 0; i < kStripes; ++i) {
    buckets_[i].store(0, std::memory_order_relaxed);
    stripes_[i].buckets.store(1, std::memory_order_relaxed);
    stripes_[i].is_locked.store(0, std::memory_order_relaxed);
  }
}

}  // namespace kmapper::process
