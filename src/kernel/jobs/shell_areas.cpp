#include "kernel/jobs/shell_areas.hpp"

#include <algorithm>

#include "kernel/lib/print.hpp"
#include "kernel/mm/vmap.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kWordsInPage = kPageSize / sizeof(std::uint32_t);

}  // namespace

void ShellAreas::allocate(std::uint32_t pages) {
  constexpr std::uint32_t kMost = UINT32_MAX / kPageSize;
  auto* const unused = std::find_if(areas_.begin(), areas_.end(),
                                    [](const Area& area) { return area.words == nullptr; });
  if (unused == areas_.end()) return print("there are {} areas, no more fit\n", areas_.size());
  if (pages > kMost) return print("{} pages: the most that have addresses are {}\n", pages, kMost);
  const auto memory = vmalloc(pages * kPageSize);
  if (!memory) return print("vmalloc of {} pages: {}\n", pages, describe(memory.error()));
  *unused = {static_cast<std::uint32_t*>(*memory), pages};
  for (std::uint32_t i = 0; i < pages; ++i) unused->words[i * kWordsInPage] = i;
  print("area {}: {} pages from {} on\n", unused - areas_.begin(), pages, *memory);
}

void ShellAreas::free(std::uint32_t number) {
  if (number >= areas_.size() || areas_[number].words == nullptr)
    return print("there is no area {}\n", number);
  Area& area = areas_[number];
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < area.pages; ++i) wrong += area.words[i * kWordsInPage] != i ? 1 : 0;
  vfree(area.words);
  print("area {}: {} pages are free, or will be after the next flush; {} had lost their number\n",
        number, area.pages, wrong);
  area = {};
}

void ShellAreas::free_all() {
  for (Area& area : areas_) {
    if (area.words != nullptr) vfree(area.words);
    area = {};
  }
}

void ShellAreas::print_all() const {
  for (std::size_t i = 0; i < areas_.size(); ++i) {
    if (areas_[i].words == nullptr) continue;
    print("  area {:2}  {:5} pages from {} on\n", i, areas_[i].pages,
          static_cast<const void*>(areas_[i].words));
  }
  const auto usage = vmap_range.usage();
  print(
      "the vmap range: {} areas in {} of {} pages, {} wait for a flush, the largest run has {}; "
      "{} flushes\n",
      usage.areas, usage.used_pages, KernelPlatform::kMaxVmapPages, usage.dirty_pages,
      usage.largest_run, usage.flushes);
  print("memory that is free after the next flush: {} pages\n", usage.waiting_pages);
}

}  // namespace kmapper::kernel
