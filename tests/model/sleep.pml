/* Sleeping for a slot: parking, the unparked set, announcement, grant, time-out, cancellation.
 *
 * Threads map any pages, use them, and give them back; when every slot is pinned they sleep. The model shows:
 *
 *   - no wake-up is lost: no thread stays asleep when all others have finished, or hold on until it is served (an
 *     invalid end state); no thread sleeps for ever while slots go idle again and again (the claim `served`);
 *   - grants go to the first in the queue, and a miss takes no slot before the threads that slept when it came;
 *   - a time-out or a cancellation passes a grant on, and leaves nothing behind: at the end the queue is empty,
 *     every slot is clean, or idle and on the hand's path;
 *   - a held mapping shows its page, and is counted.
 *
 * Settings: SLOTS (1, 2), PAGES, TWICE (a mask: these threads map twice, the others once), KEEPER (thread 0 keeps
 * its first mapping until all others have finished), LIMITED (a mask: these threads' kmaps may time out), CANCELLED (a
 * mask: these threads may be cancelled, at any time), TRYING (a mask: these threads never sleep), OTHERS (a mask: these
 * threads scavenge, flush or evict, and map nothing), OWERS (a mask of those OTHERS that may not flush, and only
 * evict), SUMMARY (the set of clean slots with its summary), POSTS (a miss posts its flush, and its slots wait on a
 * list, as the owed ones do), WARM (all slots are idle at first), HOT (two threads share a page, the third wants
 * another), FOREVER (the others go on until the last thread has been served; for the claim).
 *
 * RUN, LONG, MUTANT: the tests of run.sh; a mutant has a fault that must be found.
 *
 * RUN one: ; gcc=-DSAFETY ; pan=-m100000
 * RUN two: -DSLOTS=2 ; gcc=-DSAFETY ; pan=-m100000
 * RUN kept: -DSLOTS=2 -DKEEPER ; gcc=-DSAFETY ; pan=-m100000
 * RUN kept_by_all: -DKEEPER -DPAGES=1 ; gcc=-DSAFETY ; pan=-m100000
 * RUN limited: -DLIMITED=2 -DPAGES=2 ; gcc=-DSAFETY ; pan=-m100000
 * RUN cancelled: -DCANCELLED=6 -DKEEPER -DPAGES=2 ; gcc=-DSAFETY ; pan=-m100000
 * RUN taken_back: -DOTHERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * RUN owed: -DOTHERS=1 -DOWERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * RUN posted_owed: -DPOSTS -DOTHERS=1 -DOWERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * RUN posted_kept: -DPOSTS -DSLOTS=2 -DWARM -DKEEPER -DOTHERS=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * RUN trying: -DTRYING=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY ; pan=-m100000
 * RUN summary: -DSUMMARY -DSLOTS=2 -DWARM -DKEEPER -DOTHERS=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * RUN served: -DFOREVER -DHOT -DPAGES=2 ; pan=-a -f -m5000000
 * LONG posted_served: -DPOSTS -DFOREVER -DHOT -DPAGES=2 ; pan=-a -f -m5000000
 *
 * MUTANT kunmap_looks_for_nobody: -DMUTANT_KUNMAP ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT no_second_look: -DMUTANT_ONE_LOOK ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT publish_is_silent: -DMUTANT_SILENT ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT announce_wakes_nobody: -DMUTANT_DEAF -DKEEPER -DPAGES=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT page_mapped_meanwhile: -DMUTANT_LATE -DKEEPER -DPAGES=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT put_looks_for_nobody: -DMUTANT_PUT ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT park_looks_for_nobody: -DMUTANT_PARK -DOTHERS=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT park_looks_once: -DMUTANT_PARK_ONCE -DOTHERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT parked_before_removed: -DMUTANT_PARK_FIRST ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT summary_believed: -DMUTANT_SUMMARY -DSUMMARY -DSLOTS=2 -DWARM -DKEEPER -DOTHERS=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT owed_to_no_sleeper: -DMUTANT_OWED_DEAF -DOTHERS=1 -DOWERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT owed_is_slept_over: -DMUTANT_OWED_SLEPT_OVER -DOTHERS=1 -DOWERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT post_looks_for_nobody: -DMUTANT_POST -DPOSTS -DSLOTS=2 -DWARM -DKEEPER -DPAGES=3 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT post_after_look: -DMUTANT_POST_LATE -DPOSTS -DSLOTS=2 -DWARM -DKEEPER -DPAGES=3 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT serves_only_what_is_clean: -DMUTANT_SERVES_CLEAN -DPOSTS -DSLOTS=2 -DWARM -DKEEPER -DPAGES=3 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT posted_is_slept_over: -DMUTANT_OWED_SLEPT_OVER -DPOSTS -DSLOTS=2 -DWARM -DKEEPER -DPAGES=3 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT drain_looks_for_nobody: -DMUTANT_PUT -DPOSTS -DOTHERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT posted_to_no_sleeper: -DMUTANT_OWED_DEAF -DPOSTS -DOTHERS=1 -DOWERS=1 -DTWICE=2 -DPAGES=2 ; gcc=-DSAFETY -DCOLLAPSE ; pan=-m100000
 * MUTANT newcomer_first: -DMUTANT_NEWCOMER ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT last_first: -DMUTANT_LAST ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT timed_out_keeps_grant: -DMUTANT_KEEPS -DLIMITED=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT cancelled_keeps_grant: -DMUTANT_KEEPS -DCANCELLED=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT timed_out_stays: -DMUTANT_STAYS -DLIMITED=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT cancel_wakes_nobody: -DMUTANT_CANCEL -DCANCELLED=6 -DKEEPER ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT idle_slot_revived: -DMUTANT_REVIVE -DFOREVER -DHOT -DPAGES=2 ; gcc=-DCOLLAPSE ; pan=-a -f -m20000
 */
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef PAGES
#define PAGES 3
#endif
#ifndef LIMITED
#define LIMITED 0
#endif
#ifndef CANCELLED
#define CANCELLED 0
#endif
#ifndef TWICE
#define TWICE 0
#endif
#ifndef TRYING
#define TRYING 0
#endif
#ifndef OTHERS
#define OTHERS 0
#endif
#ifndef OWERS
#define OWERS 0
#endif
#ifndef THREADS
#define THREADS 3
#endif

