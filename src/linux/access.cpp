// What is wrong with an access to an address of the machine, and with an address.
#include <sched.h>
#include <unistd.h>

#include <cstdint>
#include <mutex>

#include "linux/line.hpp"
#include "linux/local_view.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

struct Diagnosis {
  const char* what;
  const char* advice;
  long from_page = 0;  // the page meant, from the one in whose place the address is
};

constexpr Diagnosis kBeyond{"access beyond the end of the page", "stay within PAGE_SIZE"};
constexpr Diagnosis kBeyondPageBefore{"access beyond the end of the page", "stay within PAGE_SIZE",
                                      -1};
constexpr Diagnosis kBeforePageBehind{"access before the beginning of the page",
                                      "stay within the page", 1};
constexpr Diagnosis kMissing{"missing kmap",
                             "kmap the page, and use the address that kmap returns"};

bool is_allocated(const Machine& machine, unsigned long pfn) {
  return machine.has(pfn) && machine.frame(pfn).is_allocated.load(std::memory_order_relaxed);
}

/// In the guard behind a high page, or where no page is. If the pages on both sides are mapped, the
/// nearer one is meant. `local`: the view, or null for the plain one. `to_next`: how many bytes
/// before the next page the address is.
Diagnosis diagnose_guard(const Machine& machine, const LocalView* local, const Place& place,
                         std::ptrdiff_t to_next) {
  const auto is_open = [&](unsigned long pfn) {
    return machine.has(pfn) &&
           (local != nullptr ? local->is_open(pfn) : machine.plain().is_open(pfn));
  };
  const bool is_next_open = is_open(place.pfn + 1);
  if (is_open(place.pfn) &&
      (!is_next_open || place.offset - static_cast<std::ptrdiff_t>(PAGE_SIZE) < to_next))
    return kBeyond;
  if (is_next_open) return kBeforePageBehind;
  return {"access beyond the end of a page that is not mapped",
          "kmap the page, and stay within PAGE_SIZE of the address that kmap returns"};
}

Diagnosis diagnose_low(const Machine& machine, unsigned long pfn) {
  if (pfn == Layout::kZeroPfn)
    return {"a write to the zero page", "ZERO_PAGE() is only for reading"};
  if (machine.frame(pfn).freed.get() != nullptr)
    return {"use of a low page after it was freed", "free it after its last use"};
  if (is_allocated(machine, pfn - 1) && pfn - 1 != Layout::kZeroPfn) return kBeyondPageBefore;
  if (is_allocated(machine, pfn + 1)) return kBeforePageBehind;
  return {"use of a low page that is not allocated", "allocate it before its first use"};
}

Diagnosis diagnose_high(const Machine& machine, const Place& place, int thread) {
  const Frame& frame = machine.frame(place.pfn);
  if (!is_allocated(machine, place.pfn) && frame.freed.get() != nullptr)
    return {"use after the page was freed", "free it after its last use"};
  if (place.kind == Place::Kind::local && place.thread != thread)
    return {"use of another thread's local mapping", "map the page in the thread that uses it"};
  if (place.kind == Place::Kind::local && frame.locally_unmapped.get() != nullptr)
    return {"use after kunmap_local", "kunmap_local when the access is over"};
  if (place.kind == Place::Kind::plain && frame.kunmapped.get() != nullptr)
    return {"use after kunmap", "kunmap when the access is over"};
  return kMissing;
}

constexpr const char* kAccesses[] = {"access to", "read of", "write to"};  // by Direction

struct Access {
  const void* address;
  system::Direction direction;
  const void* instruction;

  [[nodiscard]] const char* text() const { return kAccesses[static_cast<std::size_t>(direction)]; }
  /// Adds which code made the access.
  void add_to(Line& line, const Thread* thread) const {
    line.add(", in thread %d", static_cast<int>(gettid()));
    if (thread != nullptr && thread->accesses_for != nullptr)
      line.add_call("called from", thread->accesses_for);
    else
      line.add_place("at", instruction_outside_of_libc(instruction));
  }
};

void report_page(Machine& machine, const Place& place, const Access& access, const Thread* thread) {
  const LocalView* const local = LocalView::find(access.address);
  const View& view = local != nullptr ? local->view() : machine.plain();
  const auto* const address = static_cast<const std::byte*>(access.address);
  Diagnosis diagnosis = kBeyond;
  if (!place.is_in_page())
    diagnosis = diagnose_guard(machine, local, place, view.address(place.pfn + 1) - address);
  else if (!machine.is_high(place.pfn))
    diagnosis = diagnose_low(machine, place.pfn);
  else
    diagnosis = diagnose_high(machine, place, static_cast<int>(gettid()));

  const unsigned long pfn = place.pfn + static_cast<unsigned long>(diagnosis.from_page);
  const std::ptrdiff_t offset = address - view.address(pfn);
  Line line;
  line.add("%s: %s page 0x%lx at %p, offset %s0x%lx", diagnosis.what, access.text(), pfn,
           access.address, offset < 0 ? "-" : "",
           static_cast<unsigned long>(offset < 0 ? -offset : offset));
  access.add_to(line, thread);
  line.add_history(machine.frame(pfn));
  line.add("; %s", diagnosis.advice);
  line.write();
}

