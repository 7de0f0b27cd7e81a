/* A process: what a slot's record adds to the window, and what each address shows.
 *
 * Threads map pages, use them, and give them back; take idle slots back; evict pages; close the file of page 0; plug
 * what slots out of use still map. window.pml models the window, and directory.pml the Directory: here a search is
 * one step, and finds the page's slot. Read-ahead pins page 0 for a moment. The model shows:
 *
 *   - a mapping shows its page from its return until it is given back: its slot's own addresses are neither mapped
 *     over nor plugged; its page's home is emptied only while the page has the slot that is being taken back, and so never
 *     after it was mapped anew; where it shows zeros instead of the file, its record says that there was a fault;
 *   - an access that the file cannot serve is recognised as a mapping's, and does not end the process;
 *   - a page is evicted when evict() has returned; it is refused only if a thread holds a mapping of the page; a closed
 *     file's home is left alone;
 *   - no more pages are mapped than there are slots, and at the end only pages that have a slot;
 *   - a page is in at most one slot; the filling thread always leaves the state `filling`, even when the call fails; no
 *     thread waits for ever (no invalid end state), and at the end each slot is clean, or idle and found by its page.
 *
 * One atomic { } is one atomic operation, or one system call, with the thread's local steps around it.
 *
 * Settings: MAPPERS, TAKERS, FREERS, CLOSERS, PLUGGERS, READERS (masks of the threads that may
 * do it; readers read ahead), ROUNDS (how often each thread acts), HOME, BAD (masks of pages: those that are mapped at
 * home; those that the file may fail to provide), FAILING (a call that maps may fail), STRICT (a strict budget).
 *
 * RUN, MUTANT: the tests of run.sh; a mutant has a fault that must be found.
 *
 * RUN evicting: -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m100000
 * RUN plugging: -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DPLUGGERS=4 ; gcc=-DSAFETY ; pan=-m100000
 * RUN closing: -DMAPPERS=1 -DTAKERS=2 -DCLOSERS=4 -DHOME=1 ; gcc=-DSAFETY ; pan=-m100000
 * RUN faults: -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 -DBAD=1 -DFAILING ; gcc=-DSAFETY ; pan=-m100000
 * RUN reading_ahead: -DMAPPERS=2 -DREADERS=5 -DFREERS=2 -DTAKERS=1 ; gcc=-DSAFETY ; pan=-m100000
 * RUN strict: -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 -DSTRICT -DFAILING ; gcc=-DSAFETY ; pan=-m100000
 *
 * MUTANT evict_does_not_wait: -DMUTANT_NO_PAUSE -DMAPPERS=2 -DREADERS=1 -DFREERS=2 -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT read_ahead_looks_once: -DMUTANT_ONE_LOOK -DMAPPERS=2 -DREADERS=1 -DFREERS=2 -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT hit_does_not_ask_for_state: -DMUTANT_STATE -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT pte_written_while_emptied: -DMUTANT_HASTY -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DPLUGGERS=4 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT leftovers_plugged_in_use: -DMUTANT_NO_LOCK -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DPLUGGERS=4 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT filled_before_mapped: -DMUTANT_EARLY -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT two_fill: -DMUTANT_TWO_FILL -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 -DFAILING ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT failed_call_ends_nothing: -DMUTANT_STUCK -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 -DFAILING ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT home_kept_after_failure: -DMUTANT_KEEPS_HOME -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 -DFAILING ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT own_kept_beside_home: -DMUTANT_KEEPS_OWN -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT slot_lost_before_emptied: -DMUTANT_FORGETS_EARLY -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT clean_before_slot_lost: -DMUTANT_CLEAN_EARLY -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT evict_does_not_wait_for_taken: -DMUTANT_NO_WAIT -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT closed_while_taken_back: -DMUTANT_NO_WAIT -DMAPPERS=1 -DTAKERS=2 -DCLOSERS=4 -DHOME=1 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT zeros_kept: -DMUTANT_KEEPS_ZEROS -DMAPPERS=3 -DTAKERS=2 -DHOME=1 -DTHREADS=2 -DBAD=1 ; gcc=-DSAFETY ; pan=-m100000
 */
