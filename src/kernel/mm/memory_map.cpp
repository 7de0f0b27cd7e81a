#include "kernel/mm/memory_map.hpp"

#include <algorithm>

namespace kmapper::kernel {
namespace {

// The part of a range below `end`: a page frame number cannot name the rest.
PhysRange below(PhysRange range, Pfn end) {
  return {std::min(range.begin, to_phys(end)), std::min(range.end, to_phys(end))};
}

}  // namespace

void MemoryMap::add(PhysRange bytes) {
  bytes = below(bytes, kEndOfNumbers);
  if (bytes.size() > 0) add({to_pfn_up(bytes.begin), to_pfn(bytes.end)});
}

void MemoryMap::reserve(PhysRange bytes) {
  bytes = below(bytes, kEndOfNumbers);
  if (bytes.size() > 0) remove({to_pfn(bytes.begin), to_pfn_up(bytes.end)});
}

std::optional<Pfn> MemoryMap::take(std::uint32_t pages, std::uint32_t alignment, PfnRange within) {
  for (const PfnRange region : regions()) {
    const PfnRange free = intersect(region, within);
    const std::uint32_t ragged = to_number(free.begin) % alignment;
    const std::uint32_t skipped = ragged == 0 ? 0 : alignment - ragged;
    if (free.size() < skipped || free.size() - skipped < pages) continue;
    const Pfn first = free.begin + skipped;
    remove({first, first + pages});
    return first;
  }
  return std::nullopt;
}

std::uint32_t MemoryMap::pages(PfnRange within) const {
  std::uint32_t sum = 0;
  for (const PfnRange region : regions()) sum += intersect(region, within).size();
  return sum;
}

void MemoryMap::add(PfnRange pages) {
  if (pages.size() == 0) return;
  std::size_t first = 0;  // the first region that the pages touch or precede
  while (first < size_ && regions_[first].end < pages.begin) ++first;
  std::size_t last = first;  // one past the last region that they touch
  for (; last < size_ && regions_[last].begin <= pages.end; ++last) {
    pages.begin = std::min(pages.begin, regions_[last].begin);
    pages.end = std::max(pages.end, regions_[last].end);
  }
  erase(first, last);
  insert(first, pages);
  lose_smallest();
}

void MemoryMap::remove(PfnRange pages) {
  for (std::size_t i = 0; i < size_;) {
    const PfnRange region = regions_[i];
    if (intersect(region, pages).size() == 0) {
      ++i;
      continue;
    }
    erase(i, i + 1);
    const PfnRange before{region.begin, pages.begin};
    const PfnRange after{pages.end, region.end};
    if (before.size() > 0) insert(i++, before);
    if (after.size() > 0) insert(i++, after);
  }
  lose_smallest();
}

void MemoryMap::insert(std::size_t at, PfnRange pages) {
  std::copy_backward(regions_.begin() + at, regions_.begin() + size_, regions_.begin() + size_ + 1);
  regions_[at] = pages;
  ++size_;
}

// A change adds one region at most.
void MemoryMap::lose_smallest() {
  if (size_ <= kMaxRegions) return;
  const auto smallest =
      std::min_element(regions_.begin(), regions_.begin() + size_,
                       [](PfnRange one, PfnRange other) { return one.size() < other.size(); });
  lost_pages_ += smallest->size();
  const auto index = static_cast<std::size_t>(smallest - regions_.begin());
  erase(index, index + 1);
}

void MemoryMap::erase(std::size_t first, std::size_t last) {
  std::copy(regions_.begin() + last, regions_.begin() + size_, regions_.begin() + first);
  size_ -= last - first;
}

}  // namespace kmapper::kernel
