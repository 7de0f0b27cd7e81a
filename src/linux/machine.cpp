#include "linux/machine.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>

#include "linux/report.hpp"
#include "system/page_size.hpp"
#include "system/system_call.hpp"

namespace kmapper::linux_face {
namespace {

constexpr unsigned long kMostPages = 1UL << 18;  // 1 GiB: two views fit a 32-bit process

unsigned long setting(const char* name, unsigned long usual, unsigned long most) {
  const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return usual;
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (end != text && *end == '\0' && value >= 1 && value <= most) return value;
  std::fprintf(stderr, "kmapper: %s=%s is not a number from 1 to %lu\n", name, text, most);
  std::_Exit(2);
}

int open_file(std::size_t bytes) {
  const int file = memfd_create("kmapper highmem", MFD_CLOEXEC);
  if (file < 0) fail("a memory file", errno);
  const auto size = static_cast<off_t>(bytes);
  if (system::within_size_limit([&] { return ftruncate(file, size); }) != 0)
    fail("a memory file (see KMAPPER_HIGH_PAGES, and ulimit -f)", errno);
  return file;
}

/// Reserves inaccessible addresses, with one page more. `file`: maps its pages; -1: nothing.
system::AddressRange reserve(std::size_t bytes, int file) {
  const std::size_t size = bytes + system::page_size();
  void* const begin =
      mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED ||
      (file >= 0 && mmap(begin, bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)) {
    fail("addresses for the pages", errno);
  }
  return {static_cast<std::byte*>(begin), size};
}

constexpr std::size_t bytes_of(unsigned long pages) { return std::size_t{pages} << PAGE_SHIFT; }

constexpr std::size_t round_up(std::size_t size, std::size_t step) {
  return (size + step - 1) / step * step;
}

}  // namespace

constinit std::atomic<Machine*> Machine::machine_{nullptr};

/// Called in the child of a fork: the threads that held the lock, or waited, are the parent's.
void Machine::forget_other_threads() {
  Machine* const machine = find();
  if (machine == nullptr) return;
  new (&machine->mutex) std::mutex;
  new (&machine->slot_is_free) std::condition_variable;
}

/// The machine stays until the process ends, for threads that run to the end. Two threads may make
/// one at once, so no child of a fork has to wait for a thread that was making it.
Machine& Machine::get() {
  if (Machine* const made = find(); made != nullptr) [[likely]]
    return *made;
  std::unique_ptr<Machine> machine(new Machine);
  if (const int error = pthread_atfork(nullptr, nullptr, forget_other_threads); error != 0)
    fail("a handler for fork", error);
  Machine* none = nullptr;
  if (machine_.compare_exchange_strong(none, machine.get(), std::memory_order_acq_rel))
    (void)machine.release();
  watch_for_faults();
  return *find();
}

Machine::Machine()
    : low_(setting("KMAPPER_LOW_PAGES", 4096, kMostPages)),
      high_(setting("KMAPPER_HIGH_PAGES", 16'384, kMostPages)),
      slots_(setting("KMAPPER_SLOTS", 512, 8192)),
      place_(round_up(PAGE_SIZE, system::page_size())),
      high_begin_(round_up(bytes_of(low_), place_)),
      low_hint_(kFirstPfn),
      high_hint_(kFirstPfn + low_),
      file_(open_file(high_begin_ + high_ * place_)),
      tokens_(reserve((low_ + high_) * sizeof(page), -1)),
      frames_(low_ + high_ + 1),
      plain_(reserve(high_begin_ + high_ * place_, file_.number())),
      local_(reserve(high_begin_ + high_ * place_, file_.number())) {
  if (mprotect(plain_.begin(), bytes_of(low_), PROT_READ | PROT_WRITE) != 0)
    fail("low memory", errno);
  // A core dump contains low memory, once. It would contain each page of high memory twice, and the
  // kernel would give memory to all those that are not in use.
  madvise(plain_.begin() + bytes_of(low_), bytes_of(high_), MADV_DONTDUMP);
  madvise(local_.begin(), bytes_of(low_ + high_), MADV_DONTDUMP);
}

unsigned long Machine::pfn_of(const page* page) const {
  const auto offset =
      static_cast<std::size_t>(reinterpret_cast<const std::byte*>(page) - tokens_.begin());
  const unsigned long pfn = kFirstPfn + offset / sizeof(struct page);
  return is_token(page) && offset % sizeof(struct page) == 0 && has(pfn) ? pfn : 0;
}

unsigned long Machine::pfn_at(View view, const void* address) const {
  if (!range(view).contains(address)) return 0;
  const auto offset =
      static_cast<std::size_t>(static_cast<const std::byte*>(address) - range(view).begin());
  if (offset >= high_begin_) return first_high_pfn() + (offset - high_begin_) / place_;
  return offset < bytes_of(low_) ? kFirstPfn + (offset >> PAGE_SHIFT) : 0;
}

void Machine::open(View view, unsigned long pfn) const {
  if (mprotect(place(view, pfn), place_, PROT_READ | PROT_WRITE) != 0)
    fail("mapping a page (each may be a mapping of its own: see vm.max_map_count)", errno);
}

void Machine::close(View view, unsigned long pfn) const {
  if (mprotect(place(view, pfn), place_, PROT_NONE) != 0) fail("unmapping a page", errno);
  madvise(place(view, pfn), place_, MADV_DONTNEED);
}

unsigned long Machine::take(Zone zone, unsigned order) {
  const unsigned long pages = 1UL << order;
  const unsigned long end = zone == Zone::high ? end_pfn() : first_high_pfn();
  unsigned long& from = zone == Zone::high ? high_hint_ : low_hint_;
  for (unsigned long first = (from + pages - 1) / pages * pages; first + pages <= end;
       first += pages) {
    unsigned long i = 0;
    while (i < pages && !frame(first + i).is_allocated) ++i;
    if (i < pages) continue;
    for (i = 0; i < pages; ++i) {
      frame(first + i) = Frame{};
      frame(first + i).is_allocated = true;
    }
    frame(first).is_head = true;
    frame(first).order = static_cast<std::uint8_t>(order);
    if (order == 0) from = first + 1;
    return first;
  }
  return 0;
}

/// Gives the pages' memory back to the system.
void Machine::give_back(unsigned long pfn, unsigned order, const void* caller) {
  for (unsigned long i = 0; i < 1UL << order; ++i) {
    frame(pfn + i).is_allocated = frame(pfn + i).is_head = false;
    frame(pfn + i).freed_by = caller;
  }
  unsigned long& first_free = is_high(pfn) ? high_hint_ : low_hint_;
  first_free = std::min(first_free, pfn);
  const std::size_t each = is_high(pfn) ? place_ : PAGE_SIZE;
  fallocate(file_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
            static_cast<off_t>(offset_of(pfn) + PAGE_SIZE - each),
            static_cast<off_t>(each) << order);
}

bool Machine::fill(unsigned long pfn, unsigned order, unsigned char value) const {
  std::array<unsigned char, PAGE_SIZE> bytes;
  bytes.fill(value);
  for (unsigned long i = 0; i < 1UL << order; ++i) {
    if (pwrite(file_.number(), bytes.data(), bytes.size(),
               static_cast<off_t>(offset_of(pfn + i))) != static_cast<ssize_t>(bytes.size())) {
      return false;
    }
  }
  return true;
}

unsigned long Machine::free_high_pages() {
  const std::lock_guard lock(mutex);
  unsigned long free = 0;
  for (unsigned long pfn = first_high_pfn(); pfn < end_pfn(); ++pfn)
    free += frame(pfn).is_allocated ? 0 : 1;
  return free;
}

}  // namespace kmapper::linux_face
