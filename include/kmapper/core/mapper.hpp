// kmap: maps any page of a memory too big to address into a small window of address space.
//
// The window has slots. A slot's life, with the user count of its word (slot.hpp):
//
//               miss: claim page->virtual, write the PTE, publish
//     clean (0) ------------------------------------------------> pinned (n + 1) <----+
//        ^                                                         |       ^          |
//        |                                                  last   |       | hit:     | hit, kunmap
//        |  flushed: it is in no TLB                        kunmap |       | CAS      | by others
//        |                                                         v       |          |
//     dead (0) <------------------------------------------------- idle (1) +----------+
//               scavenge: count 1 -> 0, take the PTE, clear page->virtual
//
// hit     finds the slot in page->virtual and adds a user by compare-and-swap. The generation in
//         the word makes the swap fail if the slot has got another page. After the swap, a second
//         read of page->virtual makes even a generation that came round harmless.
// kunmap  subtracts the user. The mapping stays, for the next kmap. If the slot was parked and is
//         idle now, the slow exit grants it to the first sleeper, or puts it back on the hand's
//         path.
// miss    takes a clean slot; scavenges when there is none; sleeps, first come first served, when
//         every slot is pinned.
//
// How a dead slot becomes clean depends on the platform. With invalidate(), the scavenger takes a
// batch of slots and waits for one flush of the batch. With posted_flushes(), it takes the slots of
// one leaf, posts their flush and goes on; these slots become clean when their post has passed
// (posted_flushes.hpp, impl/post.hpp).
//
// The code follows in this order; what is not inline is in impl/.
//
// Longer than usual: the whole public face of a window, and the declarations of all that impl/
// defines.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/ledger.hpp"
#include "kmapper/core/library.hpp"
#include "kmapper/core/limits.hpp"
#include "kmapper/core/platform.hpp"
#include "kmapper/core/posted_flushes.hpp"
#include "kmapper/core/remember.hpp"
#include "kmapper/core/report.hpp"
#include "kmapper/core/result.hpp"
#include "kmapper/core/slot.hpp"
#include "kmapper/core/slot_set.hpp"
#include "kmapper/core/table.hpp"

namespace kmapper {

template <class P>
class Reservation;
template <class P>
class Posting;
template <class P>
class Remembering;
struct HitInC;

/// One page of kmap_all(): the page to map, and the address where it is mapped.
template <class P>
struct PageAddress {
  typename P::Page page;
  void* address = nullptr;
};

/// The window over one platform. Except open(), all calls may come from several threads and CPUs at
/// once.
template <class P>
class Mapper {
 public:
  static_assert(Platform<P>, "the platform lacks something that kmapper/core/platform.hpp lists");
  static_assert(
      kAtomicsAreLockFree<P>,
      "kmapper needs lock-free atomics of 32 bits and of a pointer: on x86, a CPU from the i486 on "
      "(-march=i486), which has compare-and-swap");
  using Page = typename P::Page;
  using Stamp = typename P::Stamp;
  using Word = SlotWordOf<P>;

  constexpr explicit Mapper(P platform) : platform_(platform) {}
  // A function that only some platforms have is a template, which is compiled only where it is
  // used.

  /// Where kTablesOutside: makes a new Mapper of memory that is all zeros and aligned for a Mapper,
  /// for a window of up to so many slots, which open() is given later. The memory has
  /// bytes_for(slots). Writes only a few words of it, so a large window occupies memory only where
  /// it is used.
  template <class Q = P>
  [[nodiscard]] static Mapper& in_zeros(void* zeros, P platform,
                                        uint32_t slots) requires(kTablesOutside<Q>) {
    auto* const mapper = static_cast<Mapper*>(zeros);
    mapper->platform_ = platform;
    char* memory = static_cast<char*>(zeros) + library::table_bytes<Mapper>(1);
    mapper->slots_ = library::place_table<Slot>(memory, size_t{slots} + 1);
    mapper->clean_.place_tables(memory, slots);
    mapper->unparked_.place_tables(memory, slots);
    mapper->ledger_.place_tables(memory, slots);
    if constexpr (kRemembers<P>) mapper->shares_.ghost.place_tables(memory, slots);
    return *mapper;
  }
  template <class Q = P>
  [[nodiscard]] static constexpr size_t bytes_for(uint32_t slots) requires(kTablesOutside<Q>) {
    return library::table_bytes<Mapper>(1) + library::table_bytes<Slot>(size_t{slots} + 1) +
           2 * Set::table_bytes(slots) + Ledger<P, P::kChecked>::table_bytes(slots) +
           (kRemembers<P> ? Ghost<P>::table_bytes(slots) : 0);
  }
  Mapper(const Mapper&) = delete;
  Mapper& operator=(const Mapper&) = delete;

