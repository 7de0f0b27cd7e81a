// The core for kernels written in C: kernel.h over mapper.hpp. Each function here is the call that
// its name says, on the one window (and range, and set of local slots) that the kernel has. The
// platform is that of kmapper_port.h.
//
// All names but those of kernel.h are in an unnamed namespace, the core's, too. So its functions
// are local: the compiler emits those that are used, in the plain sections, and inlines those that
// are used once. What this file adds to the core is in the namespace `here`, because a kernel's
// headers may have a range or a window() of their own.
//
// Longer than usual: it has a function for each of kernel.h.

/// The core's functions that report the calling code find it by their return address. They are
/// inlined into the functions that C calls, so that this address lies in the C code.
#define KMAPPER_REPORTS_ITS_CALLER [[gnu::always_inline]] inline

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "kernel.cpp is C++20: compile it with c++ @kmapper/kernel.flags"
#endif

#include "kmapper/kernel.h"

// The core's headers include no others, so that a namespace may be around them.
namespace {
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/core/reservation.hpp"
#ifdef KMAPPER_LOCAL
#include "kmapper/core/impl/local_map.hpp"
#endif
#ifdef KMAPPER_MAX_VMAP_PAGES
#include "kmapper/core/impl/vmap.hpp"
#endif
#ifdef KMAPPER_VMALLOC
#include "kmapper/core/impl/vmalloc.hpp"
#endif
}  // namespace

#ifndef KMAPPER_STRICT
#define KMAPPER_STRICT 0
#endif

namespace {

namespace kmapper {

/// What the hits in kernel.h know of the window, and what they call of it.
struct HitInC {
  template <class P>
  static void undo(Mapper<P>& window, kmapper_slot* slot, kmapper_page page) {
    window.undo_hit(offset_of(slot), page);
  }
  template <class P>
  [[gnu::always_inline]] static void slow_exit(Mapper<P>& window, kmapper_slot* slot,
                                               uint32_t before, kmapper_page page) {
    using Slot = typename Mapper<P>::Slot;
    static_assert(sizeof(Slot) == sizeof(kmapper_slot) && offsetof(Slot, word) == 0);
    static_assert(offsetof(Slot, page) == offsetof(kmapper_slot, page));
    static_assert(offsetof(Slot, holder) == offsetof(kmapper_slot, holder));
    static_assert(offsetof(Mapper<P>, slots_) == 0);
    static_assert(word::kUser<uint32_t> == 4 && word::kSlowExit<uint32_t> == 10);
    static_assert(word::kIdentity<uint32_t> == 0xFFFF0000U);
    static_assert(page_virtual::expected_idle(0U) == 7);
    static_assert(page_virtual::entry(0x12345U) == 0x2345);
    window.slow_exit(offset_of(slot), before, page);
  }

 private:
  static size_t offset_of(const kmapper_slot* slot) {
    return reinterpret_cast<uintptr_t>(slot) - reinterpret_cast<uintptr_t>(kmapper_slots);
  }
};

}  // namespace kmapper

namespace here {

using kmapper::Event;
using kmapper::MapError;
using kmapper::SlotIndex;

class Platform {
 public:
  // --- Types and constants ---
  using Page = kmapper_page;
  using Stamp = uintptr_t;
  template <class T>
  using Atomic = kmapper::Atomic<T>;
  static constexpr size_t kMaxSlots = KMAPPER_MAX_SLOTS;
  static constexpr size_t kMaxCpus = KMAPPER_MAX_CPUS;
  static constexpr size_t kPageSize = KMAPPER_PAGE_SIZE;
  static constexpr bool kHardwareSetsAccessed = KMAPPER_HARDWARE_SETS_ACCESSED != 0;
  static constexpr bool kChecked = KMAPPER_CHECKED != 0;
  static constexpr bool kStrict = KMAPPER_STRICT != 0;

  // --- The memory ---
  static bool is_high(Page page) { return kmapper_port_is_high(page); }
  static void* direct_address(Page page) { return kmapper_port_direct_address(page); }
  static bool is_direct(const void* address) { return kmapper_port_is_direct(address); }
  static Atomic<uint32_t>& page_virtual(Page page) {
    static_assert(sizeof(Atomic<uint32_t>) == sizeof(kmapper_cell));
    return *reinterpret_cast<Atomic<uint32_t>*>(kmapper_port_cell(page));
  }