#ifndef MAPPERS
#define MAPPERS 0
#endif
#ifndef TAKERS
#define TAKERS 0
#endif
#ifndef FREERS
#define FREERS 0
#endif
#ifndef CLOSERS
#define CLOSERS 0
#endif
#ifndef PLUGGERS
#define PLUGGERS 0
#endif
#ifndef READERS
#define READERS 0
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef PAGES
#define PAGES 2
#endif
#ifndef HOME
#define HOME 0
#endif
#ifndef BAD
#define BAD 0
#endif
#ifndef THREADS
#define THREADS 3
#endif
#define SLOTS 2
#define BIT(n) (1 << (n))
#define NONE 255

/* --- The window, as in window.pml        ---------------------------------------------------------- */

byte users[SLOTS]; /* 0: dead; 1: idle; n + 1: pinned by n */
byte cell[PAGES];  /* page->virtual: the slot, counted from 1 */
byte clean = 3;
#define HAS_SLOT(page) (cell[page] != 0 && users[cell[page] - 1] != 0)

/* --- record.hpp ---------------------------------------------------------------------------------- */

mtype = {unused, pending, filling, filled, patched, taken, emptying};
mtype state[SLOTS] = unused;
byte page_of[SLOTS];   /* Slot::page */
bool at_home[SLOTS];   /* and Record::address is the page's address at home */
bool occupied[SLOTS];
bool fault[SLOTS];

/* --- The machine --------------------------------------------------------------------------------- */

byte own[SLOTS]; /* the page that a slot's own addresses map, counted from 1; 0: they are plugged */
#define EMPTY 0
#define FILE 1
#define ZEROS 2
byte home[PAGES]; /* what is mapped at the page's address at home */
bool closed;      /* page 0's home is gone */

#if PAGES == 2
#define MAPPED_AT_HOME ((home[0] != EMPTY) + (home[1] != EMPTY))
#else
#define MAPPED_AT_HOME ((home[0] != EMPTY) + (home[1] != EMPTY) + (home[2] != EMPTY))
#endif
#define WITHIN_BUDGET ((own[0] != 0) + (own[1] != 0) + MAPPED_AT_HOME <= SLOTS)

#define SHOWS(slot, page)                                                                    \
  (users[slot] > 1 && cell[page] == (slot) + 1 && page_of[slot] == (page) &&                 \
   (state[slot] == filled || state[slot] == patched) &&                                      \
   (at_home[slot] -> home[page] != ZEROS || fault[slot] : own[slot] == (page) + 1))
#define IS_CLEAN(slot) \
  (users[slot] == 0 && (state[slot] == unused || state[slot] == emptying) && !at_home[slot])
#define IS_IDLE(slot) (users[slot] == 1 && cell[page_of[slot]] == (slot) + 1)

byte calling[THREADS]; /* the page (counted from 1) of a map that has not returned yet */
byte holders[PAGES];
bool leaving;          /* page 0 is being evicted, or has been closed */
byte under_way;        /* read-aheads */
byte pauses;           /* calls that wait for the read-aheads to end */
byte finished;

/* --- faults.cpp ---------------------------------------------------------------------------------- */

/* patch() of the record of a page at home, for a thread that fills or uses it: found by its page. */
#define IS_FOUND(slot) (cell[page] == (slot) + 1 && users[slot] > 1 && at_home[slot])
inline patch() {
  atomic { assert(IS_FOUND(slot)); fault[slot] = true };
  atomic { home[page] = ZEROS };
  atomic {
    if
    :: state[slot] == filled -> state[slot] = patched
    :: else
    fi
  }
}

/* An access at the record's address. */
inline access() {
  if
  :: atomic { !at_home[slot] || home[page] != EMPTY -> skip }
  :: atomic { at_home[slot] && home[page] == EMPTY -> home[page] = FILE; assert(WITHIN_BUDGET) }
  :: atomic { at_home[slot] && home[page] == EMPTY && (BAD & BIT(page)) -> skip }; patch()
  fi
}

/* --- platform.cpp, arena.cpp --------------------------------------------------------------------- */

#ifdef MUTANT_HASTY
#define MAY_WRITE_PTE true
#else
#define MAY_WRITE_PTE (state[hand] == unused)
#endif