  /// Opens the window with `slots` slots, 1 to P::kMaxSlots. Call it once, before any other call,
  /// while all PTEs of the window are empty and in no TLB. A number out of range, or a second
  /// open(), is reported and changes nothing.
  void open(uint32_t slots);

  // --- One page: always inline, so that the call site of a report is the caller's own ---

  /// Maps the page and returns its address, valid until the matching kunmap() on every CPU and in
  /// every thread. May sleep. A call from a context that may not sleep, such as an interrupt, is
  /// reported and answered as by try_kmap(). A hit costs 29 instructions on i386, with its access
  /// and its kunmap(). Null only after a report: kmap_may_not_sleep, too_many_users, not_open.
  [[nodiscard, gnu::always_inline]] void* kmap(Page page) {
    if (!platform_.is_high(page)) return platform_.direct_address(page);
    return kmap_high(page);
  }

  /// kmap() without the sleep. Null: it would have to sleep, or to wait in a context that may not.
  /// Any context.
  [[nodiscard, gnu::always_inline]] void* try_kmap(Page page) { return noted(map_at_once(page)); }

  /// kmap() of a page that is mapped already: pins the slot that the page has, and never takes
  /// another. Null: the page has no slot, or has too many users, or its slot is being changed and
  /// the caller may not wait for that. Never sleeps. Any context.
  [[nodiscard, gnu::always_inline]] void* kmap_if_mapped(Page page) {
    if (!platform_.is_high(page)) return platform_.direct_address(page);
    void* const address = hit(page);
    return noted(address != nullptr ? address : pin_if_mapped(page));
  }
  /// The same, where the platform finds slots, and the caller has just searched: `found` is what
  /// page_virtual(page).load() returns. It may miss a slot while slots change hands: for a caller
  /// that goes on to kmap() then. It spares a search with a lock.
  template <class Q = P>
  [[nodiscard, gnu::always_inline]] void* kmap_if_seen(Page page,
                                                       Word found) requires(kFindsSlots<Q>) {
    if (!page_virtual::has_slot(found)) return nullptr;
    auto&& cell = platform_.page_virtual(page);
    void* const address = hit_in(cell, found, page);
    return noted(address != nullptr ? address : pin_if_seen(page));
  }
  /// try_kmap() of a page that kmap_if_seen() has just not found: spares the first look.
  template <class Q = P>
  [[nodiscard, gnu::always_inline]] void* kmap_unseen(Page page) requires(kFindsSlots<Q>) {
    return noted(map_slow<Wait::never>(page));
  }

  /// kmap() that sleeps no longer than `limits` allow. Errors: timed_out, cancelled,
  /// too_many_users, would_sleep (also reported), too_large (the window is not open; also
  /// reported). A call that fails leaves nothing behind.
  [[nodiscard, gnu::always_inline]] Result<void*> kmap_until(Page page, Limits<P> limits) {
    return map_with([&] { return limits; }, page);
  }
  /// The same, with a time from now on. A time too long for the clock, such as UINT64_MAX, means no
  /// limit.
  [[nodiscard, gnu::always_inline]] Result<void*> kmap_for(Page page, uint64_t nanoseconds) {
    return map_with([&] { return Limits<P>{deadline_after(nanoseconds), nullptr}; }, page);
  }
  /// The deadline of Limits that is so long from now on; UINT64_MAX, no limit, if the clock does
  /// not reach it. Any context.
  [[nodiscard]] uint64_t deadline_after(uint64_t nanoseconds) {
    const uint64_t now = platform_.now();
    return nanoseconds < UINT64_MAX - now ? now + nanoseconds : UINT64_MAX;
  }
  /// Ends all sleeps that were given this cancellation, now and in the future. Any context.
  void cancel(Cancellation<P>& cancellation);

