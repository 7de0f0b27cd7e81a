/* The Directory of a process: how a page finds its slot in a hash table that grows while it is searched.
 *
 * Threads map pages (search; pin what was found, or take a clean slot and insert it), use them, and give them back; and
 * take idle slots back (erase). The table is one stripe; a bucket is added at any insertion, and some slots move to it.
 * A bucket has one place for a slot, and a list of those that found it full. A search without the lock may follow a slot
 * that has left the bucket, or that is in another one by now. The model shows:
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
 * Tags are left out: a search looks at the slot in the place, as if its tag was the right one.
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
 * RUN list_of_two: -DTHREADS=2 -DSLOTS=3 -DROUNDS=3 -DOTHERS=2 ; gcc=-DSAFETY ; pan=-m100000
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
 * MUTANT list_not_searched: -DMUTANT_NO_LIST -DTHREADS=2 -DROUNDS=3 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT put_into_place_and_left_in_list: -DMUTANT_IN_BOTH -DTHREADS=2 -DROUNDS=4 ; gcc=-DSAFETY ; pan=-m100000
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
byte place[BUCKETS];
byte list[BUCKETS];
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

/* Without the lock. `at` is the slot, or 0; `in` is the bucket's number and 1 while the search looks at the place. A page
 * and a link that are read one after the other are one step: if the slot goes to another bucket in between, that is as if
 * it had gone before. */
inline search() {
  atomic { in = BUCKET_OF(page, buckets) + 1 };
  atomic { at = place[in - 1]; steps = 0 };
  do
  :: atomic { at == 0 && in != 0 -> at = list[in - 1]; in = 0 }
  :: atomic { in == 0 && (at == 0 || steps == STEPS) -> at = 0; steps = 0; break }
#ifdef MUTANT_PAGE_FIRST
  :: atomic { at != 0 && steps != STEPS && page_of[at] == page + 1 -> steps = 0; in = 0 };
     atomic { found_word = FOUND(at); break }
  :: atomic { at != 0 && steps != STEPS && page_of[at] != page + 1 -> search_on() }
#else
  :: atomic { at != 0 && steps != STEPS -> found_word = FOUND(at) };
     if
     :: atomic { page_of[at] == page + 1 -> steps = 0; in = 0; break }
     :: atomic { page_of[at] != page + 1 -> search_on(); found_word = 0 }
     fi
#endif
  od
}

inline search_on() {
  if
  :: in != 0 -> at = list[in - 1]; in = 0
  :: else -> at = link[at]; steps++
  fi
}

inline search_locked() {
  d_step {
    at = place[BUCKET_OF(page, buckets)];
    steps = 0;
    if
    :: at == 0 || page_of[at] != page + 1 -> at = list[BUCKET_OF(page, buckets)]
    :: else
    fi;
#ifdef MUTANT_NO_LIST
    at = (at != 0 && page_of[at] == page + 1 && at == place[BUCKET_OF(page, buckets)] -> at : 0);
#endif
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

/* `before` is the slot whose link is changed; 0: the bucket's own. */
inline set_link(b, before, value) {
  atomic {
    if
    :: before == 0 -> list[b] = value
    :: else -> link[before] = value
    fi
  }
}

/* add() */
inline add(b, slot) {
  if
  :: atomic { place[b] == 0 -> place[b] = slot }
  :: atomic { place[b] != 0 -> link[slot] = list[b] };
     atomic { list[b] = slot }
  fi
}

/* There is one place, so one slot at most moves into it. */
inline fill_from_list(b) {
  if
  :: atomic { place[b] == 0 && list[b] != 0 -> at = list[b] };
     atomic { place[b] = at };
#ifndef MUTANT_IN_BOTH
     atomic { list[b] = link[at] }
#endif
  :: atomic { place[b] != 0 || list[b] == 0 -> skip }
  fi
}

/* Some slots of bucket SPLIT_FROM(buckets) move to the new bucket. */
#define MOVES(slot) (BUCKET_OF(page_of[slot] - 1, buckets + 1) == buckets)
inline add_bucket() {
  if
  :: atomic { place[SPLIT_FROM(buckets)] != 0 && MOVES(place[SPLIT_FROM(buckets)]) -> at = place[SPLIT_FROM(buckets)] };
#ifndef MUTANT_NOT_MOVED
     add(buckets, at);
#ifndef MUTANT_LEFT
     atomic { place[SPLIT_FROM(buckets)] = 0 }
#endif
#endif
  :: atomic { place[SPLIT_FROM(buckets)] == 0 || !MOVES(place[SPLIT_FROM(buckets)]) -> skip }
  fi;
  atomic { before = 0; at = list[SPLIT_FROM(buckets)] };
  do
  :: atomic { at == 0 -> break }
  :: atomic { at != 0 && !MOVES(at) -> before = at; at = link[at] }
  :: atomic { at != 0 && MOVES(at) -> moved_behind = link[at] };
#ifdef MUTANT_NOT_MOVED
     atomic { before = at; at = link[at]; moved_behind = 0 }
#else
     add(buckets, at);
#ifndef MUTANT_LEFT
     set_link(SPLIT_FROM(buckets), before, moved_behind);
#endif
     atomic { at = moved_behind; moved_behind = 0 }
#endif
  od;
  fill_from_list(SPLIT_FROM(buckets));
  atomic { buckets++; before = 0; at = 0 }
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
  :: atomic { at == 0 -> assert(slot_of[page] == 0); slot_of[page] = taken };
     add(BUCKET_OF(page, buckets), taken);
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
  atomic { before = 0; at = place[BUCKET_OF(page, buckets)] };
  if
#ifdef MUTANT_ERASES_FIRST
  :: atomic { at != 0 -> assert(at == taken); slot_of[page] = 0 };
#else
  :: atomic { at != 0 && page_of[at] == page + 1 -> assert(at == taken); slot_of[page] = 0 };
#endif
     atomic { place[BUCKET_OF(page, buckets)] = 0 };
     fill_from_list(BUCKET_OF(page, buckets))
#ifndef MUTANT_ERASES_FIRST
  :: atomic { at == 0 || page_of[at] != page + 1 -> at = list[BUCKET_OF(page, buckets)] };
     d_step {
       do
       :: at != 0 && page_of[at] != page + 1 -> before = at; at = link[at]
       :: else -> break
       od
     };
     atomic { assert(at == taken); slot_of[page] = 0 };
     set_link(BUCKET_OF(page, buckets), before, link[at])
#endif
  fi;
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
  byte page, at, in, steps, held, taken, before, moved_behind, found_word;
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
    page_of[1] = 1; users[1] = 1; place[0] = 1; slot_of[0] = 1;
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
