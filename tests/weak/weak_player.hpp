// Threads that map pages on a machine with weak memory, use them, and check the library's promise
// by clocks: a mapping shows the page with all changes of the threads that unmapped it before.
//
// A thread sleeps only while it holds nothing. Some mappings are handed on, under a lock, to a
// thread that never sleeps in kmap.
//
// Longer than usual: one function for each way of mapping and of taking slots back.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kmapper/core/mapper.hpp"
#include "kmapper/core/reservation.hpp"
#include "simulated/computer.hpp"
#include "simulated/random.hpp"
#include "weak_pages.hpp"

namespace kmapper::simulated {

/// Threads: WeakThreads, or PostingWeakThreads.
template <class Threads>
class WeakPlayer {
 public:
  using Platform = simulated::Platform<Threads>;
  using Page = typename Computer<Threads>::Page;
  using Mapper = kmapper::Mapper<Platform>;

  WeakPlayer(Computer<Threads>& computer, Mapper& mapper)
      : computer_(computer), mapper_(mapper), pages_(computer.machine().frame_count()) {
    for (std::uint32_t i = 0; i < computer.machine().frame_count(); ++i)
      computer.machine().poke(FrameIndex{i}, 0, tag_of(FrameIndex{i}));
  }

  /// Performs so many operations in the calling thread. Holds nothing when it returns.
  void map_pages(Random random, std::uint32_t operations) {
    Hand hand;
    for (; operations != 0 && is_well(); --operations) play_one(random, hand);
    while (hand.size != 0) put_back(random, hand);
  }

  /// Receives mappings until `done` says that there will be no more. Only the calling thread
  /// receives; it sleeps between mappings, and call_receiver() wakes it.
  template <class Done>
  void receive(Random random, Done done) {
    Scheduler& scheduler = computer_.threads().scheduler();
    receiver_ = scheduler.thread();
    Hand hand;
    while (is_well()) {
      if (take_over(hand)) {
        look(random, hand);
        put_back(random, hand);
      } else if (handed_on_.empty()) {  // no other thread runs between here and the sleep
        if (done()) return;
        scheduler.block("a mapping, to be handed on");
      }
    }
  }
  void call_receiver() {
    if (receiver_ != 0) computer_.threads().scheduler().unblock(receiver_);
  }

  /// The operations of an interrupt.
  void play_in_interrupt(Random& random) {
    Hand hand;
    if (!pick_up(random, hand, false)) return;
    look(random, hand);
    put_back(random, hand);
  }

  /// When no other thread runs any more: maps as many pages as the window has slots, then others.
  /// No slot may be hidden from a kmap that does not sleep.
  void fill_window() {
    const MachineShape& shape = computer_.machine().shape();
    mapper_.flush_all_zero_pkmaps();
    const std::uint32_t others = std::min(shape.high_frames - shape.slots, shape.slots);
    for (std::uint32_t i = 0; i < shape.slots; ++i) must_map(computer_.high_page(i));
    for (std::uint32_t i = 0; i < shape.slots; ++i) mapper_.kunmap(computer_.high_page(i));
    for (std::uint32_t i = 0; i < others; ++i) must_map(computer_.high_page(shape.slots + i));
  }

  /// How many kmaps of single pages returned an address.
  [[nodiscard]] std::uint64_t mapped() const { return mapped_; }

 private:
  struct Held {
    Page page;
    void* address;
  };
  /// The mappings that a thread holds. Without a heap: a failed game abandons its threads' stacks.
  struct Hand {
    static constexpr std::uint32_t kMost = 3;
    std::array<Held, kMost> mappings{};
    std::uint32_t size = 0;

    [[nodiscard]] Held take_any(Random& random) {
      const std::uint32_t chosen = random.below(size--);
      return std::exchange(mappings[chosen], mappings[size]);
    }
  };

  void play_one(Random& random, Hand& hand) {
    if constexpr (Threads::kPosts) {
      if (random.one_in(6)) return come_by(random);
    }
    switch (random.below(16)) {
      case 0:
        return hand_on(random, hand);
      case 1:
      case 2:
        return free_page(random);
      case 3:
        return take_idle_back(random);
      case 4:
      case 5:
        return look(random, hand);
      case 6:
      case 7:
      case 8:
      case 9:
        if (hand.size != 0) return put_back(random, hand);
        [[fallthrough]];
      default:
        if (hand.size == 0 && random.one_in(6)) return pick_up_in_reservation(random, hand);
        if (hand.size != Hand::kMost) pick_up(random, hand, hand.size == 0);
    }
  }

