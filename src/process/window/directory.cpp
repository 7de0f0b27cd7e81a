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
      most_buckets_(slots / kStripes / kUsualSlots + 1),
      buckets_(std::size_t{most_buckets_} * kStripes) {
  system::use_large_pages(reinterpret_cast<std::byte*>(buckets_.data()), buckets_.bytes());
}

Directory::Word Directory::find_surely(Page page) const noexcept {
  const std::uint32_t hash = hash_of(page);
  Stripe& stripe = stripes_[hash % kStripes];
  const Locked locked(stripe);
  return search(bucket(hash, stripe.buckets.load(std::memory_order_relaxed)), hash, page,
                UINT32_MAX, kNothingExpected);
}

bool Directory::insert(Page page, SlotIndex slot) noexcept {
  const std::uint32_t hash = hash_of(page);
  Stripe& stripe = stripes_[hash % kStripes];
  const Locked locked(stripe);
  const std::uint32_t buckets = stripe.buckets.load(std::memory_order_relaxed);
  Bucket& bucket = this->bucket(hash, buckets);
  if (search(bucket, hash, page, UINT32_MAX, kNothingExpected) != 0) return false;
  add(bucket, hash, slot);
  if (++stripe.slots > buckets * kUsualSlots && buckets != most_buckets_)
    add_bucket(stripe, static_cast<std::uint32_t>(hash % kStripes));
  return true;
}

void Directory::erase(Page page) noexcept {
  const std::uint32_t hash = hash_of(page);
  Stripe& stripe = stripes_[hash % kStripes];
  const Locked locked(stripe);
  --stripe.slots;
  Bucket& bucket = this->bucket(hash, stripe.buckets.load(std::memory_order_relaxed));
  for (Bucket::Set left = bucket.with_tag(tag_of(hash)); left != 0; left &= left - 1) {
    const std::uint32_t index = Bucket::first_of(left);
    if (!window_.is_of(bucket.slot(index), page)) continue;
    bucket.clear(index);
    return fill_from_list(bucket);
  }
  std::atomic<std::uint32_t>* link = &bucket.list;
  while (!window_.is_of(SlotIndex{link->load(std::memory_order_relaxed) - 1}, page))
    link = &window_.link(SlotIndex{link->load(std::memory_order_relaxed) - 1});
  const SlotIndex slot{link->load(std::memory_order_relaxed) - 1};
  link->store(window_.link(slot).load(std::memory_order_relaxed), std::memory_order_relaxed);
}

/// Adds a slot whose page has this hash to its bucket. The lock is held.
void Directory::add(Bucket& bucket, std::uint32_t hash, SlotIndex slot) noexcept {
  if (const Bucket::Set free = bucket.free(); free != 0)
    return bucket.set(Bucket::first_of(free), slot, tag_of(hash));
  window_.link(slot).store(bucket.list.load(std::memory_order_relaxed), std::memory_order_relaxed);
  bucket.list.store(to_number(slot) + 1, std::memory_order_relaxed);
}

/// Moves slots from the bucket's list into the bucket while it has room. The lock is held.
void Directory::fill_from_list(Bucket& bucket) noexcept {
  for (Bucket::Set free = bucket.free(); free != 0; free = bucket.free()) {
    const std::uint32_t entry = bucket.list.load(std::memory_order_relaxed);
    if (entry == 0) return;
    const SlotIndex slot{entry - 1};
    // Into the bucket first, so that fewer searches miss it.
    bucket.set(Bucket::first_of(free), slot, tag_of(hash_of(window_.page_of(slot))));
    bucket.list.store(window_.link(slot).load(std::memory_order_relaxed),
                      std::memory_order_relaxed);
  }
}

/// Adds a bucket to the stripe of that number, and moves into it those slots of an older bucket
/// that belong there now. The lock is held.
void Directory::add_bucket(Stripe& stripe, std::uint32_t number) noexcept {
  const std::uint32_t added = stripe.buckets.load(std::memory_order_relaxed);
  const std::uint32_t split = added - std::bit_floor(added);
  Bucket& target = buckets_[std::size_t{added} * kStripes + number];
  Bucket& source = buckets_[std::size_t{split} * kStripes + number];
  const auto moves = [&](SlotIndex slot) {
    const std::uint32_t hash = hash_of(window_.page_of(slot));
    if (number_of(hash, added + 1) != added) return false;
    add(target, hash, slot);
    return true;
  };
  for (std::uint32_t i = 0; i < Bucket::kSlots; ++i) {
    if (!source.is_free(i) && moves(source.slot(i))) source.clear(i);
  }
  for (std::atomic<std::uint32_t>* link = &source.list;
       link->load(std::memory_order_relaxed) != 0;) {
    const SlotIndex slot{link->load(std::memory_order_relaxed) - 1};
    std::atomic<std::uint32_t>& next = window_.link(slot);
    const std::uint32_t behind = next.load(std::memory_order_relaxed);
    if (moves(slot))
      link->store(behind, std::memory_order_relaxed);
    else
      link = &next;
  }
  fill_from_list(source);
  stripe.buckets.store(added + 1, std::memory_order_relaxed);
}

void Directory::forget_all() noexcept {
  for (std::uint32_t i = 0; i < kStripes; ++i) {
    for (std::uint32_t j = 0; j < Bucket::kSlots; ++j) buckets_[i].clear(j);
    buckets_[i].list.store(0, std::memory_order_relaxed);
    stripes_[i].buckets.store(1, std::memory_order_relaxed);
    stripes_[i].is_locked.store(0, std::memory_order_relaxed);
  }
}

}  // namespace kmapper::process