inline take_pte(slot) {
#ifndef MUTANT_KEEPS_ZEROS
  if
  :: atomic { at_home[slot] && fault[slot] -> home[page_of[slot]] = EMPTY } /* restore_home() */
  :: atomic { !(at_home[slot] && fault[slot]) -> skip }
  fi;
#endif
  atomic {
#ifdef MUTANT_KEEPS_HOME
    if
    :: at_home[slot] && state[slot] != filled -> state[slot] = unused
    :: at_home[slot] && state[slot] == filled -> state[slot] = taken
#else
    if
    :: at_home[slot] -> state[slot] = taken
#endif
#ifdef STRICT
    :: !at_home[slot] && occupied[slot] -> state[slot] = taken
    :: !at_home[slot] && !occupied[slot] -> state[slot] = unused
#else
    :: !at_home[slot] -> state[slot] = unused
#endif
    fi;
    out = out | BIT(slot)
  }
}

#define IS_TO_GO(slot) ((out & BIT(slot)) && state[slot] == taken)

inline drop(slot) {
  atomic {
    if
    :: (mine & BIT(slot)) && at_home[slot] ->
      assert(!(closed && page_of[slot] == 0) && cell[page_of[slot]] == slot + 1);
      if
      :: home[page_of[slot]] == FILE -> home[page_of[slot]] = EMPTY
      :: else
      fi
    :: else
    fi
  }
}

inline end_emptying(slot) {
  atomic {
    if
    :: mine & BIT(slot) -> at_home[slot] = false; state[slot] = unused
    :: else
    fi
  }
}

/* Platform::empty(): of the slots in `out`, which this thread has taken. Those without accesses are in it too: their
 * state is not `taken`, and so they are left alone. */
inline empty_taken() {
  do
  :: atomic { at < SLOTS && !IS_TO_GO(at) -> at++ }
  :: atomic { at < SLOTS && IS_TO_GO(at) -> state[at] = emptying; mine = mine | BIT(at) };
     atomic {
       if
       :: at_home[at]
       :: else -> own[at] = 0; occupied[at] = false
       fi;
       at++
     }
  :: atomic { at == SLOTS -> at = 0; break }
  od;
  if
  :: atomic { mine != 0 -> skip }; drop(0); drop(1); end_emptying(0); end_emptying(1); mine = 0
  :: atomic { mine == 0 -> skip }
  fi
}

inline plug_leftovers() {
  do
#ifdef MUTANT_NO_LOCK
  :: atomic { at < SLOTS && state[at] == unused -> skip };
#else
  :: atomic { at < SLOTS && state[at] == unused -> state[at] = emptying };
#endif
     atomic {
       if
       :: occupied[at] -> own[at] = 0; occupied[at] = false
       :: else
       fi
     };
#ifdef MUTANT_NO_LOCK
     atomic { at++ }
#else
     atomic { state[at] = unused; at++ }
#endif
  :: atomic { at < SLOTS && state[at] != unused -> at++ }
  :: atomic { at == SLOTS -> at = 0; break }
  od
}

/* --- scavenge.hpp -------------------------------------------------------------------------------- */

/* claim(), after its compare-and-swap. The page keeps its slot. */
inline claim(slot) {
  take_pte(slot);
#ifdef MUTANT_FORGETS_EARLY
  atomic { cell[page_of[slot]] = 0 }
#endif
}

inline forget(slot) {
  atomic {
    if
    :: (out & BIT(slot)) && cell[page_of[slot]] == slot + 1 -> cell[page_of[slot]] = 0
    :: else
    fi
  }
}

/* finish(), and the end of unmap_idle(). */
inline finish() {
  empty_taken();
#ifdef MUTANT_CLEAN_EARLY
  atomic { clean = clean | out };
#endif
  forget(0);
  forget(1);
  atomic { assert(!(out & BIT(0)) || IS_CLEAN(0)); assert(!(out & BIT(1)) || IS_CLEAN(1)); clean = clean | out; out = 0 }
}

/* evict(). Waits while the page's slot is being taken back, or is claimed and not yet published. */
inline evict() {
  do
  :: atomic { cell[page] == 0 -> break }
#ifdef MUTANT_NO_WAIT
  :: atomic { cell[page] != 0 && !HAS_SLOT(page) -> break }
#endif
  :: atomic { HAS_SLOT(page) && users[cell[page] - 1] > 1 -> refused = true; break }
  :: atomic { HAS_SLOT(page) && users[cell[page] - 1] == 1 -> hand = cell[page] - 1; users[hand] = 0 };
     claim(hand);
     hand = NONE;
     finish();
     break
  od
}

