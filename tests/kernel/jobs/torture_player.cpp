#include "tests/kernel/jobs/torture_player.hpp"

#include <algorithm>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/vmap.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint64_t kShortWhileNs = 20'000'000;

bool one_in(Prng& random, std::uint32_t n) { return random.below(n) == 0; }

}  // namespace

void TorturePlayer::map_pages(Prng random, std::uint64_t end_ns) {
  Hand hand;
  for (std::uint32_t played = 1; fault().empty() && now_ns() < end_ns; ++played) {
    play_one(random, hand);
    if (played % 1000 == 0) played_thousands_.fetch_add(1, std::memory_order_relaxed);
  }
  while (!hand.is_empty()) put_back(random, hand);
  mapping_.fetch_sub(1);
}

void TorturePlayer::receive(Prng random) {
  Hand hand;
  for (;;) {
    const bool last = mapping_.load() == 0;
    if (post_.receive(hand)) {
      look(random, hand);
      put_back(random, hand);
    } else if (last) {
      return;
    } else {
      thread_sleep(1);
    }
  }
}

void TorturePlayer::play_in_interrupt(Prng& random) {
  if (one_in(random, 2)) return map_locally(random, 2);
  if (one_in(random, 8)) return map_area(random);
  if (one_in(random, 16)) return allocate_area(random);
  Hand hand;
  if (!pick_up(random, hand, false)) return;
  look(random, hand);
  put_back(random, hand);
}

void TorturePlayer::play_one(Prng& random, Hand& hand) {
  if (one_in(random, 64)) migrate(random);
  switch (random.below(16)) {
    case 0:
      return hand_on(random, hand);
    case 1:
      return reuse_page(random);
    case 2:
      return play_rarely(random, hand);
    case 3:
      return with_interrupts_off(random);
    case 4:
      return map_locally(random, 3);
    case 5:
      return one_in(random, 3) ? allocate_area(random) : map_area(random);
    case 6:
    case 7:
      return look(random, hand);
    case 8:
    case 9:
    case 10:
    case 11:
      if (!hand.is_empty()) return put_back(random, hand);
      [[fallthrough]];
    default:
      if (hand.is_empty() && one_in(random, 8)) return pick_up_several(random, hand);
      if (!hand.is_full()) (void)pick_up(random, hand, hand.is_empty());
  }
}

void TorturePlayer::play_rarely(Prng& random, Hand& hand) {
  switch (random.below(32)) {
    case 0:
      (void)flush_all_zero_pkmaps();
      return;
    case 1:
      return cancel();
    case 2:
      return thread_sleep(1);
    case 3:
    case 4:
      return raise_software_interrupt();
    case 5:
      // Rarely, because each death prints a line. In a release build the thread's pins would stay.
      if (KernelPlatform::kChecked && one_in(random, 64)) let_a_thread_die(random);
      return;
    default:
      return look(random, hand);
  }
}

/// Moves to a random CPU; from there the scheduler may move it on.
void TorturePlayer::migrate(Prng& random) {
  thread_move_to(CpuNumber{random.below(cpu_count())});
  thread_roam();
}

/// kmap, in one of its forms.
bool TorturePlayer::pick_up(Prng& random, Hand& hand, bool may_sleep) {
  TorturePage& it = pages_.any(random);
  if (!it.begin_use()) return false;
  void* const address = may_sleep ? map_patiently(random, it.page()) : try_kmap(it.page());
  if (address == nullptr) {
    it.end_use();
    return false;
  }
  require(it.shows_at(address), "a fresh mapping shows another page");
  hand.add({&it, address});
  return true;
}

/// Sleeps for a slot: without limit, with a time limit, or until another thread cancels.
void* TorturePlayer::map_patiently(Prng& random, Page* page) {
  const std::uint32_t way = random.below(8);
  if (way == 0) return *highmem.kmap_for(page, random.below(kShortWhileNs));
  if (way == 1) return *highmem.kmap_until(page, {UINT64_MAX, &cancellations_[cancelled_.load()]});
  void* const address = kmap(page);
  require(address != nullptr, "a kmap that may sleep returned null");
  return address;
}

/// Begins to use as many pages as there is room for, except those that are being freed. Returns how
/// many.
std::uint32_t TorturePlayer::begin_uses(Prng& random, std::span<TorturePage*> them) {
  std::uint32_t count = 0;
  for (std::size_t left = them.size(); left != 0; --left) {
    TorturePage& it = pages_.any(random);
    if (it.begin_use()) them[count++] = &it;
  }
  return count;
}

