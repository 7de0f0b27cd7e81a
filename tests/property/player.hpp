// Plays random operations on a mapper, from several threads, against a plain model of the pages. It
// serves both ways of running threads: the property test uses scheduled threads, the torture test
// those of the host.
//
// A player's thread may hold several mappings, but sleeps only while it holds none: two threads
// that each hold what the other waits for would deadlock by the test's own fault. It hands some
// mappings on to the receivers, which are threads that never sleep in kmap.
//
// Longer than usual: one function for each way of mapping; all share a hand and a model.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "kmapper/core/impl/mapper.hpp"  // release_pins() is a template of its own
#include "kmapper/core/mapper.hpp"
#include "kmapper/core/mapping.hpp"
#include "kmapper/core/reservation.hpp"
#include "page_model.hpp"
#include "simulated/computer.hpp"
#include "simulated/random.hpp"
#include "tally.hpp"

namespace kmapper::simulated {

template <class Threads>
class Player {
 public:
  using Page = typename Computer<Threads>::Page;
  using Mapper = kmapper::Mapper<Platform<Threads>>;

  Player(Computer<Threads>& computer, Mapper& mapper, Random& random)
      : computer_(computer), mapper_(mapper), model_(computer.machine(), random) {}

  /// Called before the play: several pages are mapped by reservations only, so that again() stays
  /// 0.
  void without_kmap_all() { plays_kmap_all_ = false; }

  /// The body of a thread that maps while `goes_on` is true. It holds nothing when it returns.
  template <class GoesOn>
  void map_pages(Random random, GoesOn goes_on) {
    Hand hand;
    while (is_well() && goes_on()) play_one(random, hand);
    while (!hand.empty()) put_back(random, hand);
  }

  /// The body of a thread that receives mappings. Returns when `done` is true and nothing is left
  /// to receive.
  template <class Done>
  void receive(Random random, Done done) {
    Hand hand;
    for (;;) {  // even after a fault: other threads may sleep for these slots
      const bool last = done();
      if (take_over(hand)) {
        look(random, hand);
        put_back(random, hand);
      } else if (last) {
        return;
      } else {
        computer_.platform().relax();
      }
    }
  }

  /// The operations of an interrupt, or of a thread with interrupts off.
  void play_in_interrupt(Random& random) {
    Hand hand;
    if (pick_up(random, hand, false)) {
      look(random, hand);
      put_back(random, hand);
    }
  }

  /// High pages mapped successfully. The mapper counts more, by at most `again`: pages that a
  /// kmap_all() mapped before it started again, or gave up.
  [[nodiscard]] std::uint64_t mapped() const { return mapped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t again() const { return again_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }
  [[nodiscard]] const Tally& tally() const { return tally_; }
  /// What the page's frame shows. Only while no thread plays.
  [[nodiscard]] std::uint64_t tag(Page page) const { return model_.tag(page->frame); }
  [[nodiscard]] std::uint64_t played() const { return played_.load(std::memory_order_relaxed); }

 private:
  struct Held {
    Page page;
    void* address;
  };
  static constexpr std::uint32_t kMostHeld = 4;

  /// The mappings that a thread holds. Without a heap: a failed game abandons its threads' stacks.
  struct Hand {
    std::array<Held, kMostHeld> mappings;
    std::uint32_t size = 0;

    [[nodiscard]] bool empty() const { return size == 0; }
    [[nodiscard]] bool is_full() const { return size == kMostHeld; }
    void add(const Held& held) { mappings[size++] = held; }
    [[nodiscard]] const Held& any(Random& random) const { return mappings[random.below(size)]; }
    [[nodiscard]] Held take_any(Random& random) {
      const std::uint32_t chosen = random.below(size--);
      return std::exchange(mappings[chosen], mappings[size]);
    }
  };

  void play_one(Random& random, Hand& hand) {
    played_.fetch_add(1, std::memory_order_relaxed);
    if constexpr (requires {
                    computer_.threads().migrate(CpuIndex{});
                  }) {  // otherwise the scheduler does it
      const std::uint32_t cpus = computer_.machine().shape().cpus;
      if (random.one_in(8)) computer_.threads().migrate(CpuIndex{random.below(cpus)});
    }
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
      case 5:
      case 6:
      case 7:
        return look(random, hand);
      case 8:
      case 9:
      case 10:
      case 11:
        if (!hand.empty()) return put_back(random, hand);
        [[fallthrough]];
      default:
        if (hand.empty() && random.one_in(8)) return pick_up_several(random, hand);
        if (random.one_in(8)) return use_mapping(random, hand.empty());
        if (!hand.is_full()) pick_up(random, hand, hand.empty());
    }
  }