  /// kmap, in one of its forms. False: nothing was mapped.
  bool pick_up(Random& random, Hand& hand, bool may_sleep) {
    const Page page = any_page(random);
    if (!pages_.begin_use(page->frame)) return false;
    const WeakClock before = pages_.unmapped(page->frame);
    void* address = nullptr;
    if (!may_sleep || random.one_in(4)) {
      address = mapper_.try_kmap(page);
    } else if (random.one_in(8)) {
      address = *mapper_.kmap_for(page, random.below(20'000));
    } else {
      address = mapper_.kmap(page);
    }
    if (address == nullptr) {
      pages_.end_use(page->frame);
      return false;
    }
    ++mapped_;
    take_up(hand, page, address, before);
    return true;
  }

  /// Reserves two slots, and uses one or both of them.
  void pick_up_in_reservation(Random& random, Hand& hand) {
    if (computer_.machine().shape().slots < 2) return;
    auto reservation = mapper_.reserve(2);
    if (!reservation) return;
    for (std::uint32_t i = random.below(2); i != 2; ++i) {
      const Page page = any_page(random);
      if (!pages_.begin_use(page->frame)) continue;
      const WeakClock before = pages_.unmapped(page->frame);
      auto address = reservation->kmap(page);
      require(static_cast<bool>(address), "a reservation did not map what it promised");
      ++mapped_;
      take_up(hand, page, *address, before);
    }
  }

  void take_up(Hand& hand, Page page, void* address, const WeakClock& before) {
    computer_.machine().hold(slot_at(address));
    const Agent other = memory().clock().first_ahead(before);
    if (other != kMaxAgents) {
      computer_.machine().faults().record(
          "data race: " + name(page) + " was unmapped by thread " + std::to_string(other) +
          " and then mapped by thread " +
          std::to_string(computer_.threads().scheduler().sequence()) +
          ", and nothing orders its use by the one before that of the other");
    }
    hand.mappings[hand.size++] = {page, address};
    access(hand.mappings[hand.size - 1]);
  }

  /// The page must be the right one, and its PTE ordered before (WeakThreads).
  void access(const Held& held) {
    require(computer_.read(held.address) == tag_of(held.page->frame),
            "a mapping shows another page");
  }
  void look(Random& random, const Hand& hand) {
    if (hand.size != 0) access(hand.mappings[random.below(hand.size)]);
  }

  void put_back(Random& random, Hand& hand) {
    const Held held = hand.take_any(random);
    const FrameIndex frame = held.page->frame;
    const WeakStep last_use = memory().step();
    computer_.machine().release(slot_at(held.address));
    if (random.one_in(4)) {
      mapper_.kunmap_address(held.address);
    } else {
      mapper_.kunmap(held.page);
    }
    pages_.note_unmapped(frame, last_use);
    pages_.end_use(frame);
  }

  /// The CPU drops what was posted, or idles.
  void come_by(Random& random) {
    if (random.one_in(2)) {
      computer_.platform().come_by();
    } else {
      computer_.platform().rest(static_cast<typename Platform::Rest>(random.below(3)));
    }
  }

  /// Takes back all that is idle, or until so many slots are clean.
  void take_idle_back(Random& random) {
    if (random.one_in(2)) {
      mapper_.flush_all_zero_pkmaps();
    } else {
      mapper_.scavenge_ahead(random.between(1, computer_.machine().shape().slots));
    }
  }

  /// Frees an unused page; by evict(), or as an allocator of many pages does.
  void free_page(Random& random) {
    const Page page = any_page(random);
    if (!pages_.begin_free(page->frame)) return;
    if (random.one_in(3)) {
      if (!free_where_nobody_may_flush(random, page)) return pages_.end_free(page->frame);
    } else if (random.one_in(2) && mapper_.find(page) == kNoSlot) {
      mapper_.finish_flushes();
    } else {
      require(mapper_.evict(page) != Evicted::pinned, "a page without users is pinned");
    }
    computer_.threads().check_unmapped(page->frame);
    pages_.end_free(page->frame);
  }

  /// False: its flush is owed, and the page is used again before that.
  bool free_where_nobody_may_flush(Random& random, Page page) {
    Evicted evicted{};
    {
      const typename Threads::InterruptsOff off(computer_.threads());
      evicted = mapper_.evict(page);
    }
    require(evicted != Evicted::pinned, "a page without users is pinned");
    if (evicted != Evicted::flush_owed) return true;
    if (random.one_in(2)) return false;
    mapper_.finish_flushes();
    return true;
  }

  void hand_on(Random& random, Hand& hand) {
    if (hand.size == 0) return;
    const Held held = hand.take_any(random);
    mapper_.hand_over(held.page);
    handed_on_lock_.lock();
    handed_on_.push_back(held);
    handed_on_lock_.unlock();
    call_receiver();
  }
  bool take_over(Hand& hand) {
    handed_on_lock_.lock();
    const bool any = !handed_on_.empty();
    if (any) {
      hand.mappings[hand.size++] = handed_on_.back();
      handed_on_.pop_back();
    }
    handed_on_lock_.unlock();
    return any;
  }

  [[nodiscard]] Page any_page(Random& random) {
    return computer_.high_page(random.below(computer_.machine().shape().high_frames));
  }
  [[nodiscard]] static std::uint64_t tag_of(FrameIndex frame) { return 0x7A60 + to_number(frame); }
  [[nodiscard]] static std::string name(Page page) {
    return "frame " + std::to_string(to_number(page->frame));
  }
  [[nodiscard]] WeakMemory& memory() { return computer_.threads().memory(); }
  void must_map(Page page) {
    require(mapper_.try_kmap(page) != nullptr, "a slot is free, but no kmap finds it");
  }
  void require(bool holds, const char* what) {
    if (!holds) computer_.machine().faults().record(what);
  }
  [[nodiscard]] bool is_well() { return computer_.machine().faults().empty(); }

  Computer<Threads>& computer_;
  Mapper& mapper_;
  WeakPages pages_;
  typename Threads::Lock handed_on_lock_;
  std::vector<Held> handed_on_;
  std::uint32_t receiver_ = 0;
  std::uint64_t mapped_ = 0;
};

}  // namespace kmapper::simulated
