// Scavenging where flushes are posted (posted_flushes.hpp). A slow miss does a bounded part of the
// work: it takes the idle slots of one leaf, a run, and posts their flush. The run waits on the
// list of its CPU until the post has passed. Then a slow miss takes its slots, as clean ones. So a
// miss uses slots that were taken some misses ago, and no CPU waits for another.
//
// A list grows to as many runs as the other CPUs' delay needs. A miss that finds no run that has
// passed has the late CPUs interrupted, and all has passed that was posted until then. The next
// slow misses of its CPU make the list half as long again, unless it is full: the awake CPUs share
// half of the window. Otherwise each slow miss takes one run off the list and adds one, so the list
// keeps its length. While no other CPU is awake, nothing is added.
//
// A CPU comes by in its own slow miss, too: it drops its TLB there when it is Mapper::most_behind_
// posts behind, a sixteenth of the window's slots and one.
//
// A run is kept in its first slot. The `busy` of a list's CPU guards it; a CPU that holds `busy`
// has interrupts off, and holds it for a few instructions.
#pragma once

#include "kmapper/core/mapper.hpp"

namespace kmapper {

/// What a Mapper does where flushes are posted. A class of its own, so that other Mappers do not
/// contain it.
template <class P>
class Posting {
 public:
  using Mapper = kmapper::Mapper<P>;
  using Run = typename Mapper::Run;
  using Set = typename Mapper::Set;
  using Slot = typename Mapper::Slot;
  using PerCpu = typename Mapper::PerCpu;
  using Word = typename Mapper::Word;

  static constexpr uint32_t kMostLeaves = 3;     // that a step looks at
  static constexpr uint32_t kPushed = 1;         // Run::leaf of no run: it waits on a list
  static constexpr uint32_t kMostExamined = 36;  // words, before other CPUs are interrupted

  /// A clean slot when the CPU's leaf is empty. kNoSlot: as for take_clean(). Any context;
  /// scavenges and waits only where the caller may flush. Nearly every call takes one run off the
  /// list, and takes and posts another.
  [[gnu::noinline]] static SlotIndex take(Mapper& mapper) {
    if (mapper.clean_.may_be_found()) [[unlikely]] {
      const SlotIndex slot = mapper.clean_.take(mapper.cpus_[mapper.platform_.cpu()].leaf);
      if (slot != kNoSlot) return slot;
    }
    auto& flushes = mapper.platform_.posted_flushes();
    const bool may_flush = mapper.platform_.may_flush();
    uint32_t examined = 0;
    uint32_t patience = kMostExamined;
    for (;;) {
      const uint32_t examined_before = examined;
      SlotIndex slot = kNoSlot;
      Run run{0, 0};
      {
        // Keeps the thread on this CPU, and bounds how long a hit spins that meets a slot before
        // its page->virtual is written.
        const typename P::InterruptsOff bounded(mapper.platform_);
        const uint32_t cpu = mapper.platform_.cpu();
        PerCpu& list = mapper.cpus_[cpu];
        if (flushes.is_behind(cpu, mapper.most_behind_)) [[unlikely]]
          drop_posted(mapper, cpu);
        if (list.first_run.load(memory_order_relaxed) != 0) [[unlikely]]
          run = pop_and_replace(mapper, cpu, may_flush);
        if (run.slots == 0 && may_flush) [[likely]]
          run = take_run(mapper, cpu, examined);
        if (run.slots != 0) [[likely]]
          slot = take_first(mapper, cpu, run);
      }
      if (slot != kNoSlot) [[likely]]
        return served(mapper, slot);
      if (run.leaf != kPushed && examined != examined_before && examined < patience) continue;
      slot = take_last(mapper, may_flush);
      // As in take_clean(): two rounds of the hand.
      const uint32_t most = 2 * mapper.slot_count_;
      if (slot != kNoSlot || examined == examined_before || examined > most) return slot;
      patience = most;
    }
  }

  /// Takes a run that has passed off this CPU's list. While other CPUs are awake, it puts a new one
  /// there, and another one while the list is too short. Interrupts are off.
  [[gnu::noinline]] static Run pop_and_replace(Mapper& mapper, uint32_t cpu, bool may_take) {
    const Run run = pop_passed(mapper, cpu);
    if (!may_take) return run;
    if (run.slots != 0 && mapper.platform_.posted_flushes().others(cpu) != 0)
      take_ahead(mapper, cpu);
    PerCpu& list = mapper.cpus_[cpu];
    const uint32_t missing = list.first_run.load(memory_order_relaxed) / PerCpu::kOneMissing;
    if (missing != 0) {
      note_missing(mapper, list, missing - 1);
      take_ahead(mapper, cpu);
    }
    return run;
  }
  [[gnu::noinline]] static void take_ahead(Mapper& mapper, uint32_t cpu) {
    uint32_t examined = 0;
    const Run taken = take_run(mapper, cpu, examined);
    if (taken.slots != 0) push_run(mapper, cpu, taken, mapper.platform_.posted_flushes().latest());
  }

