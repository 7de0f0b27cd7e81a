/* The Directory of a process: how a page finds its slot in a hash table that grows while it is searched.
 *
 * Threads map pages (search; pin what was found, or take a clean slot and insert it), use them, and give them back; and
 * take idle slots back (erase). The table is one stripe; a bucket is added at any insertion, and some slots move to it.
 * A search without the lock may follow a slot that has left the bucket, or that is in another one by now. The model
 * shows:
 *
 *   - a page that is found and pinned is in that slot. As long as the generation has not come round, no other page's
 *     slot is pinned, not even for a moment;
 *   - a page that has a slot all the time is found: at once, or with the lock; with the lock, exactly;
 *   - a thread that gives a page back by its name finds the slot that it has pinned: it searches with the lock, because
 *     a search without the lock may find a slot to which another thread has only tried to give the page;
 *   - a page is in at most one slot, and keeps it until it is erased; none is lost when slots move;
 *   - every wait for the lock ends (no invalid end state). A search without the lock ends because its steps are counted.
 *
 * One atomic { } is one atomic operation with the thread's local steps around it. What a thread does to the table with
 * the lock is one step for each store. A search with the lock is one step: nothing that it looks at changes meanwhile.
 *
 * At the start, page 0 has a slot and one slot is clean.
 *
 * Settings: THREADS, PAGES, SLOTS, BUCKETS (the most), ROUNDS, OTHERS (how often the first thread and each of the
 * others act; without them, without end), GENERATIONS (after so many, the generation comes round).
 *
 * RUN, LONG, MUTANT: the tests of run.sh; a mutant has a fault that must be found.
 *
 * RUN two: -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * LONG three: -DTHREADS=3 -DROUNDS=3 -DOTHERS=1 -DPAGES=2 ; gcc=-DSAFETY ; pan=-m100000
 * RUN round: -DTHREADS=2 -DGENERATIONS=2 -DPAGES=2 ; gcc=-DSAFETY ; pan=-m1000000
 *
 * MUTANT nothing_found_believed: -DMUTANT_ONE_SEARCH -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT page_looked_at_before_word: -DMUTANT_PAGE_FIRST -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT no_look_after_pin: -DMUTANT_NO_LOOK -DTHREADS=2 -DGENERATIONS=2 -DPAGES=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT given_back_without_lock: -DMUTANT_HASTY -DTHREADS=3 -DROUNDS=3 -DOTHERS=1 -DPAGES=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT inserted_without_search: -DMUTANT_NO_SEARCH -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT inserted_without_lock: -DMUTANT_NO_LOCK -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT page_written_after_insertion: -DMUTANT_PAGE_LATE -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT first_of_bucket_erased: -DMUTANT_ERASES_FIRST -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT clean_before_erased: -DMUTANT_CLEAN_EARLY -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT moved_and_left: -DMUTANT_LEFT -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT bucket_added_and_nothing_moved: -DMUTANT_NOT_MOVED -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef PAGES
#define PAGES 3
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef BUCKETS
#define BUCKETS 2
#endif
#define STEPS (SLOTS + 1) /* of a search without the lock */

/* Linear hashing. Page 0's bucket is 0, page 1's is 1 when there are two; page 2's is 2 when there are three, as 0 is
 * split again. */
#define BUCKET_OF(page, count) ((page) == 1 && (count) > 1 -> 1 : ((page) == 2 && (count) > 2 -> 2 : 0))
#define SPLIT_FROM(added) ((added) == 1 -> 0 : (added) - 2)

/* Entry 0 is no slot. */
byte bucket[BUCKETS];
byte buckets = 1;
byte link[SLOTS + 1];
byte page_of[SLOTS + 1]; /* counted from 1 */
bool locked;

byte users[SLOTS + 1]; /* the slot's word: 0: dead; 1: idle; n + 1: pinned by n */
byte generation[SLOTS + 1];
bool clean[SLOTS + 1];

byte slot_of[PAGES]; /* what a search with the lock must find */

#ifdef GENERATIONS
#define NEXT(n) (((n) + 1) % GENERATIONS)
#else
#define NEXT(n) ((n) + 1)
#endif
#ifdef ROUNDS
#define MAY_ACT (rounds != 0)
#define ACT rounds--
#else
#define ROUNDS 0
#define MAY_ACT true
#define ACT skip
#endif
#ifndef OTHERS
#define OTHERS ROUNDS
#endif

