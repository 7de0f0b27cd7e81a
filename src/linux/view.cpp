#include "linux/view.hpp"

#include <sys/mman.h>

#include <cerrno>

#include "linux/protection_keys.hpp"
#include "linux/report.hpp"

namespace kmapper::linux_face {
namespace {

/// Inaccessible addresses, with a machine page more. Low pages begin at a multiple of the largest
/// allocation, so each allocation begins at a multiple of its size, as in a kernel.
system::AddressRange reserve(std::size_t size) {
  constexpr std::size_t kLargest = std::size_t{PAGE_SIZE} << kMostOrder;
  const std::size_t first_low = system::page_size();
  system::AddressRange range =
      system::reserve_at(size + system::page_size(), kLargest, kLargest - first_low);
  if (range.size() == 0)
    fail("addresses for the pages (each thread takes some: see KMAPPER_HIGH_PAGES)", errno);
  return range;
}

}  // namespace

constinit std::atomic<unsigned long> View::views_{0};

View::View(const Layout& layout, int file)
    : layout_(layout),
      file_(file),
      range_(reserve(layout.size())),
      states_(layout.end_pfn() - Layout::kZeroPfn),
      hand_(layout.first_high_pfn()) {
  views_.fetch_add(1, std::memory_order_relaxed);
}

/// Where the process may have no more mappings, an older place is given back first.
void View::map(unsigned long pfn, int protection) {
  const std::size_t place = layout_.place_of(pfn);
  const auto map_it = [&] {
    return system::map_over(range_.begin() + place, layout_.machine_page(), protection, MAP_SHARED,
                            file_, static_cast<std::int64_t>(place));
  };
  int error = map_it();
  if (error == ENOMEM && places_ != 0) {
    give_back_a_place();
    error = map_it();
  }
  if (error != 0)
    fail("mapping a page (each may be a mapping of its own: see vm.max_map_count)", error);
}

/// As one mapping: they stay accessible.
void View::map_the_other_low_pages() {
  const unsigned long first = Layout::kZeroPfn + kMostLowPlaces;
  const std::size_t begin = layout_.place_of(first);
  const std::size_t end = layout_.offset_of(layout_.first_high_pfn() - 1) + PAGE_SIZE;
  if (system::map_over(range_.begin() + begin, end - begin, PROT_READ | PROT_WRITE, MAP_SHARED,
                       file_, static_cast<std::int64_t>(begin)) != 0) {
    fail("mapping low memory", errno);
  }
  for (unsigned long pfn = first; pfn < layout_.first_high_pfn(); ++pfn) state(pfn) = State::open;
}

void View::map_for_the_first_time(unsigned long pfn) {
  map(pfn, PROT_READ | PROT_WRITE);
  if (!layout_.is_high(pfn)) {
    if (pfn - Layout::kZeroPfn >= kMostLowPlaces) return map_the_other_low_pages();
    // The advice changes nothing for a memory file, but makes it differ from its neighbours.
    if (pfn % 2 != 0)
      madvise(range_.begin() + layout_.place_of(pfn), layout_.machine_page(), MADV_RANDOM);
    return;
  }
  // A core dump would contain the page in each view.
  madvise(range_.begin() + layout_.place_of(pfn), layout_.machine_page(), MADV_DONTDUMP);
  // Two at a time: a view shrinks when there are more views.
  const unsigned long most = kMostPlaces / views_.load(std::memory_order_relaxed);
  if (++places_ > most) give_back_a_place();
  if (places_ > most) give_back_a_place();
}

void View::open(unsigned long pfn, int key) {
  std::byte* const place = range_.begin() + layout_.place_of(pfn);
  const std::size_t size = layout_.machine_page();
  if (state(pfn) == State::reserved)
    map_for_the_first_time(pfn);
  else if (key == kNoKey && mprotect(place, size, PROT_READ | PROT_WRITE) != 0)
    fail("mapping a page", errno);
  if (const int error = key != kNoKey ? ProtectionKeys::open(place, size, key) : 0; error != 0)
    fail("mapping a page under a protection key", error);
  state(pfn) = State::open;
}

void View::close(unsigned long pfn) {
  if (!layout_.is_high(pfn) &&
      (layout_.machine_page() != PAGE_SIZE || pfn - Layout::kZeroPfn >= kMostLowPlaces)) {
    return;
  }
  if (mprotect(range_.begin() + layout_.place_of(pfn), layout_.machine_page(), PROT_NONE) != 0)
    fail("unmapping a page", errno);
  state(pfn) = State::closed;
}

void View::open_for_reading(unsigned long pfn) {
  map(pfn, PROT_READ);
  state(pfn) = State::open;
}

/// Not the place of a page that is open. If all are, there is one more.
void View::give_back_a_place() {
  for (unsigned long i = 0; i < layout_.high_pages(); ++i) {
    const unsigned long pfn = hand_;
    hand_ = hand_ + 1 == layout_.end_pfn() ? layout_.first_high_pfn() : hand_ + 1;
    if (state(pfn) != State::closed) continue;
    std::byte* const place = range_.begin() + layout_.place_of(pfn);
    if (system::map_over(place, layout_.machine_page(), PROT_NONE, system::kReserved, -1, 0) != 0)
      return;
    state(pfn) = State::reserved;
    --places_;
    return;
  }
}

}  // namespace kmapper::linux_face