  /// Gives back what one kmap() took. Wait-free, except for the last user of a parked slot. Any
  /// context.
  [[gnu::always_inline]] void kunmap(Page page) {
    if (platform_.is_high(page)) kunmap_high(page);
  }

  /// kmap() of a page that is known to be high.
  [[nodiscard, gnu::always_inline]] void* kmap_high(Page page) {
    if constexpr (P::kChecked) {
      if (!check_may_sleep(page)) return try_kmap(page);
    }
    void* const address = hit(page);
    if (address != nullptr) [[likely]]
      return noted(address);
    return noted(map_slow<Wait::until_mapped>(page));
  }

  /// kunmap() of a page that is known to be high.
  [[gnu::always_inline]] void kunmap_high(Page page) {
    // Relaxed: the caller's pin keeps the value unchanged.
    const Word found = load_surely(page, memory_order_relaxed);
    const size_t offset = offset_of(page_virtual::entry(found));
    if (may_drop(offset, page)) drop_user(offset, page);
  }

  /// kunmap() of the page that the address lies in: for callers that keep the address, not the
  /// page.
  [[gnu::always_inline]] void kunmap_address(const void* address) {
    if (platform_.is_direct(address)) return;
    const size_t slot = slot_number(address);
    if (slot >= slot_count_) [[unlikely]]
      return wrong_address(address);
    const size_t offset = offset_of(slot + 1);
    if (may_drop(offset, Page{})) drop_user(offset, Page{});
  }

  /// Says that another thread will kunmap() what the caller mapped. Checked builds must know it;
  /// other builds do nothing here.
  void hand_over(Page page) {
    if constexpr (P::kChecked) note_hand_over(page);
  }

  // --- Several pages: the definitions are in reservation.hpp ---

  /// Maps all of the pages, or none. Never sleeps while it holds some of them, so two callers that
  /// want the same pages do not wait for each other. A page named twice is pinned twice. When all
  /// are mapped already, it costs little more than that many hits, and least when the number of
  /// pages is a compile-time constant. Errors: as kmap_until(), but would_sleep is not reported;
  /// holds_a_pin; too_large (more pages than slots).
  [[nodiscard]] MapError kmap_all(Span<PageAddress<P>> pages, Limits<P> limits = {});
  template <size_t kPages>
  [[nodiscard]] MapError kmap_all(PageAddress<P> (&pages)[kPages], Limits<P> limits = {});
  /// Gives back what one kmap_all() took.
  void kunmap_all(Span<const PageAddress<P>> pages);
  template <size_t kPages>
  void kunmap_all(const PageAddress<P> (&pages)[kPages]);
  /// Claims `slots` slots, all or none, for mappings that must not sleep. May sleep. Errors: as
  /// kmap_all().
  [[nodiscard]] Result<Reservation<P>> reserve(uint32_t slots, Limits<P> limits = {});

  // --- Taking mappings back ---

  // The calls that flush wait for other CPUs. Where the caller may not wait (may_flush() is false),
  // they are reported and do nothing. Only evict() works there: it leaves the flush to another
  // caller. Where flushes are posted, these calls have the late CPUs interrupted.

  /// Takes every idle slot back, in batches, and waits for other CPUs once for each batch. Slots
  /// that were taken before and wait for their flush become clean, too. Returns how many slots were
  /// idle. Needs may_flush().
  uint32_t flush_all_zero_pkmaps();

  /// Takes idle slots back until `slots` are clean, so that later misses need not scavenge. Meant
  /// for idle CPUs. Takes as many as are missing at the start, even if other threads use some up
  /// meanwhile. The hand goes round the window at most once. Asks has_better_to_do() before each
  /// batch, and stops when it returns true. Returns how many slots are clean in the end. Where
  /// flushes are posted, it first makes the slots clean that wait for their post, in any case.
  /// Needs may_flush().
  template <class Predicate>
  uint32_t scavenge_ahead(uint32_t slots, Predicate has_better_to_do);
  uint32_t scavenge_ahead(uint32_t slots);