/* File::evict(). */
inline evict_for_good() {
  evict();
#ifndef MUTANT_NO_PAUSE
  if
  :: atomic { !refused -> skip }
  :: atomic { refused -> refused = false; pauses++ };
     atomic { under_way == 0 -> skip };
     evict();
     atomic { pauses-- }
  fi
#endif
}

inline scavenge() {
  do
  :: atomic { users[0] == 1 -> users[0] = 0 }; claim(0)
  :: atomic { users[1] == 1 -> users[1] = 0 }; claim(1)
  :: break
  od;
  finish()
}

/* --- fill.cpp ------------------------------------------------------------------------------------ */

inline end_filling() {
  atomic {
    if
#ifndef MUTANT_STUCK
    :: failed -> state[slot] = pending
#else
    :: failed
#endif
    :: !failed && fault[slot] -> state[slot] = patched
    :: !failed && !fault[slot] -> state[slot] = filled
    fi
  }
}

inline map_at_home() {
#ifndef MUTANT_KEEPS_OWN
  atomic {
    if
    :: occupied[slot] -> own[slot] = 0; occupied[slot] = false
    :: else
    fi
  };
#endif
  if
#ifdef FAILING
  :: failed = true
#endif
  :: access()
  fi
}

inline map_in_slot() {
  if
  :: atomic { own[slot] = page + 1; assert(WITHIN_BUDGET) }
#ifdef FAILING
  :: atomic { own[slot] = 0; failed = true }
#endif
  fi
}

#ifdef MUTANT_TWO_FILL
#define IS_PENDING (state[slot] == pending || state[slot] == filling)
#else
#define IS_PENDING (state[slot] == pending)
#endif

/* fill() of the held slot. */
inline fill() {
  do
  :: atomic { state[slot] == filled || state[slot] == patched -> break }
  :: atomic { state[slot] == filling -> skip }; atomic { state[slot] != filling -> skip }
  :: atomic {
       IS_PENDING -> state[slot] = filling;
       at_home[slot] = (HOME & BIT(page)) != 0;
       occupied[slot] = occupied[slot] || !at_home[slot]
     };
#ifdef MUTANT_EARLY
     end_filling();
#endif
     if
     :: atomic { at_home[slot] -> skip }; map_at_home()
     :: atomic { !at_home[slot] -> skip }; map_in_slot()
     fi;
#ifndef MUTANT_EARLY
     end_filling();
#endif
     break
  od
}

/* --- map.cpp ------------------------------------------------------------------------------------- */

#ifdef MUTANT_STATE
#define IS_IT true
#else
#define IS_IT (state[slot] == filled)
#endif

inline hit() {
  if
  :: atomic { HAS_SLOT(page) -> slot = cell[page] - 1; users[slot]++ }
  :: true
  fi;
  if
  :: atomic { slot != NONE && !IS_IT -> users[slot]--; slot = NONE }
  :: atomic { slot == NONE || IS_IT -> skip }
  fi
}

inline publish() {
  if
  :: atomic { cell[page] == 0 -> cell[page] = hand + 1; page_of[hand] = page; assert(users[1 - hand] == 0 || page_of[1 - hand] != page) };
     atomic { MAY_WRITE_PTE -> state[hand] = pending };
     atomic { fault[hand] = false; users[hand] = 2; slot = hand; hand = NONE; break }
  :: atomic { cell[page] != 0 -> clean = clean | BIT(hand); hand = NONE }
  fi
}

/* kmap(): waits while the page's slot is being taken back. */
inline kmap() {
  do
  :: atomic { HAS_SLOT(page) -> slot = cell[page] - 1; users[slot]++; break }
  :: atomic { cell[page] == 0 && clean & BIT(0) -> clean = clean & ~BIT(0); hand = 0 }; publish()
  :: atomic { cell[page] == 0 && clean & BIT(1) -> clean = clean & ~BIT(1); hand = 1 }; publish()
  :: atomic { cell[page] == 0 && clean == 0 -> break }
  od
}