/// Two to four pages at once, by kmap_all() or in a reservation.
void TorturePlayer::pick_up_several(Prng& random, Hand& hand) {
  const std::uint32_t wanted =
      std::min(2 + random.below(kMostHeld - 1), std::uint32_t{highmem.slot_count()});
  std::array<TorturePage*, kMostHeld> them{};
  std::array<Wanted, kMostHeld> pages{};
  const std::uint32_t count = begin_uses(random, std::span(them).first(wanted));
  for (std::uint32_t i = 0; i < count; ++i) pages[i].page = them[i]->page();
  const std::span all(pages.data(), count);
  const bool mapped = one_in(random, 2) ? map_all(random, all) : map_in_reservation(random, all);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!mapped) {
      them[i]->end_use();
      continue;
    }
    require(them[i]->shows_at(pages[i].address), "a mapping of several shows another page");
    hand.add({them[i], pages[i].address});
  }
}

bool TorturePlayer::map_all(Prng& random, std::span<Wanted> pages) {
  return highmem.kmap_all(pages, some_limits(random)) == MapError::none;
}

bool TorturePlayer::map_in_reservation(Prng& random, std::span<Wanted> pages) {
  auto reservation = highmem.reserve(static_cast<std::uint32_t>(pages.size()), some_limits(random));
  if (!reservation) return false;
  for (Wanted& it : pages) {
    auto address = reservation->kmap(it.page);
    require(static_cast<bool>(address), "a reservation did not map what it promised");
    it.address = *address;
  }
  return true;
}

TorturePlayer::Limit TorturePlayer::some_limits(Prng& random) {
  switch (random.below(4)) {
    case 0:
      return {now_ns() + random.below(kShortWhileNs), nullptr};
    case 1:
      return {UINT64_MAX, &cancellations_[cancelled_.load()]};
    default:
      return {};
  }
}

/// Maps a few pages locally, on top of each other; sometimes other threads run, or map, in between.
void TorturePlayer::map_locally(Prng& random, std::uint32_t depth) {
  TorturePage& it = pages_.any(random);
  if (!it.begin_use()) return;
  void* const address = kmap_local(it.page());
  require(it.shows_at(address), "a local mapping shows another page");
  if (depth > 1 && one_in(random, 2)) map_locally(random, depth - 1);
  if (may_sleep() && one_in(random, 16)) thread_yield();
  require(it.takes_note_at(address, random.next()), "a local mapping shows another page later");
  require(it.shows_at(address), "a local mapping shows another page later");
  kunmap_local(address);
  it.end_use();
}

/// Maps some pages at consecutive addresses; sometimes another CPU checks them, too.
void TorturePlayer::map_area(Prng& random) {
  constexpr std::uint32_t kMostPages = 6;
  std::array<TorturePage*, kMostPages> them{};
  std::array<Page*, kMostPages> pages{};
  const std::uint32_t wanted = 1 + random.below(kMostPages);
  const std::uint32_t count = begin_uses(random, std::span(them).first(wanted));
  for (std::uint32_t i = 0; i < count; ++i) pages[i] = them[i]->page();
  if (const auto area = vmap({pages.data(), count})) {
    look_at_area(random, {them.data(), count}, *area);
    if (may_sleep() && one_in(random, 4)) {
      migrate(random);
      look_at_area(random, {them.data(), count}, *area);
    }
    vunmap(*area);
  } else {
    // Only a caller that may not flush has to try again later.
    require(area.error() == MapError::would_sleep, "vmap has no room");
  }
  for (std::uint32_t i = 0; i < count; ++i) them[i]->end_use();
  // So that addresses are reused before the TLBs have dropped them on their own.
  if (may_sleep() && one_in(random, 8)) vmap_range.flush();
}

/// Memory of its own at consecutive addresses, which must hold what is written to it.
void TorturePlayer::allocate_area(Prng& random) {
  constexpr std::uint32_t kMostPages = 4;
  const std::uint32_t pages = 1 + random.below(kMostPages);
  const auto area = vmalloc(pages * kPageSize);
  if (!area) {
    // There is enough. But it may wait for a flush, which not every caller may make.
    return require(!KernelPlatform::may_flush() || !KernelPlatform::may_sleep(),
                   "vmalloc refuses, although the caller may flush");
  }
  auto* const words = static_cast<volatile std::uint32_t*>(*area);
  constexpr std::uint32_t kWords = kPageSize / sizeof(*words);
  const std::uint32_t first = random.next();
  for (std::uint32_t i = 0; i < pages; ++i) words[i * kWords] = first + i;
  if (may_sleep() && one_in(random, 4)) migrate(random);
  for (std::uint32_t i = 0; i < pages; ++i)
    require(words[i * kWords] == first + i, "an area of vmalloc shows another page");
  vfree(*area);
}