#include "protocol.inc"

inline select_page() {
#ifdef HOT
  page = (me == THREADS - 1 -> 1 : 0);
#else
  if
  :: page = 0
  :: PAGES > 1 -> page = 1
  :: PAGES > 2 -> page = 2
  fi;
#endif
  ahead[me] = asleep
}

inline map_and_use() {
  try_kmap();
  if
  :: held == NONE && !(TRYING & BIT(me)) -> sleep_for_slot()
  :: else
  fi;
  if
  :: held != NONE ->
    assert(IS_OF(held, page));
#ifdef KEEPER
    atomic { me != 0 || n != 1 || finished == THREADS - 1 -> skip };
#endif
    assert(IS_OF(held, page));
    drop_user(held)
  :: else -> assert(ended || (TRYING & BIT(me))); ahead[me] = 0
  fi
}

proctype thread(byte me) {
  LOCALS;
  byte n;
#ifdef FOREVER
  bool again;
#endif
#ifdef SUMMARY
  bool hint, filled;
#endif
  do
  :: MORE ->
    atomic {
      COUNT_ROUND;
      select_page()
    };
    if
#if OWERS
    :: (OTHERS & BIT(me)) && (OWERS & BIT(me)) -> evict_in_hurry()
#endif
    :: (OTHERS & BIT(me)) && !(OWERS & BIT(me)) -> flush_all()
    :: (OTHERS & BIT(me)) && !(OWERS & BIT(me)) -> evict()
    :: (OTHERS & BIT(me)) && !(OWERS & BIT(me)) -> scavenge() /* scavenge_ahead() */
    :: !(OTHERS & BIT(me)) -> map_and_use()
    fi;
    atomic { held = NONE; ended = false; to_look = false; page = 0 }
  :: else -> break
  od;
  finish_thread()
}

init {
  atomic {
#ifdef WARM
    byte i;
    clean = 0;
    do
    :: i < SLOTS -> word[i] = LIVE + NOT_PARKED + 1; page_of[i] = i; virtual_of[i] = VIRTUAL(i, word[i]); i++
    :: else -> break
    od;
#endif
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
#ifdef POSTS
#define SOME_IDLE (IDLE(word[0]) || clean != 0 || owed != 0)
#else
#define SOME_IDLE (IDLE(word[0]) || clean != 0)
#endif
ltl served { ! (<> [] waiting[THREADS - 1] && [] <> SOME_IDLE) }
#endif