  /// Takes the page's slot back and flushes it, before the page goes to its allocator. `pinned`:
  /// the page is still mapped by a user, and nothing was done. No thread may map the page during
  /// the call. All uses, kunmaps and earlier frees of the page must happen before the call. Any
  /// context; never sleeps.
  /// Where the caller may not flush, as under a spinlock or in an interrupt, the answer may be
  /// `flush_owed`: no PTE maps the page any more, but a TLB may, until a later finish_flushes()
  /// returns. The page may be mapped again at once. Its old slot gets no page before its
  /// flush, which is made by the next kmap that finds no clean slot, or by any call in this
  /// section. Where flushes are posted, its flush is posted already. The answer is `flush_owed`
  /// while an awake CPU has not dropped what the page's latest slot showed, also if the page lost
  /// that slot before the call. A caller that may flush has such CPUs interrupted.
  [[nodiscard]] Evicted evict(Page page);

  /// Returns when no TLB holds a translation of a page that had lost its slot before the call.
  /// evict() does the same where it may flush. A caller that frees many pages without a slot, or
  /// that evicted pages where it may not flush, calls it once for all of them. Costs one load where
  /// no flush is due. Needs may_flush() where one is due. Where flushes are posted, all posts
  /// before the call are due until they have passed, and the call costs one load more for each
  /// awake CPU.
  void finish_flushes();

  /// Releases the pins of a dead holder: those whose stamps satisfy `died`. Returns how many. Any
  /// context. A release build releases none, because it does not know the holders: it records only
  /// the thread that took the slot from idle, which may have left while other users came.
  template <class Predicate>
  uint32_t release_pins(Predicate died);

  // --- Looking at the window ---

  [[nodiscard]] Stats stats();
  [[nodiscard]] uint32_t slot_count() const { return slot_count_; }
  /// The slots that have come into use: those below this number. All of them, except where
  /// kTablesOutside: there, a miss that finds no clean slot brings more into use, as long as there
  /// are some.
  [[nodiscard]] uint32_t slots_in_use() const {
    return kTablesOutside<P> ? in_use_.load(memory_order_relaxed) : slot_count_;
  }

  /// Reports each mapping that has been held for longer than `nanoseconds`, with its holder.
  /// Returns how many. A release build names the thread that took the slot from idle, a checked
  /// build every holder.
  uint32_t report_holders(uint64_t nanoseconds);
  /// Reports each caller that has slept for a slot for longer than `nanoseconds`. Returns how many.
  uint32_t report_waiters(uint64_t nanoseconds);

  /// A slot as it is now, for reports and for tests. A slot number that the window does not have
  /// gives word 0.
  struct SlotView {
    Word word;
    Page page;  // when the slot is not live: the last page that it mapped, or Page{}
    Stamp holder;
  };
  [[nodiscard]] SlotView inspect(SlotIndex index) const;
  /// The slot that maps the page, or kNoSlot. The answer may be out of date when it is read.
  [[nodiscard]] SlotIndex find(Page page);
  [[nodiscard]] bool is_clean(SlotIndex slot) const {
    return to_number(slot) < slot_count_ && clean_.contains(slot);
  }
  /// The generation of the mapping at this address, for handles. The caller holds the mapping. Each
  /// later mapping of the slot has another generation, even of the same page, until 16,384 have
  /// passed (2^30 where words have 64 bits). 0 for an address outside the window.
  [[nodiscard]] uint32_t generation_of(const void* address) const;
  /// Says that the slot at this address was mapped before a caller asked for its page: its first
  /// use does not count as a second one. The caller holds the mapping. Any context.
  template <class Q = P>
  void note_ahead(const void* address) requires(kRemembers<Q>) {
    const SlotIndex slot = slot_of_address(address);
    // Relaxed: a hint.
    unparked_.remembered(Set::leaf_of(slot))
        .ahead.fetch_or(Set::bit_of(slot), memory_order_relaxed);
  }

  // --- For a platform that finds slots (kFindsSlots). Any context ---

  /// find() without a lock: while slots change hands it may be wrong.
  template <class Q = P>
  [[nodiscard]] SlotIndex find_if_seen(Page page) requires(kFindsSlots<Q>) {
    const Word found = platform_.page_virtual(page).load(memory_order_relaxed);
    return page_virtual::has_slot(found) ? page_virtual::slot(found) : kNoSlot;
  }

