#include "linux/machine.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "linux/asan.hpp"
#include "linux/leaks.hpp"
#include "linux/report.hpp"
#include "linux/settings.hpp"
#include "linux/slab.hpp"
#include "system/system_call.hpp"

namespace kmapper::linux_face {
namespace {

constexpr unsigned long kTag = static_cast<unsigned long>(0x6B6D'6170'7061'6765);  // "kmappage"

int open_file(std::size_t bytes) {
  const int file = memfd_create("kmapper highmem", MFD_CLOEXEC);
  if (file < 0) fail("a memory file", errno);
  const auto size = static_cast<off_t>(bytes);
  if (system::within_size_limit([&] { return ftruncate(file, size); }) != 0)
    fail("a memory file (see KMAPPER_HIGH_PAGES, and ulimit -f)", errno);
  return file;
}

system::AddressRange map_all(std::size_t bytes, int file) {
  void* const begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (begin == MAP_FAILED) fail("addresses for the pages", errno);
  madvise(begin, bytes, MADV_DONTDUMP);  // a core dump contains low memory already
  return {static_cast<std::byte*>(begin), bytes};
}

/// Memory for `count` struct pages, with an inaccessible page on each side.
system::AddressRange reserve_pages(unsigned long count) {
  const std::size_t guard = system::page_size();
  const std::size_t size = (count * sizeof(page) + guard - 1) / guard * guard;
  void* const begin = system::reserve(size + 2 * guard);
  if (begin == MAP_FAILED ||
      mprotect(static_cast<std::byte*>(begin) + guard, size, PROT_READ | PROT_WRITE) != 0) {
    fail("memory for the struct pages", errno);
  }
  return {static_cast<std::byte*>(begin), size + 2 * guard};
}

}  // namespace

constinit std::atomic<Machine*> Machine::machine_{nullptr};
constinit std::atomic<bool> Machine::is_a_forks_child_{false};

/// Called in the child of a fork: the threads that held the lock, or waited, are the parent's.
void Machine::forget_other_threads() {
  Machine* const machine = find();
  if (machine == nullptr) return;
  is_a_forks_child_.store(true, std::memory_order_relaxed);
  new (&machine->mutex) std::mutex;
  new (&machine->slot_is_free) std::condition_variable;
  new (&machine->flag_is_clear) std::condition_variable;
  forget_slab_threads();
}

/// The machine stays until the process ends, for threads that run to the end. Two threads may make
/// one at once, so no child of a fork has to wait for a thread that was making it.
Machine& Machine::make() {
  std::unique_ptr<Machine> machine(new Machine);
  if (const int error = pthread_atfork(nullptr, nullptr, forget_other_threads); error != 0)
    fail("a handler for fork", error);
  Machine* none = nullptr;
  if (machine_.compare_exchange_strong(none, machine.get(), std::memory_order_acq_rel)) {
    (void)machine.release();
    if (reports_leaks()) report_leaks_at_exit();
  }
  watch_for_faults();
  return *find();
}

Machine::Machine()
    : layout(setting("KMAPPER_LOW_PAGES", 4096, kMostPages),
             setting("KMAPPER_HIGH_PAGES", usual_high_pages(), kMostPages)),
      check_one_in(check_setting()),
      slots(setting("KMAPPER_SLOTS", 512, 8192)),
      zones_{{Layout::kFirstPfn, layout.first_high_pfn(), Layout::kFirstPfn, layout.low_pages()},
             {layout.first_high_pfn(), layout.end_pfn(), layout.first_high_pfn(),
              layout.high_pages()}},
      file_(open_file(layout.size())),
      pages_(reserve_pages(layout.end_pfn() - Layout::kZeroPfn)),
      frames_(layout.end_pfn() - Layout::kZeroPfn),
      plain_(layout, file_.number()),
      open_(map_all(layout.size(), file_.number())) {
  Frame& zero = frame(Layout::kZeroPfn);
  zero.is_head = zero.is_library = true;
  zero.count = 1 << 30;  // never freed
  zero.is_allocated = true;
  make_page_struct(Layout::kZeroPfn);
  plain_.open_for_reading(Layout::kZeroPfn);
}

page* Machine::first_page() const {
  return reinterpret_cast<page*>(pages_.begin() + system::page_size());
}

unsigned long Machine::pfn_of(const page* page) const {
  const auto offset = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(page) -
                                               reinterpret_cast<std::byte*>(first_page()));
  const unsigned long pfn = Layout::kZeroPfn + offset / sizeof(struct page);
  return offset % sizeof(struct page) == 0 && has(pfn) ? pfn : 0;
}

/// With AddressSanitizer, an access to its first or last word is reported at once.
void Machine::make_page_struct(unsigned long pfn) const {
  page& it = *page_of(pfn);
  const auto* const first = reinterpret_cast<const std::byte*>(&it.kmapper_first);
  const auto* const last = reinterpret_cast<const std::byte*>(&it.kmapper_last);
  allow(first, sizeof it.kmapper_first);
  allow(last, sizeof it.kmapper_last);
  it = {};
  it.kmapper_first = it.kmapper_last = kTag;
  if (sizeof it.kmapper_first < 8) return;  // AddressSanitizer knows words of 8 bytes only
  forbid(first, sizeof it.kmapper_first);
  forbid(last, sizeof it.kmapper_last);
}

bool Machine::is_whole(unsigned long pfn) const {
  const page* const it = page_of(pfn);
  return it->kmapper_first == kTag && it->kmapper_last == kTag;
}

/// `with_gaps`: also the pages before and behind must be free, so that an access beyond faults.
bool Machine::is_free(unsigned long first, unsigned long count, const ZoneState& zone,
                      bool with_gaps) const {
  const unsigned long gap = with_gaps ? 1 : 0;
  const unsigned long begin = std::max(first - gap, zone.begin);
  const unsigned long end = std::min(first + count + gap, zone.end);
  for (unsigned long pfn = begin; pfn < end; ++pfn)
    if (frame(pfn).is_allocated.load(std::memory_order_relaxed)) return false;
  return true;
}

/// From the last allocation on, around the zone. 0: there are no such pages.
unsigned long Machine::search(ZoneState& zone, unsigned long count, bool with_gaps) const {
  const auto up = [count](unsigned long pfn) { return (pfn + count - 1) / count * count; };
  const unsigned long start = up(zone.next);
  for (unsigned long first = start; first + count <= zone.end; first += count)
    if (is_free(first, count, zone, with_gaps)) return first;
  for (unsigned long first = up(zone.begin); first < start && first + count <= zone.end;
       first += count) {
    if (is_free(first, count, zone, with_gaps)) return first;
  }
  return 0;
}

unsigned long Machine::take(Zone which, unsigned order) {
  ZoneState& zone = zones_[static_cast<std::size_t>(which)];
  const unsigned long count = 1UL << order;
  if (zone.free < count) return 0;
  // High pages have guards.
  const bool with_gaps = which == Zone::low && zone.free > (zone.end - zone.begin) / 2;
  unsigned long first = with_gaps ? search(zone, count, true) : 0;
  if (first == 0) first = search(zone, count, false);
  if (first == 0) return 0;
  zone.next = first + count;
  zone.free -= count;
  for (unsigned long pfn = first; pfn < first + count; ++pfn) {
    Frame& it = frame(pfn);
    it.is_head = pfn == first;
    it.is_compound = it.is_library = it.was_kmapped = false;
    it.order = static_cast<std::uint8_t>(order);
    it.exact_pages = 0;
    it.count.store(it.is_head ? 1 : 0, std::memory_order_relaxed);
    make_page_struct(pfn);
    if (which == Zone::low && !plain_.is_open(pfn)) plain_.open(pfn);
    it.is_allocated.store(true, std::memory_order_release);
  }
  return first;
}

void Machine::give_back(unsigned long first, unsigned order, bool is_checked) {
  const unsigned long count = 1UL << order;
  for (unsigned long pfn = first; pfn < first + count; ++pfn) {
    Frame& it = frame(pfn);
    it.is_allocated.store(false, std::memory_order_relaxed);
    it.is_head = it.is_compound = false;
    it.count.store(0, std::memory_order_relaxed);
    if (!is_high(pfn) && is_checked) plain_.close(pfn);
  }
  zones_[is_high(first) ? 1 : 0].free += count;
}

/// The first time by a system call, which says where there is no memory.
bool Machine::fill(unsigned long first, unsigned order, unsigned char value) const {
  std::array<unsigned char, PAGE_SIZE> bytes;
  for (unsigned long pfn = first; pfn < first + (1UL << order); ++pfn) {
    if (frame(pfn).has_memory) {
      std::memset(open_address(pfn), value, PAGE_SIZE);
      continue;
    }
    bytes.fill(value);
    const auto at = static_cast<off_t>(layout.offset_of(pfn));
    if (system::within_size_limit([&] { return pwrite(file(), bytes.data(), bytes.size(), at); }) !=
        static_cast<ssize_t>(bytes.size())) {
      return false;
    }
    frame(pfn).has_memory = true;
  }
  return true;
}

}  // namespace kmapper::linux_face