/* --- search() ------------------------------------------------------------------------------------ */

/* found(): a dead word matches no later one. */
#define DEAD 255
#define FOUND(slot) (users[slot] == 0 -> DEAD : generation[slot])

/* Without the lock. `at` is the slot, or 0. A page and a link that are read one after the other are one step: if the
 * slot goes to another bucket in between, that is as if it had gone before. */
inline search() {
  atomic { at = BUCKET_OF(page, buckets) };
  atomic { at = bucket[at]; steps = 0 };
  do
  :: atomic { at == 0 || steps == STEPS -> at = 0; steps = 0; break }
#ifdef MUTANT_PAGE_FIRST
  :: atomic { at != 0 && steps != STEPS && page_of[at] == page + 1 -> steps = 0 };
     atomic { found_word = FOUND(at); break }
  :: atomic { at != 0 && steps != STEPS && page_of[at] != page + 1 -> at = link[at]; steps++ }
#else
  :: atomic { at != 0 && steps != STEPS -> found_word = FOUND(at) };
     if
     :: atomic { page_of[at] == page + 1 -> steps = 0; break }
     :: atomic { page_of[at] != page + 1 -> at = link[at]; steps++; found_word = 0 }
     fi
#endif
  od
}

inline search_locked() {
  d_step {
    at = bucket[BUCKET_OF(page, buckets)];
    steps = 0;
    do
    :: at != 0 && steps <= SLOTS && page_of[at] != page + 1 -> at = link[at]; steps++
    :: else -> break
    od;
    assert(steps <= SLOTS);
    steps = 0;
    found_word = FOUND(at);
    assert(at == slot_of[page])
  }
}

inline find_surely() {
  atomic { !locked -> locked = true };
  search_locked();
  atomic { locked = false }
}

/* find(), with which page_virtual() answers. */
inline find() {
  search();
#ifndef MUTANT_ONE_SEARCH
  if
  :: atomic { at == 0 && !locked -> locked = true }; search_locked(); atomic { locked = false }
  :: atomic { at != 0 }
  fi
#endif
}

/* --- insert(), erase(), add_bucket() ------------------------------------------------------------- */

/* Some slots of bucket SPLIT_FROM(buckets) move to the new bucket. `before` is the slot whose link is looked at; 0: the
 * bucket's own. */
#define LINK_OF(b, before) ((before) == 0 -> bucket[b] : link[before])
inline set_link(b, before, value) {
  atomic {
    if
    :: before == 0 -> bucket[b] = value
    :: else -> link[before] = value
    fi
  }
}

inline add_bucket() {
  atomic { before = 0; at = bucket[SPLIT_FROM(buckets)] };
  do
  :: atomic { at == 0 -> break }
  :: atomic { at != 0 && BUCKET_OF(page_of[at] - 1, buckets + 1) != buckets -> before = at; at = link[at] }
  :: atomic { at != 0 && BUCKET_OF(page_of[at] - 1, buckets + 1) == buckets -> moved_behind = link[at] };
#ifdef MUTANT_NOT_MOVED
     atomic { before = at; at = link[at]; moved_behind = 0 }
#else
#ifndef MUTANT_LEFT
     set_link(SPLIT_FROM(buckets), before, moved_behind);
#endif
     atomic { link[at] = bucket[buckets] };
     atomic { bucket[buckets] = at };
     atomic { at = moved_behind; moved_behind = 0 }
#endif
  od;
  atomic { buckets++; before = 0 }
}

/* The slot `taken` gets the page, and is published; or is clean again, because the page has a slot. */
inline insert() {
#ifndef MUTANT_PAGE_LATE
  atomic { page_of[taken] = page + 1 };
#endif
#ifndef MUTANT_NO_LOCK
  atomic { !locked -> locked = true };
#endif
#ifdef MUTANT_NO_SEARCH
  atomic { at = 0 };
#else
  search_locked();
#endif
  if
  :: atomic { at == 0 -> assert(slot_of[page] == 0); link[taken] = bucket[BUCKET_OF(page, buckets)] };
     atomic { bucket[BUCKET_OF(page, buckets)] = taken; slot_of[page] = taken };
     if
     :: atomic { buckets < BUCKETS -> skip }; add_bucket()
     :: true
     fi;
     atomic { locked = false };
#ifdef MUTANT_PAGE_LATE
     atomic { page_of[taken] = page + 1 };
#endif
     atomic { users[taken] = 2; held = taken; taken = 0 }
  :: atomic { at != 0 -> locked = false; clean[taken] = true; taken = 0; at = 0 }
  fi
}