  /// Whether the slot maps the page, or is to map it, or did so last.
  template <class Q = P>
  [[nodiscard]] bool is_of(SlotIndex slot, Page page) const requires(kFindsSlots<Q>) {
    return slots_[to_number(slot) + 1].page.is(page, memory_order_relaxed);
  }
  [[nodiscard]] Page page_of(SlotIndex slot) const {
    return slots_[to_number(slot) + 1].page.load(memory_order_relaxed);
  }
  /// What page_virtual(page).load() returns when this is the page's slot. The caller looks with
  /// is_of() after this: if the word is still the same at a later swap, the slot was the page's.
  template <class Q = P>
  [[nodiscard]] Word found(SlotIndex slot) const requires(kFindsSlots<Q>) {
    // Acquire: the look at the page comes later.
    return page_virtual::found(slot, slots_[to_number(slot) + 1].word.load(memory_order_acquire));
  }
  /// What the platform keeps of the slot; nothing here uses it.
  [[nodiscard]] BesideOf<P>& beside(SlotIndex slot) { return slot_of(slot).beside; }
  /// A place for the platform's search to keep a number in. 0 at first; the core does not use it.
  template <class Q = P>
  [[nodiscard]] auto& link(SlotIndex slot) requires(kFindsSlots<Q>) {
    return slot_of(slot).of.link;
  }

  /// Whether the mapping of this page with this generation is still there and has users. If not,
  /// reports a use after kunmap by the caller.
  bool check_held(Page page, const void* address, uint32_t generation);

 private:
  template <class T>
  using Atomic = typename P::template Atomic<T>;
  static constexpr bool kPosts = kPostsFlushes<P>;
  static_assert(!kPosts || !kFindsSlots<P>, "a cell keeps the number of its page's post");
  static_assert(!kPosts || !kRemembers<P>, "a miss takes slots of the one hand");
  // Otherwise a page without a slot has none that is to be flushed, or has the number of its post.
  static constexpr bool kCountsFlushes = !kPosts && !kFindsSlots<P>;
  // Where flushes are posted, a slow miss takes the slots of one leaf: small leaves keep it short.
  // Otherwise it takes 16 slots or more, and finds most of them in one leaf.
  using Set = SlotSet<P, P::kMaxSlots, kPosts ? 4 : 16>;
  static constexpr uint32_t kBroughtIntoUse = 512;  // slots at once, where kTablesOutside
  enum class Wait : uint8_t { never, until_mapped };
  enum class Claim : uint8_t { lost, untouched, touched };
  /// Slots of one leaf that were taken together.
  struct Run {
    uint32_t leaf;
    typename Set::Bits slots;  // 0: none
  };
  struct Batch;
  struct Scavenged {
    uint32_t examined;  // words; 0 when all slots are parked
    uint32_t taken;
  };
  struct Waiter;
  struct Pinned;
  struct Woken;
  friend class Reservation<P>;
  friend class Posting<P>;
  friend class Remembering<P>;
  friend struct HitInC;  // in kernel.cpp

  struct OfPosts {
    typename Set::Bits run = 0;  // of a Run that waits on a list, in its first slot: its slots
    uint32_t number = 0;         // of the post of this slot's flush; of a Run, in its first slot
  };
  struct OfFinder {
    Atomic<uint32_t> link{};  // the platform's: see link()
  };
  static constexpr bool kHasBeside = !__is_empty(BesideOf<P>);
  /// On a cache line of its own, together with what the platform keeps beside it. Where windows may
  /// be large, and nothing is beside it, on half of a line.
  struct alignas(kTablesOutside<P> && !kHasBeside ? 32 : 64) Slot {
    Atomic<Word> word{};
    Atomic<Page> page{};     // written while the slot is dead and taken; the word publishes it
    Atomic<Stamp> holder{};  // the thread that took the slot from idle; relaxed: for reports
    uint32_t next = 0;       // of a Chain or a list; for the thread that has taken the slot
    typename library::Choose<kPosts, OfPosts, OfFinder>::Type of{};
    [[no_unique_address]] BesideOf<P> beside{};
  };
  struct alignas(64) PerCpu {
    Atomic<uint32_t> leaf{};  // where this CPU takes clean slots; relaxed: a hint
    // The list of this CPU's runs that wait for their post: impl/post.hpp.
    Atomic<uint32_t> busy{};  // guards the list
    // The entry of its first run's first slot; 0: the list is empty. In the high half: how many
    // runs it is to get more.
    Atomic<uint32_t> first_run{};
    uint32_t last_run = 0;
    Atomic<uint32_t> runs{};  // in the list
    static constexpr uint32_t kOneMissing = 1U << 16;
    [[no_unique_address]] IfRemembers<P, Returned<P>> returned{};
  };
  /// Slots that one thread has taken, linked through Slot::next.
  struct Chain {
    uint32_t first = 0;  // entry; 0: none
    uint32_t count = 0;
  };

