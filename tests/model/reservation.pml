/* Several pages at once: reserve() and kmap() within it, and kmap_all(), together with kmap() of one page.
 *
 * The first two threads hold two pages at a time; the third holds one. The model shows:
 *
 *   - two threads that each want two pages in a window of two slots do not wait for each other (no invalid end
 *     state); with kmap() of one page after the other they do (the mutant `plain`);
 *   - slots are gathered all or none, by the first in the queue only; grants go to the first in the queue, and no
 *     miss and no gathering takes a slot before the threads that slept when it came;
 *   - within a reservation no kmap sleeps: the reservation has a taken slot, or the page has a slot;
 *   - a time-out or a cancellation passes a grant on, even a partial one; at the end grants and reservations
 *     add up: every slot is clean, or idle and on the hand's path;
 *   - threads that map single pages do not keep a gathering thread out for ever (the claim `served`).
 *
 * Settings: SLOTS, PAGES, PAIRS (a mask: these threads call kmap_all), RESERVING (a mask:
 * these threads reserve two slots and map up to two pages in them); the others map one page; TWICE, LIMITED, CANCELLED, FOREVER as
 * in sleep.pml; CROSSED (the second thread wants exactly the first thread's pages, in reverse order);
 * PLAIN (a mask: kmap of two pages, one after the other).
 *
 * RUN, LONG, MUTANT: the tests of run.sh; a mutant has a fault that must be found.
 *
 * RUN pairs: -DPAIRS=3 ; gcc=-DSAFETY ; pan=-m100000
 * RUN reserving: -DRESERVING=3 ; gcc=-DSAFETY ; pan=-m100000
 * RUN both: -DRESERVING=1 -DPAIRS=2 ; gcc=-DSAFETY ; pan=-m100000
 * RUN limited: -DRESERVING=1 -DPAIRS=2 -DLIMITED=3 ; gcc=-DSAFETY ; pan=-m100000
 * RUN cancelled: -DRESERVING=1 -DPAIRS=2 -DCANCELLED=3 ; gcc=-DSAFETY ; pan=-m100000
 * LONG with_single: -DTHREADS=3 -DRESERVING=1 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * LONG all_kinds: -DTHREADS=3 -DRESERVING=1 -DPAIRS=2 -DPAGES=2 -DCROSSED ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * RUN served: -DFOREVER -DRESERVING=2 -DPAGES=2 ; gcc=-DCOLLAPSE ; pan=-a -f -m5000000
 *
 * MUTANT plain: -DPLAIN=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT waits_holding_slots: -DMUTANT_HOLDS -DRESERVING=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT waits_holding_pin: -DMUTANT_HOLDS_PIN -DPAIRS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT any_gathers: -DMUTANT_ANY -DRESERVING=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT served_half: -DMUTANT_SHORT -DRESERVING=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT timed_out_keeps_half: -DMUTANT_HALF -DRESERVING=3 -DLIMITED=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT cancelled_keeps_half: -DMUTANT_HALF -DRESERVING=3 -DCANCELLED=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT timed_out_stays: -DMUTANT_STAYS -DRESERVING=3 -DLIMITED=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT last_first: -DMUTANT_LAST -DTHREADS=3 -DRESERVING=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT newcomer_first: -DMUTANT_NEWCOMER -DTHREADS=3 -DRESERVING=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT kunmap_looks_for_nobody: -DMUTANT_KUNMAP -DRESERVING=3 ; gcc=-DSAFETY ; pan=-m100000
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef PAGES
#define PAGES 3
#endif
#ifndef TWICE
#define TWICE 0
#endif
#ifndef THREADS
#define THREADS 2
#endif
#ifndef PAIRS
#define PAIRS 0
#endif
#ifndef RESERVING
#define RESERVING 0
#endif
#ifndef PLAIN
#define PLAIN 0
#endif
#ifndef LIMITED
#define LIMITED 0
#endif
#ifndef CANCELLED
#define CANCELLED 0
#endif

#ifndef OWERS
#define OWERS 0
#endif
#include "protocol.inc"

#define PAGES_WANTED (((PAIRS | RESERVING | PLAIN) & BIT(me)) != 0 -> 2 : 1)

/* Pages are alike: the first thread takes these, the others any pages, one page twice included. */
inline select_pages() {
#ifdef CROSSED
  want[(me == 0 -> 1 : 0)] = (me < 2 -> 1 : 0)
#else
  if
  :: me == 0 -> want[1] = 1
  :: me != 0 -> want[0] = 0
  :: me != 0 && PAGES > 1 -> want[0] = 1
  :: me != 0 && PAGES > 2 -> want[0] = 2
  fi;
  if
  :: me == 0 || PAGES_WANTED == 1
  :: me != 0 && PAGES_WANTED == 2 -> want[1] = 0
  :: me != 0 && PAGES_WANTED == 2 && PAGES > 1 -> want[1] = 1
  :: me != 0 && PAGES_WANTED == 2 && PAGES > 2 -> want[1] = 2
  fi
#endif
}