  // --- The window ---
  static void* address(SlotIndex slot) { return kmapper_port_address(to_number(slot)); }
  static void write_pte(SlotIndex slot, Page page) {
    kmapper_port_write_pte(to_number(slot), page);
  }
  static bool take_pte(SlotIndex slot) { return kmapper_port_take_pte(to_number(slot)); }
#ifdef KMAPPER_POSTED_FLUSHES
  using Posts = kmapper::PostedFlushes<kMaxCpus, kmapper::Atomic>;
  static Posts& posted_flushes() { return posts_; }
  static void drop(SlotIndex slot) { kmapper_port_drop(to_number(slot)); }
  static void drop_all() { kmapper_port_drop_all(); }
  static void call(uint32_t cpus) { kmapper_port_call(cpus); }
#else
  static void invalidate(kmapper::Span<const SlotIndex> slots) {
    static_assert(sizeof(SlotIndex) == sizeof(uint32_t));
    kmapper_port_invalidate(reinterpret_cast<const uint32_t*>(slots.data()),
                            static_cast<uint32_t>(slots.size()));
  }
#endif

  // --- The CPU ---
  static uint32_t cpu() { return kmapper_port_cpu(); }
  static bool may_sleep() { return kmapper_port_may_sleep(); }
  static bool may_flush() { return kmapper_port_may_flush(); }
  static void relax() { kmapper_port_relax(); }
  class InterruptsOff {
   public:
    explicit InterruptsOff(Platform& /*platform*/) : before_(kmapper_port_interrupts_off()) {}
    ~InterruptsOff() { kmapper_port_interrupts_restore(before_); }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

   private:
    const uintptr_t before_;
  };

  // --- Sleeping ---
  class Lock {
   public:
    void lock() { kmapper_port_lock(&lock_); }
    void unlock() { kmapper_port_unlock(&lock_); }

   private:
    friend class Platform;
    kmapper_lock lock_{};
  };
  class Sleeper {
   public:
    explicit Sleeper(Platform& /*platform*/) { kmapper_port_init_sleeper(&sleeper_); }

   private:
    friend class Platform;
    kmapper_sleeper sleeper_{};
  };
  static void sleep(Lock& lock, Sleeper& sleeper, uint64_t deadline_ns) {
    kmapper_port_sleep(&lock.lock_, &sleeper.sleeper_, deadline_ns);
  }
  static void wake(Sleeper& sleeper) { kmapper_port_wake(&sleeper.sleeper_); }
  static uint64_t now() { return kmapper_port_now(); }