  /// The hit. Null: not a hit; map_slow() finds out why.
  [[nodiscard]] void* hit(Page page) {
    auto&& cell = platform_.page_virtual(page);
    // Relaxed: only a hint where to look. The swap below proves it.
    const Word found = cell.load(memory_order_relaxed);
    if (!page_virtual::has_slot(found)) return nullptr;
    return hit_in(cell, found, page);
  }

  /// The rest of the hit: the page's cell names a slot.
  template <class Cell>
  [[nodiscard, gnu::always_inline]] void* hit_in(Cell& cell, Word found, Page page) {
    size_t offset = offset_of(page_virtual::entry(found));
    // Expecting the usual word, instead of reading the word first, saves a cache miss.
    Word expected = page_virtual::expected_idle(found);
    // Acquire: pairs with publish() and with the kunmap before. The PTE and the page's data are
    // there.
    if (!slot_at(offset).word.compare_exchange_strong(expected, expected + word::kUser<Word>,
                                                      memory_order_acquire, memory_order_relaxed)) {
      return nullptr;
    }
    // Relaxed: if the slot has got another page meanwhile, the swap has acquired from its
    // publish(), which comes after the claim() that cleared this.
    if (!is_still(cell, found, offset, page)) [[unlikely]] {
      undo_hit(opaque(offset), page);  // the generation came round: another page's mapping
      return nullptr;
    }
    offset = opaque(offset);
    if constexpr (requires { platform_.note_hit(slot_at(offset).holder); }) {
      platform_.note_hit(slot_at(offset).holder);
    } else {
      slot_at(offset).holder.store(platform_.stamp(), memory_order_relaxed);
      platform_.count(Event::hit);
    }
    void* const address = address_at(offset);
    if (address == nullptr) __builtin_unreachable();  // spares the caller's test
    return address;
  }

  /// Whether the slot, which the caller has pinned now, is still the one that `cell` named for the
  /// page when it said `found`.
  template <class Cell>
  [[nodiscard, gnu::always_inline]] bool is_still(const Cell& cell, Word found, size_t offset,
                                                  Page page) {
    if constexpr (kFindsSlots<P>) return slot_at(offset).page.is(page, memory_order_relaxed);
    return cell.load(memory_order_relaxed) == found;
  }

  /// The page's cell, for callers that no swap of the slot's word tells whether it is the right
  /// slot.
  [[nodiscard, gnu::always_inline]] Word load_surely(Page page, MemoryOrder order) {
    if constexpr (kFindsSlots<P>) return platform_.page_virtual(page).load_surely(order);
    return platform_.page_virtual(page).load(order);
  }

  /// `offset` is that of the slot's entry: the caller has it in a register, and the word is reached
  /// by one addition.
  [[gnu::always_inline]] void drop_user(size_t offset, Page page) {
    // Release: pairs with claim() and with the next hit(). What the user did to the page comes
    // before the flush, and before what the next user does.
    const Word before = slot_at(offset).word.fetch_sub(word::kUser<Word>, memory_order_release);
    // The strict build unmaps a page as soon as it has no user.
    const bool last = P::kStrict && word::users(before) == 2;
    if (static_cast<word::Half<Word>>(before) < word::kSlowExit<Word> || last) [[unlikely]] {
      slow_exit(offset, before, page);
    }
  }

  /// Gives up a pin that turned out to be of another page. Very rare. Inline it would cost every
  /// hit registers.
  [[gnu::noinline]] void undo_hit(size_t offset, Page page) { drop_user(offset, page); }

  /// kmap_until() with what `limits()` returns. Only a miss calls limits().
  template <class MakeLimits>
  [[nodiscard, gnu::always_inline]] Result<void*> map_with(MakeLimits limits, Page page) {
    if (!platform_.is_high(page)) return platform_.direct_address(page);
    if (void* const address = hit(page)) return noted(address);
    Result<void*> result = map_within(page, limits());
    noted(*result);
    return result;
  }