  /// take() when no run on this CPU's list has passed: looks at all lists. If a run waits on one
  /// and the caller may flush, it has the late CPUs interrupted and looks again. At last it looks
  /// at every leaf of the clean set. Any context.
  [[gnu::noinline]] static SlotIndex take_last(Mapper& mapper, bool may_flush) {
    Run run = pop_any(mapper);
    if (run.slots == 0 && may_flush && run_waits(mapper)) {
      wait_for_post(mapper.platform_, mapper.platform_.posted_flushes().latest());
      run = pop_any(mapper);
      was_short(mapper);
    }
    if (run.slots == 0) return mapper.clean_.take_surely(mapper.cpus_[mapper.platform_.cpu()].leaf);
    SlotIndex slot{};
    {
      const typename P::InterruptsOff bounded(mapper.platform_);
      slot = take_first(mapper, mapper.platform_.cpu(), run);
    }
    return served(mapper, slot);
  }

  /// The list of this CPU was too short: the next steps make it half as long again, unless it is
  /// full then: the awake CPUs share half of the window. Any context.
  static void was_short(Mapper& mapper) {
    const typename P::InterruptsOff bounded(mapper.platform_);
    const uint32_t cpu = mapper.platform_.cpu();
    uint32_t awake = 1;
    for (uint32_t left = mapper.platform_.posted_flushes().others(cpu); left != 0; left &= left - 1)
      ++awake;
    PerCpu& list = mapper.cpus_[cpu];
    // Relaxed: an estimate.
    const uint32_t runs = list.runs.load(memory_order_relaxed);
    const uint32_t longer = runs + runs / 2 + 1;
    if (longer * awake <= mapper.slot_count_ / (2 * Set::kLeafSlots))
      note_missing(mapper, list, longer - runs);
  }
  /// Only this CPU calls it for its list. Interrupts are off.
  static void note_missing(Mapper& mapper, PerCpu& list, uint32_t runs) {
    lock_list(mapper, list);
    const uint32_t first = entry_of(list.first_run.load(memory_order_relaxed));
    list.first_run.store(first + runs * PerCpu::kOneMissing, memory_order_relaxed);
    unlock_list(list);
  }
  [[nodiscard]] static uint32_t entry_of(uint32_t first_run) {
    return first_run % PerCpu::kOneMissing;
  }

  /// Whether a run waits on any list. A hint.
  static bool run_waits(const Mapper& mapper) {
    for (const PerCpu& list : mapper.cpus_) {
      if (entry_of(list.first_run.load(memory_order_relaxed)) != 0) return true;
    }
    return false;
  }

  /// Takes a run that has passed off any list, of this CPU's first. No slots: each list was empty,
  /// or its first run had not passed. Any context.
  static Run pop_any(Mapper& mapper) {
    const uint32_t own = mapper.platform_.cpu();
    for (uint32_t i = 0; i < P::kMaxCpus; ++i) {
      const uint32_t cpu = own + i < P::kMaxCpus ? own + i : own + i - P::kMaxCpus;
      if (entry_of(mapper.cpus_[cpu].first_run.load(memory_order_relaxed)) == 0) continue;
      const typename P::InterruptsOff bounded(mapper.platform_);
      const Run run = pop_passed(mapper, cpu);
      if (run.slots != 0) return run;
    }
    return {0, 0};
  }

  /// Calls the function with the number within its leaf of each slot of a run. Returns how many
  /// there are. Without a loop for a run that is a whole leaf, as most are.
  template <class Function>
  KMAPPER_INLINE_FOR_SPEED static uint32_t for_each_slot(Run run, Function function) {
    constexpr uint32_t kSlots = Set::kLeafSlots;
    if (run.slots == (1U << kSlots) - 1) [[likely]] {
      KMAPPER_UNROLL_FOR_SPEED
      for (uint32_t i = 0; i < kSlots; ++i) function(i);
      return kSlots;
    }
    uint32_t count = 0;
    for (typename Set::Bits left = run.slots; left != 0; left &= left - 1, ++count)
      function(library::lowest_bit(left));
    return count;
  }

