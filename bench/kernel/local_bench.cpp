// The cost of kmap_local, of the operations built on it, and of vmap; for high pages, and for low
// pages, which need no mapping.
#include <algorithm>
#include <array>

#include "bench/kernel/bench.hpp"
#include "kernel/mm/vmap.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

void read_first_word(const void* address) {
  (void)*static_cast<const volatile std::uint32_t*>(address);
}

struct Local {
  static void run(Page* page) {
    void* const address = kmap_local(page);
    read_first_word(address);
    kunmap_local(address);
  }
};

struct LocalNested {
  static void run(Page* page) {
    std::array<void*, 4> addresses;
    for (void*& address : addresses) {
      address = kmap_local(page);
      read_first_word(address);
    }
    for (std::size_t i = addresses.size(); i != 0; --i) kunmap_local(addresses[i - 1]);
  }
};

constexpr std::size_t kBytes = 64;
alignas(64) constinit unsigned char bytes[kBytes];

struct FromPage {
  static void run(Page* page) { memcpy_from_page(bytes, page, 128, kBytes); }
};
struct ToPage {
  static void run(Page* page) { memcpy_to_page(page, 128, bytes, kBytes); }
};
struct Clear {
  static void run(Page* page) { clear_highpage(page); }
};
// Copies to the next page: one entry of the sequence names both.
struct Copy {
  static void run(Page* page) { copy_highpage(page + 1, page); }
};

constexpr std::uint32_t kAreaPages = 16;
constinit std::array<Page*, kAreaPages> area_pages{};

template <std::uint32_t kPages>
struct Vmap {
  static void run(Page* /*page*/) {
    kmapper::Result<void*> area = vmap(std::span(area_pages).first(kPages));
    if (!area) return;
    for (std::uint32_t i = 0; i < kPages; ++i)
      read_first_word(static_cast<char*>(*area) + i * kPageSize);
    vunmap(*area);
  }
};

void bench_vmap(const Bench& bench) {
  const HighPages pages(kAreaPages);
  if (pages.missing()) return bench.skip("vmap-16", kAreaPages);
  std::copy(pages.all().begin(), pages.all().end(), area_pages.begin());
  bench.row<Vmap<1>>("vmap-1", area_pages);
  bench.row<Vmap<kAreaPages>>("vmap-16", area_pages);
}

// Pages in turn: kmap_local keeps none of them.
void bench_in_turn(const Bench& bench) {
  constexpr std::uint32_t kPages = 4096;
  const HighPages pages(kPages);
  if (pages.missing()) return bench.skip("local-4096", kPages);
  bench.row<Local>("local-4096", pages.all());
}

struct Names {
  std::string_view pair, nested, from, to, clear, copy;
};

void bench_pages(const Bench& bench, GfpFlags flags, const Names& names) {
  Page* const page = alloc_pages(flags, 1);
  if (page == nullptr || is_high(page) != flags.highmem()) return bench.skip(names.pair, 2);
  std::array<Page*, 256> same;
  same.fill(page);
  bench.row<Local>(names.pair, same);
  bench.row<LocalNested>(names.nested, same);
  bench.row<FromPage>(names.from, same);
  bench.row<ToPage>(names.to, same);
  bench.row<Clear>(names.clear, std::span(same).first(16));
  bench.row<Copy>(names.copy, std::span(same).first(16));
  free_pages(page, 1);
}

}  // namespace

void bench_local_and_vmap(const Bench& bench) {
  bench_pages(bench, GFP_KERNEL,
              {"local-low", "local-low-4-deep", "memcpy-from-low-64", "memcpy-to-low-64",
               "clear-low", "copy-low"});
  bench_pages(
      bench, GFP_HIGHMEM,
      {"local", "local-4-deep", "memcpy-from-64", "memcpy-to-64", "clear-high", "copy-high"});
  bench_in_turn(bench);
  bench_vmap(bench);
}

}  // namespace kmapper::kernel