  /// kmap() without the sleep; the caller notes the pin.
  [[nodiscard, gnu::always_inline]] void* map_at_once(Page page) {
    if (!platform_.is_high(page)) return platform_.direct_address(page);
    void* const address = hit(page);
    return address != nullptr ? address : map_slow<Wait::never>(page);
  }

  /// In checked builds, notes the holder of the mapping that was just made, and the call site:
  /// `caller`, or else the function that this is inlined in.
  [[gnu::always_inline]] void* noted(void* address, const void* caller = nullptr) {
    if constexpr (P::kChecked) note_pin(address, caller);
    return address;
  }
  [[gnu::always_inline]] bool hit_into(PageAddress<P>& it) {
    it.address =
        platform_.is_high(it.page) ? noted(hit(it.page)) : platform_.direct_address(it.page);
    return it.address != nullptr;
  }
  [[gnu::always_inline]] bool may_drop(size_t offset, Page page) {
    if constexpr (P::kChecked) return check_kunmap(slot_at(offset), page);
    return true;
  }

  // Out of line, in impl/map_slow.hpp.
  template <Wait kWait>
  void* map_slow(Page page);
  void* map_slower(Page page, const void* caller);
  void* pin_if_mapped(Page page);
  void* pin_if_seen(Page page);
  Pinned pin(Page page, bool surely = true);
  void* publish(SlotIndex index, Page page, Word found);
  SlotIndex take_clean();
  void bring_into_use(uint32_t slots);
  bool bring_more_into_use();
  Pinned map_in(SlotIndex slot, Page page);
  // impl/scavenge.hpp
  Run next_of_hand();
  Scavenged scavenge();
  void examine_leaf(uint32_t leaf, typename Set::Bits slots, Batch& batch);
  void sweep_leaf(uint32_t leaf, typename Set::Bits slots, Batch& batch);
  void pass_over(SlotIndex index, Word seen);
  Claim claim(SlotIndex index, Word idle, Word dead);
  bool park(SlotIndex index);
  uint32_t take_all_idle();
  template <class Predicate>
  uint32_t scavenge_until(uint32_t slots, Predicate has_better_to_do);
  void finish(Batch& batch);
  void flush(Span<const SlotIndex> touched);
  /// Around each flush that is not posted; see evict.hpp.
  void add_flush_due() {
    // Relaxed: a caller that finds a page without a slot has acquired from the claim() that
    // follows.
    if constexpr (kCountsFlushes) flushes_due_.fetch_add(1, memory_order_relaxed);
  }
  void flushes_done(uint32_t slots) {
    // Release: pairs with wait_for_flushes().
    if constexpr (kCountsFlushes) flushes_due_.fetch_sub(slots, memory_order_release);
  }
  void put_clean(SlotIndex slot);
  void forget(SlotIndex slot);
  // impl/evict.hpp
  Evicted gone(Evicted how, Page page, bool may_flush);
  bool unmap_idle(SlotIndex index, Word idle, bool may_flush);
  void owe_flush(SlotIndex index);
  uint32_t make_owed_flushes(uint32_t most);
  void wait_for_flushes();
  // impl/sleep.hpp
  Result<void*> sleep_for_slot(Page page, Limits<P> limits, const void* caller);
  Result<void*> map_within(Page page, Limits<P> limits);
  void enqueue(Waiter& self);
  Woken wait_in_queue(Waiter& self);
  void leave_queue(Waiter& self);
  void grant(SlotIndex slot, bool clean);
  void grant_clean();
  void announce(SlotIndex slot, Page page);
  void settle(SlotIndex index);
  void slow_exit(size_t offset, Word before, Page page);
  // impl/reserve.hpp
  void push(Chain& chain, SlotIndex slot);
  SlotIndex pop(Chain& chain);
  void clean_chain(Chain& dirty, Chain& clean);
  void put_chain(Chain& chain);
  Result<Chain> gather(uint32_t slots, Limits<P> limits, const void* caller);
  Result<void*> map_reserved(Chain& chain, Page page);
  MapError map_rest(Span<PageAddress<P>> pages, size_t mapped, Limits<P> limits);
  // impl/misuse.hpp
  void report(Misuse what, SlotIndex slot, Page page, const void* address, const void* caller);
  void report_kunmap(const Slot& slot, Page page, const void* caller);
  void wrong_address(const void* address);
  void* not_open(Page page, const void* caller);
  bool check_may_sleep(Page page);
  bool check_may_flush(const void* caller);
  bool check_kunmap(const Slot& slot, Page page);
  bool check_holds_nothing(Misuse otherwise, const void* caller);
  void note_pin(void* address, const void* caller);
  void note_hand_over(Page page);