inline erase() {
  atomic { !locked -> locked = true };
  atomic { before = 0; at = bucket[BUCKET_OF(page, buckets)] };
#ifndef MUTANT_ERASES_FIRST
  d_step {
    do
    :: at != 0 && page_of[at] != page + 1 -> before = at; at = link[at]
    :: else -> break
    od
  };
#endif
  atomic { assert(at == taken); slot_of[page] = 0 };
  set_link(BUCKET_OF(page, buckets), before, link[at]);
  atomic { locked = false; at = 0; before = 0 }
}

/* --- The window ---------------------------------------------------------------------------------- */

#define MATCHES (users[at] != 0 && found_word == generation[at])

/* pin(), hit(): `held` is the slot; 0: it could not be pinned. */
inline pin() {
  if
  :: atomic { at != 0 && MATCHES -> users[at]++; held = at };
#ifndef GENERATIONS
     atomic { assert(page_of[held] == page + 1) };
#endif
#ifndef MUTANT_NO_LOOK
     if
     :: atomic { page_of[held] == page + 1 -> skip }
     :: atomic { page_of[held] != page + 1 -> users[held]--; held = 0 }
     fi
#endif
  :: atomic { at == 0 || !MATCHES -> skip }
  fi
}

inline publish() {
  if
  :: atomic { clean[1] -> clean[1] = false; taken = 1 }; insert()
  :: atomic { clean[2] -> clean[2] = false; taken = 2 }; insert()
#if SLOTS > 2
  :: atomic { clean[3] -> clean[3] = false; taken = 3 }; insert()
#endif
  :: true
  fi
}

/* kunmap_high() gives the page back by its name, kunmap_address() needs no search. A page that has a slot all the time
 * is found by a search of any kind. */
inline give_back() {
  if
  :: find_surely();
     atomic { assert(at == held); users[at]-- }
  :: find();
#ifdef MUTANT_HASTY
     atomic { assert(at == held); users[at]-- }
#else
     atomic { assert(at != 0); users[held]-- }
#endif
  fi
}

inline map_and_use() {
  find();
  if
  :: atomic { at != 0 -> skip }; pin()
  :: atomic { at == 0 -> skip }; publish()
  fi;
  if
  :: atomic { held != 0 -> assert(slot_of[page] == held && page_of[held] == page + 1); at = 0; found_word = 0 };
     give_back();
     atomic { held = 0; at = 0; found_word = 0; page = 0 }
  :: atomic { held == 0 -> at = 0; found_word = 0; page = 0 }
  fi
}

/* claim(), then finish(): the page keeps its slot until it is erased. */
inline claim(slot) {
  users[slot] = 0; generation[slot] = NEXT(generation[slot]); taken = slot; page = page_of[slot] - 1
}

inline take_back() {
#ifdef MUTANT_CLEAN_EARLY
  atomic { clean[taken] = true };
  erase();
  atomic { taken = 0; page = 0 }
#else
  erase();
  atomic { clean[taken] = true; taken = 0; page = 0 }
#endif
}

proctype thread(byte rounds) {
  byte page, at, steps, held, taken, before, moved_behind, found_word;
end:
  do
  :: atomic { MAY_ACT -> ACT; page = 0 }; map_and_use()
  :: atomic { MAY_ACT -> ACT; page = 1 }; map_and_use()
#if PAGES > 2
  :: atomic { MAY_ACT -> ACT; page = 2 }; map_and_use()
#endif
  :: atomic { MAY_ACT && users[1] == 1 -> ACT; claim(1) }; take_back()
  :: atomic { MAY_ACT && users[2] == 1 -> ACT; claim(2) }; take_back()
#if SLOTS > 2
  :: atomic { MAY_ACT && users[3] == 1 -> ACT; claim(3) }; take_back()
#endif
  od
}

init {
  atomic {
    /* Page 0 has a slot. */
    page_of[1] = 1; users[1] = 1; bucket[0] = 1; slot_of[0] = 1;
    clean[2] = true;
#if SLOTS > 2
    clean[3] = true;
#endif
    run thread(ROUNDS);
    run thread(OTHERS);
#if THREADS > 2
    run thread(OTHERS)
#endif
  }
}