  // --- Reports and counters ---
  static Stamp stamp() { return kmapper_port_stamp(); }
  static bool same_holder(Stamp one, Stamp other) { return kmapper_port_same_holder(one, other); }
  static uint64_t age_ns(Stamp stamp) { return kmapper_port_age_ns(stamp); }
  static void count(Event event, uint64_t n = 1) {
    kmapper_cpu_counters& counters = kmapper_counters[kmapper_port_cpu()];
    if (event != Event::hit) {
      counters.others[static_cast<size_t>(event) - 1] += n;
    } else if ((counters.hits += static_cast<uint32_t>(n)) < n) {
      ++counters.hits_high;
    }
  }
  static uint64_t counted(Event event) {
    uint64_t sum = 0;
    for (const kmapper_cpu_counters& cpu : kmapper_counters) {
      sum += event == Event::hit ? uint64_t{cpu.hits_high} << 32 | cpu.hits
                                 : cpu.others[static_cast<size_t>(event) - 1];
    }
    return sum;
  }
  static void report(const kmapper::MisuseReport<Platform>& misuse) {
    const kmapper::MisuseText text = kmapper::describe(misuse.what);
    const kmapper_report report = {text.what,
                                   text.advice,
                                   kmapper::is_notice(misuse.what),
                                   (uintptr_t)misuse.page,  // NOLINT: a pointer or a number
                                   to_number(misuse.slot),
                                   misuse.holder,
                                   misuse.address,
                                   misuse.caller,
                                   misuse.mapped_at};
    kmapper_port_report(&report);
  }

#ifdef KMAPPER_LOCAL
  // --- kmap_local ---
  using LocalPte = uint64_t;
  using LocalStack = kmapper::LocalStack<LocalPte, kmapper::Atomic>;
  static LocalStack& stack_of(kmapper_local_stack* stack) {
    static_assert(sizeof(LocalStack) == sizeof(kmapper_local_stack) &&
                  alignof(LocalStack) == alignof(kmapper_local_stack));
    return *reinterpret_cast<LocalStack*>(stack);
  }
  static LocalStack& local_stack() { return stack_of(kmapper_port_local_stack()); }
  static kmapper::LocalSlot first_local_slot() {
    return kmapper::LocalSlot{kmapper_port_first_local_slot()};
  }
  static void* local_address(kmapper::LocalSlot slot) {
    return kmapper_port_local_address(to_number(slot));
  }
  static bool is_local(const void* address) { return kmapper_port_is_local(address); }
  static void write_local_pte(kmapper::LocalSlot slot, Page page) {
    kmapper_port_write_local_pte(to_number(slot), page);
  }
  static void clear_local_pte(kmapper::LocalSlot slot) {
    (void)kmapper_port_take_local_pte(to_number(slot));
  }
  static LocalPte take_local_pte(kmapper::LocalSlot slot) {
    return kmapper_port_take_local_pte(to_number(slot));
  }
  static void put_local_pte(kmapper::LocalSlot slot, LocalPte pte) {
    kmapper_port_put_local_pte(to_number(slot), pte);
  }
  static Page local_page(kmapper::LocalSlot slot) {
    return kmapper_port_local_page(to_number(slot));
  }
  [[gnu::always_inline]] static void note_call_site(const void*& call_site) {
    call_site = __builtin_return_address(0);
  }
#endif

#ifdef KMAPPER_MAX_VMAP_PAGES
  // --- vmap ---
  static constexpr size_t kMaxVmapPages = KMAPPER_MAX_VMAP_PAGES;
  static void* vmap_address(kmapper::VmapPage at) {
    return kmapper_port_vmap_address(to_number(at));
  }
  static void write_vmap_pte(kmapper::VmapPage at, Page page) {
    kmapper_port_write_vmap_pte(to_number(at), page);
  }
  static bool take_vmap_pte(kmapper::VmapPage at) {
    return kmapper_port_take_vmap_pte(to_number(at));
  }
  static void flush_vmap() { kmapper_port_flush_vmap(); }
#endif
#ifdef KMAPPER_VMALLOC
  static Page alloc_page() { return kmapper_port_alloc_page(); }
  static void free_page(Page page) { kmapper_port_free_page(page); }
  static bool hide_vmap_pte(kmapper::VmapPage at) {
    return kmapper_port_hide_vmap_pte(to_number(at));
  }
  static Page take_hidden_page(kmapper::VmapPage at) {
    return kmapper_port_take_hidden_page(to_number(at));
  }
#endif

 private:
  static_assert(static_cast<size_t>(Event::hit) == 0 &&
                sizeof(kmapper_cpu_counters) >= static_cast<size_t>(Event::kCount) * 8);
#ifdef KMAPPER_POSTED_FLUSHES
  static Posts posts_;
#endif
};

#ifdef KMAPPER_POSTED_FLUSHES
constinit Platform::Posts Platform::posts_{};
#endif

// The window's storage is an array of slots, because the hits that C inlines begin there. All else
// of the window lies behind them.
using Window = kmapper::Mapper<Platform>;
constexpr size_t kStorage = (sizeof(Window) + sizeof(kmapper_slot) - 1) / sizeof(kmapper_slot);
Window& window() { return *reinterpret_cast<Window*>(kmapper_slots); }
#ifdef KMAPPER_LOCAL
constinit kmapper::LocalMapper<Platform> local_maps{Platform{}};
#endif
#ifdef KMAPPER_VMALLOC
constinit kmapper::VmallocRange<Platform> range{Platform{}};
#elif defined(KMAPPER_MAX_VMAP_PAGES)
constinit kmapper::VmapRange<Platform> range{Platform{}};
#endif

kmapper_error number_of(MapError error) {
  static_assert(static_cast<int>(MapError::no_memory) == KMAPPER_NO_MEMORY);
  return static_cast<kmapper_error>(error);
}

[[gnu::always_inline]] inline kmapper::Limits<Platform> limits_of(uint64_t nanoseconds) {
  if (nanoseconds == KMAPPER_NO_LIMIT) return {};  // spares now()
  return {window().deadline_after(nanoseconds), nullptr};
}

[[gnu::always_inline]] inline kmapper_error store(const kmapper::Result<void*>& result,
                                                  void** address) {
  *address = *result;
  return number_of(result.error());
}

using Pages = kmapper::PageAddress<Platform>;
static_assert(sizeof(Pages) == sizeof(kmapper_page_address));

using Reservation = kmapper::Reservation<Platform>;
static_assert(sizeof(Reservation) == sizeof(kmapper_reservation) &&
              alignof(Reservation) == alignof(kmapper_reservation));
Reservation& of(kmapper_reservation* reservation) {
  return *reinterpret_cast<Reservation*>(reservation);
}

}  // namespace here
}  // namespace