/* gather(): takes that many clean slots. `chain` has all of them; or none, and `ended`. */
inline gather(slots) {
  ahead[me] = asleep;
  do
  :: COUNT(chain) < slots && !SOMEBODY_SLEEPS ->
     had = COUNT(chain);
     take_clean();
     if
     :: COUNT(chain) == had -> break
     :: else
     fi
  :: COUNT(chain) == slots || SOMEBODY_SLEEPS -> break
  od;
  had = 0;
  if
  :: COUNT(chain) < slots ->
#ifdef MUTANT_HOLDS
     enqueue(0, slots - COUNT(chain));
#else
     put_chain();
     enqueue(0, slots);
#endif
     wait_in_queue();
     leave_queue();
     if
#ifdef MUTANT_HALF
     :: ended -> chain = 0
#else
     :: ended -> put_chain()
#endif
     :: else
     fi
  :: else -> ahead[me] = 0
  fi;
  assert(COUNT(chain) == (ended -> 0 : slots))
}

/* try_kmap() or kmap() of one page after the other; ends at the first without a slot. */
inline map_one_by_one(may_sleep) {
  do
  :: got < PAGES_WANTED ->
     atomic { page = want[got]; ahead[me] = asleep };
     try_kmap();
     if
     :: held == NONE && may_sleep -> sleep_for_slot()
     :: else
     fi;
     if
     :: held == NONE -> ahead[me] = 0; break
     :: else -> atomic { slot_of[got] = held; held = NONE; got++ }
     fi
  :: else -> break
  od
}

/* Reservation::kmap() of one page after the other, and the rest of map_all_slow(). */
inline map_within(count) {
  do
  :: got < count -> page = want[got]; map_reserved(); atomic { slot_of[got] = held; held = NONE; got++ }
  :: else -> break
  od
}

inline give_back_all() {
  do
  :: got != 0 ->
     got--;
     page = want[got];
     held = slot_of[got];
     assert(IS_OF(held, page));
     drop_user(held);
     atomic { slot_of[got] = NONE; held = NONE; page = 0 }
  :: else -> break
  od
}

inline round() {
  if
  :: RESERVING & BIT(me) -> skip
  :: else -> map_one_by_one(!(PAIRS & BIT(me)))
  fi;
  if
  :: (RESERVING | PAIRS) & BIT(me) && got < 2 ->
#ifndef MUTANT_HOLDS_PIN
     give_back_all();
#endif
     gather(2);
     if
     :: !ended -> map_within(2)
     :: !ended && (RESERVING & BIT(me)) -> map_within(1)
     :: else
     fi;
     put_chain()
  :: else
  fi;
  give_back_all()
}

proctype thread(byte me) {
  LOCALS;
  byte n, got, had, want[2], slot_of[2] = NONE;
#ifdef FOREVER
  bool again;
#endif
  do
  :: MORE ->
    atomic {
      COUNT_ROUND;
      select_pages()
    };
    round();
    atomic { ended = false; to_look = false; want[0] = 0; want[1] = 0 }
  :: else -> break
  od;
  finish_thread()
}

init {
  atomic {
#if CANCELLED
    run canceller();
#endif
#if THREADS > 2
    run thread(2);
#endif
    run thread(1);
    run thread(0)
  }
}

#ifdef FOREVER
#define SOME_IDLE (IDLE(word[0]) || IDLE(word[1]) || clean != 0)
ltl served { ! (<> [] waiting[THREADS - 1] && [] <> SOME_IDLE) }
#endif
