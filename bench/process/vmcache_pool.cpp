#include "bench/process/vmcache_pool.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <span>

namespace kmapper::bench {

VmcachePool::VmcachePool(const Setting& setting)
    : setting_(setting),
      granule_(static_cast<std::size_t>(setting.granule)),
      most_(static_cast<std::size_t>(setting.budget / setting.granule)),
      batch_(std::clamp<std::size_t>(most_ / 64, 1, kMostInABatch)),
      memory_(must_reserve(static_cast<std::size_t>(setting.size), MADV_NOHUGEPAGE)),
      words_(reserve_array<PageWord>()),
      written_(reserve_array<Written>()),
      resident_(std::make_unique<std::atomic<std::uint64_t>[]>(most_)) {}

void VmcachePool::Seat::sync() {
  for (Seat* const it : shared_.seats_) it->write_back_all();
  must_sync(shared_.setting_.descriptor);
}

bool VmcachePool::Seat::lock(std::size_t page, bool loads) {
  PageWord& word = shared_.words_[page];
  for (;;) {
    const std::uint64_t seen = word.load();
    const PageWord::State state = PageWord::state_of(seen);
    if (state == PageWord::evicted && !loads) return false;
    if (state == PageWord::locked) {
      sched_yield();
    } else if (word.change(seen, PageWord::locked)) {
      if (state == PageWord::evicted) load(page);
      return true;
    }
  }
}

void VmcachePool::Seat::load(std::size_t page) {
  if (places_.empty()) shared_.free_places(places_);
  must_read(shared_.setting_.descriptor, shared_.data_of(page), shared_.granule_,
            static_cast<std::int64_t>(page) * shared_.setting_.granule);
  shared_.resident_[places_.back()].store(page + 1, std::memory_order_relaxed);
  places_.pop_back();
}

void VmcachePool::Seat::write_back_all() {
  const std::lock_guard guard(mutex_);
  for (const std::size_t page : list_) {
    if (!lock(page, false)) continue;  // it was written back when its memory was given back
    shared_.write_back(page);
    shared_.words_[page].unlock(PageWord::unlocked);
  }
  list_.clear();
}

void VmcachePool::free_places(std::vector<std::size_t>& places) {
  if (used_.load(std::memory_order_relaxed) < most_) {
    const std::size_t first = used_.fetch_add(batch_, std::memory_order_relaxed);
    for (std::size_t i = first; i < std::min(first + batch_, most_); ++i) places.push_back(i);
  }
  while (places.empty()) evict(places);
}

void VmcachePool::evict(std::vector<std::size_t>& places) {
  std::array<iovec, kMostInABatch> memory;
  std::array<std::size_t, kMostInABatch> pages;
  std::size_t count = 0;
  for (std::size_t looked = 0; count < batch_ && looked < 2 * most_; ++looked) {
    const std::size_t place = hand_.fetch_add(1, std::memory_order_relaxed) % most_;
    const std::uint64_t tenant = resident_[place].load(std::memory_order_relaxed);
    if (tenant == 0 || !take(place, tenant)) continue;
    pages[count] = static_cast<std::size_t>(tenant - 1);
    memory[count] = {data_of(pages[count]), granule_};
    ++count;
    places.push_back(place);
  }
  drop_.drop(std::span(memory).first(count));
  for (const std::size_t it : std::span(pages).first(count)) words_[it].unlock(PageWord::evicted);
}

bool VmcachePool::take(std::size_t place, std::uint64_t tenant) {
  const auto page = static_cast<std::size_t>(tenant - 1);
  const std::uint64_t seen = words_[page].load();
  const PageWord::State state = PageWord::state_of(seen);
  if (state == PageWord::unlocked) (void)words_[page].change(seen, PageWord::marked);
  if (state != PageWord::marked || !words_[page].change(seen, PageWord::locked)) return false;
  // Only the thread that has a granule locked changes its place.
  if (resident_[place].load(std::memory_order_relaxed) != tenant) {
    words_[page].unlock(PageWord::marked);
    return false;
  }
  resident_[place].store(0, std::memory_order_relaxed);
  write_back(page);
  return true;
}

}  // namespace kmapper::bench