  /// Takes the idle slots of a leaf, and posts their flush. Returns them if they are clean at once:
  /// because no other CPU is awake, or none was accessed. Otherwise they wait. Interrupts are off.
  KMAPPER_INLINE_FOR_SPEED static Run take_run(Mapper& mapper, uint32_t cpu, uint32_t& examined) {
    constexpr uint32_t kSlots = Set::kLeafSlots;
    auto& flushes = mapper.platform_.posted_flushes();
    for (uint32_t leaves = kMostLeaves; leaves != 0; --leaves) {
      Run run = mapper.next_of_hand();
      if (run.slots == 0) break;
      const uint32_t first = Mapper::opaque(run.leaf * kSlots);
      bool is_touched = false;
      // A miss pays for one turn of each of these loops: unrolled, they cost no more than the work.
      Slot* const slots = &mapper.slot_at(Mapper::opaque(first * sizeof(Slot))) + 1;
      KMAPPER_UNROLL_FOR_SPEED
      for (uint32_t i = 0; i < kSlots; ++i) {
        if ((run.slots & 1U << i) == 0) continue;
        // Relaxed: the swap proves it.
        Word seen = slots[i].word.load(memory_order_relaxed);
        // Acquire: as in claim().
        if ((seen & word::kState<Word>) == word::kTakeable<Word>) [[likely]] {
          if (slots[i].word.compare_exchange_strong(seen, word::dead_after_takeable(seen),
                                                    memory_order_acq_rel, memory_order_relaxed))
              [[likely]] {
            is_touched |= mapper.platform_.take_pte(SlotIndex{first + i});
            continue;
          }
        }
        mapper.pass_over(SlotIndex{first + i}, seen);
        run.slots ^= 1U << i;
      }
      if (run.slots == 0) [[unlikely]] {
        examined += kSlots;
        continue;
      }
      bool is_clean = true;
      uint32_t number = 0;
      if (is_touched) [[likely]] {
        is_clean = post(mapper, cpu, run, number);
      } else {
        number = flushes.latest();
        mapper.platform_.count(Event::flush_avoided);
      }
      const Word lost = page_virtual::lost(Word{flushes.shorten(number)});
      const uint32_t taken = for_each_slot(run, [&](uint32_t i) {
        // Release: as in claim().
        mapper.platform_.page_virtual(slots[i].page.load(memory_order_relaxed))
            .store(lost, memory_order_release);
      });
      mapper.platform_.count(Event::scavenge);
      mapper.platform_.count(Event::slot_scavenged, taken);
      if (is_clean) return run;
      push_run(mapper, cpu, run, number);
      return {kPushed, 0};
    }
    return {0, 0};
  }

  /// Posts the flush of slots whose PTEs were taken. True: it has passed already. If this CPU has
  /// dropped all earlier posts, it drops these slots now, and is not late for them. The pages'
  /// cells are written only after the post: if one of these pages gets another slot then, and loses
  /// it again, its cell gets a later number. Interrupts are off.
  KMAPPER_INLINE_FOR_SPEED static bool post(Mapper& mapper, uint32_t cpu, Run run,
                                            uint32_t& number) {
    auto& flushes = mapper.platform_.posted_flushes();
    const auto posted = flushes.post();
    number = posted.number;
    mapper.platform_.count(Event::flush);
    if (!flushes.is_next(cpu, number)) return false;
    const SlotIndex first{run.leaf * Set::kLeafSlots};
    const uint32_t dropped = for_each_slot(
        run, [&](uint32_t i) { mapper.platform_.drop(SlotIndex{to_number(first) + i}); });
    mapper.platform_.count(Event::slot_dropped, dropped);
    flushes.note(cpu, number);
    return posted.is_alone() || has_passed(mapper, number);
  }

  // Not inline: take() has no registers for its loop.
  [[gnu::noinline]] static bool has_passed(Mapper& mapper, uint32_t number) {
    return mapper.platform_.posted_flushes().has_passed(number);
  }

  /// The same for one slot, which keeps its number. Returns the value for the page's cell. If the
  /// PTE was not accessed, there is nothing to post. But the page may have lost an earlier slot, by
  /// a post that has not passed: the cell gets the number of the last post.
  [[gnu::noinline]] static Word post_claimed(Mapper& mapper, SlotIndex index, bool touched) {
    auto& flushes = mapper.platform_.posted_flushes();
    uint32_t& number = mapper.slot_of(index).of.number;
    if (touched) {
      (void)post(mapper, mapper.platform_.cpu(), {Set::leaf_of(index), Set::bit_of(index)}, number);
    } else {
      number = flushes.latest();
    }
    return page_virtual::lost(Word{flushes.shorten(number)});
  }

  /// The caller's CPU comes by. Interrupts are off.
  static void drop_posted(Mapper& mapper, uint32_t cpu) {
    mapper.platform_.posted_flushes().drop(cpu, [&mapper] { mapper.platform_.drop_all(); });
  }