void TorturePlayer::look_at_area(Prng& random, std::span<TorturePage* const> pages, void* area) {
  auto* address = static_cast<std::byte*>(area);
  for (TorturePage* const it : pages) {
    require(it->shows_at(address), "an area shows another page");
    require(it->takes_note_at(address, random.next()), "an area shows another page later");
    address += kPageSize;
  }
}

/// Reads and writes through a mapping.
void TorturePlayer::look(Prng& random, const Hand& hand) {
  if (hand.is_empty()) return;
  const Held& held = hand.any(random);
  require(held.page->shows_at(held.address), "a mapping shows another page");
  require(held.page->takes_note_at(held.address, random.next()),
          "the mapping shows another page's note");
}

/// kunmap, in one of its forms.
void TorturePlayer::put_back(Prng& random, Hand& hand) {
  const Held held = hand.take_any(random);
  require(held.page->shows_at(held.address), "a mapping shows another page at its end");
  if (one_in(random, 4)) {
    highmem.kunmap_address(held.address);
  } else {
    kunmap(held.page->page());
  }
  held.page->end_use();
}

bool TorturePlayer::Post::send(const Held& held) {
  const Locked guard(lock_);
  if (size_ == held_.size()) return false;
  held_[size_++] = held;
  return true;
}

bool TorturePlayer::Post::receive(Hand& hand) {
  const Locked guard(lock_);
  if (size_ == 0) return false;
  hand.add(held_[--size_]);
  return true;
}

void TorturePlayer::hand_on(Prng& random, Hand& hand) {
  if (hand.is_empty()) return;
  const Held held = hand.take_any(random);
  highmem.hand_over(held.page->page());
  if (!post_.send(held)) hand.add(held);
}

/// Frees an unused page, with its whole block, and allocates another.
void TorturePlayer::reuse_page(Prng& random) {
  TorturePage& it = pages_.any(random);
  if (!it.begin_free()) return;
  require(it.free() == FreeResult::freed, "a page without users was not freed");
  require(it.allocate(random, it.order()), "what was freed cannot be allocated");
  it.end_free();
}

/// Wakes the threads that sleep with the current cancellation.
void TorturePlayer::cancel() {
  std::uint32_t current = cancelled_.load();
  if (current + 1 == kCancellations || !cancelled_.compare_exchange_strong(current, current + 1)) {
    return;
  }
  highmem.cancel(cancellations_[current]);
}

void TorturePlayer::with_interrupts_off(Prng& random) {
  const InterruptsOff off;
  play_in_interrupt(random);
}

// A thread that maps, and dies.
struct TorturePlayer::Victim {
  TorturePlayer& player;
  Prng random;
  Hand hand{};

  static void run(void* argument) {
    auto& [player, random, hand] = *static_cast<Victim*>(argument);
    while (!hand.is_full() && !one_in(random, 8)) (void)player.pick_up(random, hand, false);
    if (!hand.is_empty()) (void)kmap_local(hand.any(random).page->page());
    thread_die();
  }
};

/// All that the dead thread held must be free again: its pages can be freed, and their slots taken
/// back.
void TorturePlayer::let_a_thread_die(Prng& random) {
  Victim victim{*this, Prng(random.next())};
  Thread* const thread = thread_create("victim", Victim::run, &victim);
  if (thread == nullptr) return;
  require(thread_join(*thread) == Ending::died, "a thread that should have died did not");
  while (!victim.hand.is_empty()) victim.hand.take_any(random).page->end_use();
}

void TorturePlayer::require(bool holds, std::string_view what) {
  if (holds) [[likely]]
    return;
  if (has_fault_.exchange(true)) return;
  fault_ = what;
  is_faulty_.store(true, std::memory_order_release);
  print("torture: {}, on CPU {}, thread {}\n", what, this_cpu::number(),
        this_cpu::current()->number());
}

}  // namespace kmapper::kernel