extern "C" {

const char* kmapper_error_text(kmapper_error error) {
  return kmapper::describe(static_cast<kmapper::MapError>(error));
}
void kmapper_open(uint32_t slots) { here::window().open(slots); }

// --- One page ---
kmapper_slot kmapper_slots[here::kStorage] = {};
kmapper_cpu_counters kmapper_counters[KMAPPER_MAX_CPUS] = {};
void* kmapper_kmap_slow(kmapper_page page) { return here::window().kmap_high(page); }
void* kmapper_try_kmap_slow(kmapper_page page) { return here::window().try_kmap(page); }
void kmapper_kunmap_slow(kmapper_page page) { here::window().kunmap_high(page); }
#if !KMAPPER_CHECKED  // there no file may have inline hits
void kmapper_undo_hit(kmapper_slot* slot, kmapper_page page) {
  kmapper::HitInC::undo(here::window(), slot, page);
}
void kmapper_slow_exit(kmapper_slot* slot, uint32_t before, kmapper_page page) {
  kmapper::HitInC::slow_exit(here::window(), slot, before, page);
}
#endif
void kmapper_kunmap_address(const void* address) { here::window().kunmap_address(address); }
void* kmapper_kmap_if_mapped(kmapper_page page) { return here::window().kmap_if_mapped(page); }
kmapper_error kmapper_kmap_for(kmapper_page page, void** address, uint64_t nanoseconds) {
  return here::store(here::window().kmap_for(page, nanoseconds), address);
}
void kmapper_hand_over(kmapper_page page) { here::window().hand_over(page); }

// --- Several pages ---
kmapper_error kmapper_kmap_all(kmapper_page_address* pages, uint32_t count, uint64_t nanoseconds) {
  return here::number_of(here::window().kmap_all({reinterpret_cast<here::Pages*>(pages), count},
                                                 here::limits_of(nanoseconds)));
}
// Not by the window's kunmap_all(), which is not inlined: reports name the caller.
void kmapper_kunmap_all(const kmapper_page_address* pages, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) here::window().kunmap(pages[i].page);
}
kmapper_error kmapper_reserve(kmapper_reservation* reservation, uint32_t slots,
                              uint64_t nanoseconds) {
  kmapper::Result<here::Reservation> result =
      here::window().reserve(slots, here::limits_of(nanoseconds));
  here::of(reservation) = static_cast<here::Reservation&&>(*result);
  return here::number_of(result.error());
}
kmapper_error kmapper_kmap_reserved(kmapper_reservation* reservation, kmapper_page page,
                                    void** address) {
  if (reservation->window == nullptr) reservation->window = &here::window();
  return here::store(here::of(reservation).kmap(page), address);
}
void kmapper_unreserve(kmapper_reservation* reservation) {
  here::of(reservation) = here::Reservation();
}