  /// Puts a run at the end of the CPU's list. Interrupts are off.
  static void push_run(Mapper& mapper, uint32_t cpu, Run run, uint32_t number) {
    const uint32_t entry = to_number(Set::first_of(run.leaf, run.slots)) + 1;
    Slot& head = mapper.slots_[entry];
    head.next = 0;
    head.of.run = run.slots;
    head.of.number = number;
    PerCpu& list = mapper.cpus_[cpu];
    lock_list(mapper, list);
    // Relaxed: guarded by `busy`; read without it, a hint.
    const uint32_t first = list.first_run.load(memory_order_relaxed);
    if (entry_of(first) == 0) {
      list.first_run.store(entry | first, memory_order_relaxed);
    } else {
      mapper.slots_[list.last_run].next = entry;
    }
    list.last_run = entry;
    list.runs.store(list.runs.load(memory_order_relaxed) + 1, memory_order_relaxed);
    unlock_list(list);
  }

  /// Takes the CPU's first run off its list if its post has passed. Interrupts are off.
  static Run pop_passed(Mapper& mapper, uint32_t cpu) {
    PerCpu& list = mapper.cpus_[cpu];
    Run run{0, 0};
    lock_list(mapper, list);
    const uint32_t first_run = list.first_run.load(memory_order_relaxed);
    const uint32_t first = entry_of(first_run);
    Slot& head = mapper.slots_[first];
    if (first != 0 && has_passed(mapper, head.of.number)) {
      list.first_run.store(head.next | (first_run - first), memory_order_relaxed);
      list.runs.store(list.runs.load(memory_order_relaxed) - 1, memory_order_relaxed);
      run = {Set::leaf_of(SlotIndex{first - 1}), head.of.run};
    }
    unlock_list(list);
    return run;
  }

  static Run pop_surely(Mapper& mapper, uint32_t cpu) {
    const typename P::InterruptsOff bounded(mapper.platform_);
    return pop_passed(mapper, cpu);
  }

  static void lock_list(Mapper& mapper, PerCpu& list) {
    // Acquire: pairs with unlock_list(). served() relies on it, too: see make_waiting_clean().
    while (list.busy.exchange(1, memory_order_acquire) != 0) mapper.platform_.relax();
  }
  static void unlock_list(PerCpu& list) { list.busy.store(0, memory_order_release); }

  /// Takes the first slot of a clean run. The others become clean, and are this CPU's leaf.
  /// Interrupts are off.
  KMAPPER_INLINE_FOR_SPEED static SlotIndex take_first(Mapper& mapper, uint32_t cpu, Run run) {
    const typename Set::Bits rest = run.slots & (run.slots - 1);
    if (rest != 0) {
      auto& leaf = mapper.cpus_[cpu].leaf;
      // Empty, unless the thread has come from another CPU.
      mapper.clean_.show(leaf.load(memory_order_relaxed));
      mapper.clean_.insert_apart(run.leaf, rest);
      leaf.store(run.leaf, memory_order_relaxed);
    }
    return Set::first_of(run.leaf, run.slots);
  }

  /// Sleepers come first: one that joined the queue before slots became clean, or before a run was
  /// put on a list, is seen here. Returns the slot.
  KMAPPER_INLINE_FOR_SPEED static SlotIndex served(Mapper& mapper, SlotIndex slot) {
    // Sequentially consistent: as in put_clean().
    if (mapper.waiters_.load(memory_order_seq_cst) != 0) [[unlikely]]
      serve_sleepers(mapper);
    return slot;
  }

  /// Sleepers get what is clean and, if the caller may flush, what waits on the lists. Any context.
  [[gnu::noinline]] static void serve_sleepers(Mapper& mapper) {
    if (mapper.platform_.may_flush()) make_waiting_clean(mapper);
    mapper.grant_clean();
  }

  /// Waits until all that was posted so far has passed, and puts the runs that have passed into the
  /// clean set. Returns whether there was one. The late CPUs are interrupted. The caller may flush.
  ///
  /// A sleeper that has announced itself finds all runs by this, or the thread that puts another
  /// run on a list sees the sleeper in served(): that thread posts after latest_surely(), or
  /// locks its list after it was looked at here, and either acquires from here. So each list is
  /// locked, even if it looks empty.
  [[gnu::noinline]] static bool make_waiting_clean(Mapper& mapper) {
    bool found = false;
    wait_for_post(mapper.platform_, mapper.platform_.posted_flushes().latest_surely());
    for (uint32_t cpu = 0; cpu < P::kMaxCpus;) {
      const Run run = pop_surely(mapper, cpu);
      if (run.slots == 0) {
        ++cpu;
        continue;
      }
      mapper.clean_.insert(run.leaf, run.slots);
      found = true;
    }
    // Sequentially consistent: as in put_clean().
    if (found && mapper.waiters_.load(memory_order_seq_cst) != 0) mapper.grant_clean();
    return found;
  }
};

}  // namespace kmapper
