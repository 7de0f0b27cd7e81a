#include "page_cache.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

namespace kmapper::examples {

using process::Expected;
using process::HighPage;
using process::Mapping;

// One bucket for each page, or up to two: a power of two, so that the number's upper bits choose
// it.
PageCache::PageCache(std::uint32_t pages, const process::Budget& budget)
    : most_(pages),
      memory_(budget),
      shift_(64 - std::max(1, static_cast<int>(std::bit_width(pages - 1)))),
      buckets_(std::size_t{1} << (64 - shift_), kNone) {}

Mapping PageCache::map(HighPage page) {
  Expected<Mapping> mapping = memory_.map(page);
  if (!mapping) throw std::runtime_error(mapping.error().message());
  return std::move(*mapping);
}

Mapping PageCache::find(std::uint64_t number) {
  for (std::uint32_t i = bucket_of(number); i != kNone; i = entries_[i].next_in_bucket) {
    if (entries_[i].number != number) continue;
    ++counts_.hits;
    take_out(i);
    put_first(i);
    return map(entries_[i].page);
  }
  ++counts_.misses;
  return {};
}

Mapping PageCache::insert(std::uint64_t number) {
  const std::uint32_t i = size() < most_ ? new_entry() : evict_oldest();
  std::uint32_t& bucket = bucket_of(number);
  entries_[i].number = number;
  entries_[i].next_in_bucket = std::exchange(bucket, i);
  put_first(i);
  return map(entries_[i].page);
}

std::uint32_t PageCache::new_entry() {
  const Expected<HighPage> page = memory_.allocate();
  if (!page) throw std::runtime_error(page.error().message());
  entries_.push_back(
      {.number = 0, .page = *page, .newer = kNone, .older = kNone, .next_in_bucket = kNone});
  return size() - 1;
}

std::uint32_t PageCache::evict_oldest() {
  const std::uint32_t i = oldest_;
  ++counts_.evictions;
  take_out(i);
  std::uint32_t* link = &bucket_of(entries_[i].number);
  while (*link != i) link = &entries_[*link].next_in_bucket;
  *link = entries_[i].next_in_bucket;
  return i;
}

void PageCache::take_out(std::uint32_t i) {
  const Entry& entry = entries_[i];
  (entry.newer != kNone ? entries_[entry.newer].older : newest_) = entry.older;
  (entry.older != kNone ? entries_[entry.older].newer : oldest_) = entry.newer;
}

void PageCache::put_first(std::uint32_t i) {
  entries_[i].newer = kNone;
  entries_[i].older = newest_;
  (newest_ != kNone ? entries_[newest_].newer : oldest_) = i;
  newest_ = i;
}

}  // namespace kmapper::examples