// --- Taking mappings back ---
kmapper_evicted kmapper_evict(kmapper_page page) {
  static_assert(static_cast<int>(kmapper::Evicted::flush_owed) == KMAPPER_FLUSH_OWED);
  return static_cast<kmapper_evicted>(here::window().evict(page));
}
void kmapper_finish_flushes() { here::window().finish_flushes(); }
uint32_t kmapper_flush_all_zero_pkmaps() { return here::window().flush_all_zero_pkmaps(); }
uint32_t kmapper_scavenge_ahead(uint32_t slots) { return here::window().scavenge_ahead(slots); }

#ifdef KMAPPER_POSTED_FLUSHES
void kmapper_come_by(uint32_t cpu) {
  here::Platform::posted_flushes().drop(cpu, here::Platform::drop_all);
}
void kmapper_come_by_with(uint32_t cpu, void (*drop)(void* argument), void* argument) {
  here::Platform::posted_flushes().drop(cpu, [=] { drop(argument); });
}
bool kmapper_is_behind(uint32_t cpu, uint32_t posts) {
  return here::Platform::posted_flushes().is_behind(cpu, posts);
}
void kmapper_flush_everything() {
  here::Platform platform;
  kmapper::flush_everything(platform);
}
void kmapper_enter_idle(uint32_t cpu) { here::Platform::posted_flushes().enter_idle(cpu); }
void kmapper_leave_idle(uint32_t cpu) {
  here::Platform::posted_flushes().leave_idle(cpu, here::Platform::drop_all);
}
void kmapper_leave_long_idle(uint32_t cpu) {
  here::Platform::posted_flushes().leave_long_idle(cpu, here::Platform::drop_all);
}
void kmapper_enter_user(uint32_t cpu) { here::Platform::posted_flushes().enter_user(cpu); }
void kmapper_leave_user(uint32_t cpu) {
  here::Platform::posted_flushes().leave_user(cpu, here::Platform::drop_all);
}
#endif

// --- Looking at the window ---
void kmapper_get_stats(kmapper_stats* stats) {
  const kmapper::Stats now = here::window().stats();
  *stats = {now.hits,    now.misses,          now.scavenges, now.slots_scavenged,
            now.flushes, now.flushes_avoided, now.sleeps,    now.longest_sleep_ns};
}
uint32_t kmapper_report_holders(uint64_t nanoseconds) {
  return here::window().report_holders(nanoseconds);
}
uint32_t kmapper_report_waiters(uint64_t nanoseconds) {
  return here::window().report_waiters(nanoseconds);
}
uint32_t kmapper_find(kmapper_page page) { return to_number(here::window().find(page)); }
uint32_t kmapper_release_pins(uintptr_t holder) {
  return here::window().release_pins(
      [=](uintptr_t stamp) { return kmapper_port_same_holder(stamp, holder); });
}

#ifdef KMAPPER_LOCAL
// --- Local mappings ---
void* kmapper_kmap_local(kmapper_page page) { return here::local_maps.kmap_local(page); }
void kmapper_kunmap_local(const void* address) { here::local_maps.kunmap_local(address); }
void kmapper_switch_stacks(kmapper_local_stack* from, kmapper_local_stack* to) {
  here::local_maps.switch_stacks(here::Platform::stack_of(from), here::Platform::stack_of(to));
}
uint32_t kmapper_local_depth() { return here::local_maps.depth(); }
void kmapper_expect_local_depth(uint32_t depth) { here::local_maps.expect_depth(depth); }
uint32_t kmapper_unwind_local(uint32_t depth) { return here::local_maps.unwind(depth); }
#endif

#ifdef KMAPPER_MAX_VMAP_PAGES
// --- Several pages in a row ---
void kmapper_open_vmap(uint32_t pages) { here::range.open(pages); }
kmapper_error kmapper_vmap(const kmapper_page* pages, uint32_t count, void** address) {
  return here::store(here::range.vmap({pages, count}), address);
}
void kmapper_vunmap(const void* address) { here::range.vunmap(address); }
void kmapper_flush_vmap() { here::range.flush(); }
#endif
#ifdef KMAPPER_VMALLOC
kmapper_error kmapper_vmalloc(uint32_t pages, void** address) {
  return here::store(here::range.vmalloc(pages), address);
}
void kmapper_vfree(const void* address) { here::range.vfree(address); }
bool kmapper_free_waiting() { return here::range.free_waiting(); }
#endif

}  // extern "C"