  [[nodiscard]] SlotIndex index_of(const Slot& slot) const {
    return SlotIndex{static_cast<uint32_t>(&slot - slots_) - 1};
  }
  [[nodiscard]] Slot& slot_of(SlotIndex slot) { return slots_[to_number(slot) + 1]; }
  [[nodiscard]] uintptr_t window_base() const {
    return reinterpret_cast<uintptr_t>(platform_.address(SlotIndex{0}));
  }
  /// The number of the slot at an address; slot_count_ or more if the address is not in the window.
  [[nodiscard]] size_t slot_number(const void* address) const {
    return (reinterpret_cast<uintptr_t>(address) - window_base()) / P::kPageSize;
  }
  /// The slot at an address, or kNoSlot. (A slot's number fits in 32 bits, an address's may not.)
  [[nodiscard]] SlotIndex slot_of_address(const void* address) const {
    const size_t slot = slot_number(address);
    return slot < slot_count_ ? SlotIndex{static_cast<uint32_t>(slot)} : kNoSlot;
  }
  /// Slots are reached by their entries' offset in storage: a hit computes with the offset alone.
  [[nodiscard]] static size_t offset_of(size_t entry) { return opaque(entry * sizeof(Slot)); }
  /// Generates no code. On x86, keeps the compiler from holding results of one addition to the
  /// value in registers that it does not have.
  [[nodiscard]] static size_t opaque(size_t value) {
#if defined(__i386__) || defined(__x86_64__)
    asm("" : "+r"(value));
#endif
    return value;
  }
  [[nodiscard]] Slot& slot_at(size_t offset) {
    return *reinterpret_cast<Slot*>(reinterpret_cast<char*>(slots_) + offset);
  }
  /// Entry 0 is no slot, so slot 0's address is that of entry 1.
  [[nodiscard]] void* address_at(size_t offset) const {
    static_assert(P::kPageSize % sizeof(Slot) == 0);
    return reinterpret_cast<void*>(window_base() - P::kPageSize +
                                   offset * (P::kPageSize / sizeof(Slot)));
  }

  // First, so that a hit reaches a static mapper's words by one addition.
  Table<P, Slot, P::kMaxSlots + 1> slots_{};
  [[no_unique_address]] P platform_;
  uint32_t slot_count_ = 0;
  Atomic<uint32_t> in_use_{};  // where kTablesOutside: slots_in_use()
  uint32_t most_behind_ = 0;   // posts, before a slow miss drops its CPU's TLB
  Set clean_{};                // empty, and in no TLB: free to take
  Set unparked_{};             // the hand's path: all slots but those that it met pinned
  PerCpu cpus_[P::kMaxCpus]{};
  alignas(64) Atomic<uint32_t> hand_{};  // the next leaf that the scavenger examines
  [[no_unique_address]] IfRemembers<P, Shares<P>> shares_{};
  alignas(64) Atomic<uint32_t> waiters_{};  // sleepers in the queue
  // Where kCountsFlushes: batches on their way to a flush, and slots that were granted dirty or are
  // owed a flush.
  alignas(64) Atomic<uint32_t> flushes_due_{};
  Atomic<uint32_t> owed_flushes_{};  // length of owed_; without the lock only a hint
  typename P::Lock queue_lock_{};    // guards what follows
  Waiter* first_waiter_ = nullptr;
  Waiter* last_waiter_ = nullptr;
  uint64_t longest_sleep_ns_ = 0;
  // Slots that TLBs may still hold, taken back by callers that may not flush. Empty where flushes
  // are posted: there they wait on the CPU's list.
  Chain owed_{};
  [[no_unique_address]] Ledger<P, P::kChecked> ledger_{};  // has a lock of its own
};

}  // namespace kmapper