inline map_granule() {
  kmap();
  do
  :: atomic { slot != NONE && fault[slot] && !refused -> users[slot]--; slot = NONE };
     evict_for_good();
     kmap()
  :: atomic { slot == NONE || !fault[slot] || refused -> refused = false; break }
  od;
  if
  :: atomic { slot != NONE -> skip };
     fill();
     if
     :: atomic { failed -> users[slot]--; slot = NONE; failed = false }
     :: atomic { !failed -> skip }
     fi
  :: atomic { slot == NONE -> skip }
  fi
}

inline map_and_use() {
  hit();
  if
  :: atomic { slot == NONE -> skip }; map_granule()
  :: atomic { slot != NONE -> skip }
  fi;
  if
  :: atomic { slot != NONE -> holders[page]++; calling[me] = 0; assert(SHOWS(slot, page)) };
     access();
     atomic { assert(SHOWS(slot, page)); holders[page]--; users[slot]--; slot = NONE }
  :: atomic { slot == NONE -> calling[me] = 0 }
  fi
}

/* map_ahead(), of page 0. */
inline read_ahead() {
  if
  :: atomic { pauses != 0 -> skip }
  :: atomic { pauses == 0 -> skip };
     atomic { under_way++ };
     if
#ifndef MUTANT_ONE_LOOK
     :: atomic { pauses != 0 -> skip }
     :: atomic { pauses == 0 -> skip };
#else
     :: true ->
#endif
        kmap();
        if
        :: atomic { slot != NONE -> skip }; fill(); atomic { users[slot]--; slot = NONE; failed = false }
        :: atomic { slot == NONE -> skip }
        fi
     fi;
     atomic { under_way-- }
  fi
}

/* --- file.cpp, process.cpp ----------------------------------------------------------------------- */

/* evict_from(), of a file whose only granule is page 0; then the file and its home are closed. */
inline close() {
  evict_for_good();
  plug_leftovers();
  atomic {
    if
    :: !refused -> closed = true; assert(home[0] == EMPTY)
    :: else -> leaving = false; refused = false
    fi
  }
}

/* --- The threads --------------------------------------------------------------------------------- */

#if THREADS == 3
#define NOBODY_CALLS (calling[0] != 1 && calling[1] != 1 && calling[2] != 1)
#else
#define NOBODY_CALLS (calling[0] != 1 && calling[1] != 1)
#endif

inline select_page() {
  if
  :: !leaving -> page = 0
  :: page = 1
#if PAGES > 2
  :: page = 2
#endif
  fi;
  calling[me] = page + 1
}

proctype thread(byte me) {
  byte page, slot = NONE, hand = NONE, out, mine, at, n, rounds;
  bool refused, failed;
  do
  :: atomic { (MAPPERS & BIT(me)) && rounds < ROUNDS -> rounds++; select_page() };
     map_and_use();
     page = 0
  :: atomic { (TAKERS & BIT(me)) && rounds < ROUNDS -> rounds++ };
     scavenge()
  :: atomic { (FREERS & BIT(me)) && rounds < ROUNDS && !leaving && NOBODY_CALLS -> rounds++; leaving = true; n = holders[0] };
     evict_for_good();
     atomic { assert(!refused || n != 0); assert(refused || home[0] == EMPTY); refused = false; leaving = false; n = 0 }
  :: atomic { (READERS & BIT(me)) && rounds < ROUNDS && !closed -> rounds++; page = 0 };
     read_ahead()
  :: atomic { (CLOSERS & BIT(me)) && rounds < ROUNDS && !leaving && NOBODY_CALLS && holders[0] == 0 -> rounds++; leaving = true };
     close()
  :: atomic { (PLUGGERS & BIT(me)) && rounds < ROUNDS -> rounds++ };
     plug_leftovers()
  :: atomic { rounds == ROUNDS || closed -> finished++; break }
  od;
  if
  :: atomic {
       finished == THREADS ->
       assert((clean & BIT(0)) -> IS_CLEAN(0) : IS_IDLE(0));
       assert((clean & BIT(1)) -> IS_CLEAN(1) : IS_IDLE(1));
       assert(home[0] == EMPTY || (cell[0] != 0 && at_home[cell[0] - 1]));
       assert(home[1] == EMPTY || (cell[1] != 0 && at_home[cell[1] - 1]))
     }
  :: atomic { finished != THREADS -> skip }
  fi
}

init {
  atomic {
    run thread(0);
    run thread(1);
#if THREADS == 3
    run thread(2)
#endif
  }
}
