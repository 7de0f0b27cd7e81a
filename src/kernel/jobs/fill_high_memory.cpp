// All of high memory at once: every free page is taken, in blocks as large as possible, and
// written; only one page is mapped at a time. Then all pages are read. If two numbers lead to the
// same page, if a slot still leads to its former page, or if memory is missing, the read finds
// something else than was written.
#include <cstddef>

#include "kernel/jobs/main_steps.hpp"
#include "kernel/jobs/progress.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/block_list.hpp"
#include "kernel/mm/highmem.hpp"

namespace kmapper::kernel {
namespace {

// The words of the pattern lie at both ends of the page and in its middle.
constexpr std::size_t kWords = kPageSize / sizeof(std::uint32_t);
constexpr std::size_t kPlaces[] = {0, 1, kWords / 2, kWords - 1};

// First the page frame's number, then mixtures of it that differ from place to place.
std::uint32_t pattern(const Page* page, std::size_t place) {
  const std::uint32_t number = to_number(page_to_pfn(page));
  return place == 0 ? number : (number ^ static_cast<std::uint32_t>(place)) * 0x9E3779B1U;
}

void write(Page* page) {
  auto* const words = static_cast<std::uint32_t*>(kmap(page));
  for (const std::size_t place : kPlaces) words[place] = pattern(page, place);
  kunmap(page);
}

bool reads_back(Page* page) {
  const auto* const words = static_cast<const std::uint32_t*>(kmap(page));
  bool right = true;
  for (const std::size_t place : kPlaces) {
    if (words[place] == pattern(page, place)) continue;
    print("page {}, word {}: {:08x} was written, {:08x} is there\n", page_to_pfn(page), place,
          pattern(page, place), words[place]);
    right = false;
  }
  kunmap(page);
  return right;
}

// Calls visit for every `sample`th page, with a progress line now and then. Returns whether it
// always returned true.
template <class Visit>
bool for_each_sample(std::string_view done, const BlockList& blocks, std::uint32_t sample,
                     Visit visit) {
  Progress progress(done, std::uint64_t{blocks.pages()} * kPageSize);
  std::uint32_t pages = 0;
  std::uint32_t samples = 0;
  const bool complete = blocks.for_each_page([&](Page* page) {
    if (pages++ % sample != 0) return true;
    ++samples;
    progress.at(std::uint64_t{pages} * kPageSize);
    return visit(page);
  });
  const std::uint64_t ns = progress.elapsed_ns();
  print("  {} {} pages in {} s, {} us a page\n", done, samples, Hundredths{ratio(ns, 10'000'000)},
        Hundredths{ratio(ns, std::uint64_t{samples} * 10)});
  return complete;
}

}  // namespace

Outcome fill_high_memory(std::uint32_t sample) {
  BlockList blocks;
  if (!blocks.add_all(GFP_HIGHMEM)) return failed("out of memory for the list of blocks");
  print("all of high memory: {} pages, {} MiB\n", blocks.pages(), blocks.pages() >> 8);
  if (blocks.pages() == 0) {
    print("  there is none on this machine\n");
    return passed();
  }
  if (sample > 1) print("  sampled 1 in {}\n", sample);
  for_each_sample("written", blocks, sample, [](Page* page) {
    write(page);
    return true;
  });
  return for_each_sample("verified", blocks, sample, reads_back)
             ? passed()
             : failed("a page of high memory did not read back what was written");
}

}  // namespace kmapper::kernel