void report_area(const Machine& machine, const VmArea& area, std::ptrdiff_t offset,
                 const Access& access, const Thread* thread) {
  const std::size_t index = static_cast<std::size_t>(offset) >> PAGE_SHIFT;
  const bool is_vmalloc = area.kind == VmArea::Kind::vmalloc;
  Diagnosis diagnosis{"a write to an area that is mapped for reading", "map it with PAGE_KERNEL"};
  if (area.unmapped_by != nullptr) {
    diagnosis = {is_vmalloc ? "use after vfree" : "use after vunmap",
                 "unmap it after its last use"};
  } else if (index >= area.pages.size()) {
    diagnosis = {is_vmalloc ? "access beyond the end of a vmalloc area"
                            : "access beyond the end of a vmap area",
                 "stay within the area"};
  }
  Line line;
  line.add("%s: %s offset 0x%zx of %zu pages at %p", diagnosis.what, access.text(),
           static_cast<std::size_t>(offset), area.pages.size(), area.range.begin());
  access.add_to(line, thread);
  line.add_call("mapped by", area.mapped_by);
  line.add_call("unmapped by", area.unmapped_by);
  if (index < area.pages.size()) line.add_history(machine.frame(area.pages[index]));
  line.add("; %s", diagnosis.advice);
  line.write();
}

void report_page_struct(const Access& access, const Thread* thread) {
  Line line;
  line.add("a struct page used as if it were the page: %s %p", access.text(), access.address);
  access.add_to(line, thread);
  line.add("; kmap the page, and use the address that kmap returns");
  line.write();
}

/// The thread used what page_address() returned: no address.
void report_missing(const Access& access, const Thread& thread) {
  Line line;
  line.add("missing kmap: %s %p", access.text(), access.address);
  access.add_to(line, &thread);
  line.add("; page_address() had no address for page 0x%lx", thread.without_address);
  line.add_call("called from", thread.without_address_for);
  line.add("; kmap a high page, and use the address that kmap returns");
  line.write();
}

/// A thread that faults has the mutex only in a fault of the library's own.
std::unique_lock<std::mutex> try_to_lock(Machine& machine) {
  constexpr int kTries = 1000;
  std::unique_lock lock(machine.mutex, std::defer_lock);
  for (int i = 0; i < kTries && !lock.try_lock(); ++i) sched_yield();
  return lock;
}

}  // namespace

Place find_place(const Machine& machine, const void* address) {
  Place place;
  const auto set = [&place](Place::Kind kind, Layout::Position position) {
    place.kind = kind;
    place.pfn = position.pfn;
    place.offset = position.offset;
  };
  if (machine.plain().contains(address)) {
    set(Place::Kind::plain, machine.plain().position(address));
  } else if (const LocalView* const local = LocalView::find(address); local != nullptr) {
    set(Place::Kind::local, local->view().position(address));
    place.thread = local->thread();
  } else if (machine.is_open_address(address)) {
    set(Place::Kind::open, machine.open_position(address));
  } else if (machine.is_page_struct(address)) {
    place.kind = Place::Kind::page_struct;
  }
  if (!machine.has(place.pfn)) place.pfn = 0;
  return place;
}

bool report_access(const void* address, system::Direction direction, const void* instruction) {
  Machine* const machine = Machine::find();
  if (machine == nullptr) return false;
  const Thread* const thread = Thread::find();
  const Access access{address, direction, instruction};
  const auto lock = try_to_lock(*machine);
  const Place place = find_place(*machine, address);
  if (place.pfn != 0) {
    report_page(*machine, place, access, thread);
  } else if (place.kind == Place::Kind::page_struct) {
    report_page_struct(access, thread);
  } else if (const VmArea* const area = lock ? machine->areas.find(address) : nullptr;
             area != nullptr) {
    report_area(*machine, *area, static_cast<const std::byte*>(address) - area->range.begin(),
                access, thread);
  } else if (reinterpret_cast<std::uintptr_t>(address) < 16 * PAGE_SIZE && thread != nullptr &&
             thread->without_address != 0) {
    report_missing(access, *thread);
  } else {
    return false;
  }
  return true;
}

}  // namespace kmapper::linux_face