  /// kmap, in one of its forms.
  bool pick_up(Random& random, Hand& hand, bool may_sleep) {
    const Page page = any_page(random);
    if (!model_.begin_use(page->frame)) return false;
    void* const address = may_sleep ? map_patiently(random, page) : map_at_once(page);
    if (address == nullptr) {
      model_.end_use(page->frame);
      return false;
    }
    take_up(hand, page, address);
    return true;
  }

  void* map_at_once(Page page) {
    tally_.add(Deed::try_kmap);
    return mapper_.try_kmap(page);
  }

  /// Sleeps for a slot: without limit, with a time limit, or until another thread cancels.
  void* map_patiently(Random& random, Page page) {
    const std::uint32_t way = random.below(8);
    if (way == 0) {
      tally_.add(Deed::kmap_for);
      return *mapper_.kmap_for(page, random.below(20'000));
    }
    if (way == 1) {
      tally_.add(Deed::kmap_until);
      return *mapper_.kmap_until(page, {UINT64_MAX, &current_cancellation()});
    }
    tally_.add(Deed::kmap);
    void* const address = mapper_.kmap(page);
    require(address != nullptr, "a kmap that may sleep returned null");
    return address;
  }

  /// A Mapping, which unmaps itself, and is moved meanwhile.
  void use_mapping(Random& random, bool may_sleep) {
    using Mapping = kmapper::Mapping<Platform<Threads>>;
    const Page page = any_page(random);
    if (!model_.begin_use(page->frame)) return;
    tally_.add(Deed::mapping);
    {
      Mapping first = may_sleep ? Mapping(mapper_, page) : Mapping::try_map(mapper_, page);
      const Mapping mapping = std::move(first);
      if (mapping) {
        if (page->is_high) mapped_.fetch_add(1, std::memory_order_relaxed);
        require(computer_.read(mapping.address(), PageModel::kTagWord) == model_.tag(page->frame),
                "a Mapping shows another page");
      }
    }
    model_.end_use(page->frame);
  }

  /// Two to four pages at once, by kmap_all() or in a reservation.
  void pick_up_several(Random& random, Hand& hand) {
    const std::uint32_t wanted =
        std::min(random.between(2, kMostHeld), computer_.machine().shape().slots);
    std::array<PageAddress<Platform<Threads>>, kMostHeld> pages{};
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < wanted; ++i) {
      const Page page = any_page(random);
      if (model_.begin_use(page->frame)) pages[count++].page = page;
    }
    const std::span all(pages.data(), count);
    const bool mapped = plays_kmap_all_ && random.one_in(2) ? map_all(random, all)
                                                            : map_in_reservation(random, all);
    for (const PageAddress<Platform<Threads>>& it : all) {
      if (mapped) {
        take_up(hand, it.page, it.address);
      } else {
        model_.end_use(it.page->frame);
      }
    }
  }

  bool map_all(Random& random, std::span<PageAddress<Platform<Threads>>> pages) {
    tally_.add(Deed::kmap_all);
    again_.fetch_add(pages.size(), std::memory_order_relaxed);
    if (pages.size() == 2) {  // the form for a number that is known at compile time
      PageAddress<Platform<Threads>> two[] = {pages[0], pages[1]};
      const MapError error = mapper_.kmap_all(two, some_limits(random));
      std::copy(std::begin(two), std::end(two), pages.begin());
      return error == MapError::none;
    }
    return mapper_.kmap_all(pages, some_limits(random)) == MapError::none;
  }
  bool map_in_reservation(Random& random, std::span<PageAddress<Platform<Threads>>> pages) {
    tally_.add(Deed::reserve);
    auto reservation =
        mapper_.reserve(static_cast<std::uint32_t>(pages.size()), some_limits(random));
    if (!reservation) return false;
    for (PageAddress<Platform<Threads>>& it : pages) {
      auto address = reservation->kmap(it.page);
      require(static_cast<bool>(address), "a reservation did not map what it promised");
      it.address = *address;
    }
    return true;
  }

  [[nodiscard]] Limits<Platform<Threads>> some_limits(Random& random) {
    switch (random.below(4)) {
      case 0:
        return {computer_.threads().now() + random.below(20'000), nullptr};
      case 1:
        return {UINT64_MAX, &current_cancellation()};
      default:
        return {};
    }
  }
  [[nodiscard]] Cancellation<Platform<Threads>>& current_cancellation() {
    return cancellations_[cancelled_.load(std::memory_order_relaxed)];
  }
  /// Wakes the threads that sleep with the current cancellation; the last one is never requested.
  void cancel() {
    std::uint32_t current = cancelled_.load(std::memory_order_relaxed);
    if (current + 1 == kCancellations || !cancelled_.compare_exchange_strong(current, current + 1))
      return;
    tally_.add(Deed::cancel);
    mapper_.cancel(cancellations_[current]);
  }

  void take_up(Hand& hand, Page page, void* address) {
    if (page->is_high) {
      mapped_.fetch_add(1, std::memory_order_relaxed);
      computer_.machine().hold(slot_at(address));
    }
    require(computer_.read(address, PageModel::kTagWord) == model_.tag(page->frame),
            "a fresh mapping shows another page");
    hand.add({page, address});
  }

  /// Reads and writes through a mapping.
  void look(Random& random, Hand& hand) {
    if (hand.empty()) return;
    tally_.add(Deed::access);
    const Held& held = hand.any(random);
    const FrameIndex frame = held.page->frame;
    require(computer_.read(held.address, PageModel::kTagWord) == model_.tag(frame),
            "a mapping shows another page");
    computer_.write(held.address, PageModel::note(frame, random.below(1'000)),
                    PageModel::kNoteWord);
    require(PageModel::is_note_for(frame, computer_.machine().peek(frame, PageModel::kNoteWord)),
            "the mapping shows another page's note");
  }

  /// kunmap, in one of its forms.
  void put_back(Random& random, Hand& hand) {
    const Held held = hand.take_any(random);
    if (held.page->is_high) computer_.machine().release(slot_at(held.address));
    if (random.one_in(4)) {
      tally_.add(Deed::kunmap_address);
      mapper_.kunmap_address(held.address);
    } else {
      tally_.add(Deed::kunmap);
      mapper_.kunmap(held.page);
    }
    model_.end_use(held.page->frame);
  }

  void play_rarely(Random& random, Hand& hand) {
    switch (random.below(32)) {
      case 0:
      case 1:
        return flush();
      case 2:
        return cancel();
      case 3:
        return die(random);
      case 4:
        return report(random);
      case 5:
        return scavenge_ahead(random);
      case 6:
      case 7:
      case 8:
        return come_by(random);
      default:
        return look(random, hand);
    }
  }

  /// A thread maps pages and dies; its pins are released. A release build does not know them.
  void die(Random& random) {
    if constexpr (Platform<Threads>::kChecked && requires { typename Threads::Attachment; }) {
      tally_.add(Deed::death);
      Hand left;
      std::uint32_t number = 0;
      {
        const typename Threads::Attachment dying(computer_.threads(), computer_.threads().cpu());
        number = dying.thread();
        while (!left.is_full() && pick_up(random, left, false) && !random.one_in(4)) {
        }
      }
      std::uint32_t pins = 0;
      for (const Held& it : std::span(left.mappings).first(left.size)) {
        if (!it.page->is_high) continue;
        computer_.machine().release(slot_at(it.address));
        ++pins;
      }
      const std::uint32_t released = mapper_.release_pins(
          [number](simulated::Stamp holder) { return holder.thread == number; });
      require(released == pins, "the pins of a dead thread were not all released");
      for (const Held& it : std::span(left.mappings).first(left.size))
        model_.end_use(it.page->frame);
    }
  }

  /// The work of a watchdog. Nothing is held, or waited for, for an hour.
  void report(Random& random) {
    constexpr std::uint64_t kHour = 3'600'000'000'000;
    tally_.add(Deed::report);
    const std::uint64_t age = random.one_in(2) ? 0 : kHour;
    const std::uint32_t reported = mapper_.report_holders(age) + mapper_.report_waiters(age);
    require(reported == 0 || age == 0, "a mapping or a sleep of a moment is reported as long");
  }

  void hand_on(Random& random, Hand& hand) {
    if (hand.empty()) return;
    tally_.add(Deed::hand_over);
    const Held held = hand.take_any(random);
    mapper_.hand_over(held.page);
    const std::lock_guard lock(handed_on_mutex_);
    handed_on_.push_back(held);
  }
  bool take_over(Hand& hand) {
    const std::lock_guard lock(handed_on_mutex_);
    if (handed_on_.empty()) return false;
    hand.add(handed_on_.back());
    handed_on_.pop_back();
    return true;
  }

  /// Frees an unused page, and allocates it again.
  void reuse_page(Random& random) {
    const Page page = any_page(random);
    if (!page->is_high || !model_.begin_free(page->frame)) return;
    tally_.add(Deed::evict);
    Evicted evicted{};
    if (random.one_in(3)) {
      tally_.add(Deed::evict_in_hurry);
      const typename Threads::InterruptsOff off(computer_.threads());
      evicted = mapper_.evict(page);
    } else {
      evicted = mapper_.evict(page);
    }
    // In half of the cases the page is used again before the owed flush is made.
    if (evicted == Evicted::flush_owed) {
      if (random.one_in(2)) return model_.end_free(page->frame, random.next());
      mapper_.finish_flushes();
    }
    require(evicted != Evicted::pinned, "a page without users is pinned");
    if (evicted == Evicted::taken_back) evicted_.fetch_add(1, std::memory_order_relaxed);
    computer_.machine().check_unmapped(page->frame);
    model_.end_free(page->frame, random.next());
  }

  /// The CPU drops what was posted; or idles, or runs a user program, where it has no other thread.
  void come_by(Random& random) {
    if constexpr (Threads::kPosts) {
      tally_.add(Deed::come_by);
      if constexpr (!requires { typename Threads::Attachment; }) {
        using Rest = typename Platform<Threads>::Rest;
        if (random.one_in(2)) return computer_.platform().rest(static_cast<Rest>(random.below(3)));
      }
      computer_.platform().come_by();
    }
  }

  void scavenge_ahead(Random& random) {
    tally_.add(Deed::scavenge_ahead);
    const std::uint32_t slots = mapper_.slot_count();
    require(mapper_.scavenge_ahead(random.below(slots + 1)) <= slots, "more slots than there are");
  }

  void flush() {
    tally_.add(Deed::flush_all);
    mapper_.flush_all_zero_pkmaps();
  }

  void with_interrupts_off(Random& random) {
    const typename Threads::InterruptsOff off(computer_.threads());
    play_in_interrupt(random);
  }

  /// In half of the calls one of a few pages: for hits, and for several users of one slot.
  [[nodiscard]] Page any_page(Random& random) {
    const MachineShape& shape = computer_.machine().shape();
    if (random.one_in(32)) return computer_.low_page(random.below(shape.low_frames));
    const std::uint32_t hot = shape.high_frames / 8 + 1;
    return computer_.high_page(random.below(random.one_in(2) ? hot : shape.high_frames));
  }

  void require(bool holds, const char* what) {
    if (!holds) computer_.machine().faults().record(what);
  }
  [[nodiscard]] bool is_well() { return computer_.machine().faults().empty(); }

  Computer<Threads>& computer_;
  Mapper& mapper_;
  PageModel model_;
  bool plays_kmap_all_ = true;
  static constexpr std::uint32_t kCancellations = 1'000;
  std::array<Cancellation<Platform<Threads>>, kCancellations> cancellations_{};
  std::atomic<std::uint32_t> cancelled_{0};
  std::mutex handed_on_mutex_;
  std::vector<Held> handed_on_;
  std::atomic<std::uint64_t> mapped_{0};
  std::atomic<std::uint64_t> again_{0};
  std::atomic<std::uint64_t> evicted_{0};
  std::atomic<std::uint64_t> played_{0};
  Tally tally_;
};

}  // namespace kmapper::simulated
