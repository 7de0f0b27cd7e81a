/* The Directory of a process: how a page finds its cell while entries are given to other pages.
 *
 * Threads act as a miss (hold the page's entry, look the cell up without a lock, fill it if it is empty) and as the
 * scavenger (look up the cell of a page that has a slot, and empty it). A hit does less: it may find any cell, and asks
 * the slot's record (records.pml). The model shows:
 *
 *   - a thread that holds a page's entry, or takes back its slot, finds that entry and no other, even if entries move
 *     to other buckets during the lookup: so a page is in at most one slot, and none is lost;
 *   - an entry is given away only when no thread holds it and it has no page with a slot;
 *   - a lookup ends, and so does every wait for the lock (no invalid end state).
 *
 * One atomic { } is one atomic operation with the thread's local steps around it. An entry has one cell, for one page;
 * three pages contend for two entries, and two of the pages share a bucket. Any unused entry may be taken.
 *
 * Settings: CHANGES (how often entries are given away), HALVES (a key is read and written in two halves, as in a 32-bit
 * process).
 *
 * RUN, MUTANT: the tests of run.sh; a mutant has a fault that must be found.
 *
 * RUN two: -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m1000000
 * RUN three: -DCHANGES=2 ; gcc=-DSAFETY ; pan=-m1000000
 * RUN halves: -DTHREADS=2 -DHALVES -DCHANGES=4 ; gcc=-DSAFETY ; pan=-m1000000
 *
 * MUTANT miss_does_not_hold: -DMUTANT_NO_HOLD -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT entry_in_use_given_away: -DMUTANT_IN_USE -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT nothing_found_believed: -DMUTANT_ONE_FIND -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT change_not_seen: -DMUTANT_PARITY -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT change_under_way_not_seen: -DMUTANT_NO_PARITY -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT version_changes_after_links: -DMUTANT_EVEN_LATE -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT version_changes_before_links: -DMUTANT_EVEN_EARLY -DTHREADS=2 ; gcc=-DSAFETY ; pan=-m100000
 * MUTANT torn_key: -DMUTANT_TORN -DTHREADS=2 -DHALVES ; gcc=-DSAFETY ; pan=-m100000
 */
#ifndef CHANGES
#define CHANGES 5
#endif
#ifndef THREADS
#define THREADS 3
#endif
#define ENTRIES 2
#define PAGES 3

/* A page's key, from its two halves: 1 1, 1 2, 2 2. */
#define HIGH(page) ((page) == 2 -> 2 : 1)
#define LOW(page) ((page) == 0 -> 1 : 2)
#define BUCKET(page) ((page) == 2 -> 1 : 0)

byte bucket[2];
byte high[ENTRIES + 1];
byte low[ENTRIES + 1];
byte next_of[ENTRIES + 1];
byte stamp[ENTRIES + 1];
byte holds[ENTRIES + 1];
byte cell[ENTRIES + 1]; /* the page whose slot it names, counted from 1; entry 0 is no entry */
byte version;
bool locked;

mtype = {without, with_slot, emptied};
mtype slot_of[PAGES] = without;

#define HAS_KEY(entry, page) (high[entry] == HIGH(page) && low[entry] == LOW(page))
#define IN_BUCKET(b, entry) (bucket[b] == (entry) || (bucket[b] != 0 && next_of[bucket[b]] == (entry)))
#define IS_LINKED(entry) (IN_BUCKET(0, entry) || IN_BUCKET(1, entry))
#define IS_ENTRY_OF(entry, page) ((entry) != 0 && HAS_KEY(entry, page) && IN_BUCKET(BUCKET(page), entry))

/* --- find() -------------------------------------------------------------------------------------- */

#ifdef HALVES
/* `is_it`: whether the entry has the key. */
inline compare() {
  atomic { seen_stamp = stamp[at]; is_it = true };
  atomic { is_it = is_it && low[at] == LOW(page) };
  atomic { is_it = is_it && high[at] == HIGH(page) };
#ifndef MUTANT_TORN
  atomic { is_it = is_it && seen_stamp % 2 == 0 && stamp[at] == seen_stamp; seen_stamp = 0 }
#else
  seen_stamp = 0
#endif
}
#else
inline compare() {
  atomic { is_it = HAS_KEY(at, page) }
}
#endif

inline find() {
  atomic { at = bucket[BUCKET(page)]; steps = 0 };
  do
  :: atomic { at == 0 || steps > ENTRIES -> at = 0; steps = 0; break }
  :: atomic { at != 0 && steps <= ENTRIES -> skip };
     compare();
     if
     :: atomic { is_it -> is_it = false; steps = 0; break }
     :: atomic { !is_it -> at = next_of[at]; steps++ }
     fi
  od
}

/* With the lock held: nothing changes. */
inline find_locked() {
  d_step {
    at = bucket[BUCKET(page)];
    do
    :: at != 0 && !HAS_KEY(at, page) -> at = next_of[at]
    :: else -> break
    od
  }
}

#ifdef MUTANT_PARITY
#define HAS_CHANGED (seen_version % 2 != 0)
#elif defined(MUTANT_NO_PARITY)
#define HAS_CHANGED (version != seen_version)
#else
#define HAS_CHANGED (seen_version % 2 != 0 || version != seen_version)
#endif

/* cell(), cell_or_none(): `at` is the entry, or 0. */
inline look_up() {
  find();
  if
  :: atomic { at == 0 -> seen_version = version };
#ifndef MUTANT_ONE_FIND
     find();
     if
     :: atomic { at == 0 && HAS_CHANGED -> skip };
        atomic { !locked -> locked = true };
        find_locked();
        atomic { locked = false }
     :: atomic { at != 0 || !HAS_CHANGED -> skip }
     fi;
#endif
     seen_version = 0
  :: atomic { at != 0 -> skip }
  fi
}

/* --- hold(), take_entry() ------------------------------------------------------------------------ */

#ifdef MUTANT_NO_HOLD
#define IS_UNUSED(entry) (cell[entry] == 0)
#elif defined(MUTANT_IN_USE)
#define IS_UNUSED(entry) (holds[entry] == 0)
#else
#define IS_UNUSED(entry) (holds[entry] == 0 && cell[entry] == 0)
#endif

inline unlink(entry) {
  atomic {
    if
    :: bucket[0] == entry -> bucket[0] = next_of[entry]
    :: bucket[1] == entry -> bucket[1] = next_of[entry]
    :: bucket[0] != entry && bucket[1] != entry && next_of[3 - entry] == entry && IS_LINKED(3 - entry) ->
      next_of[3 - entry] = next_of[entry]
    :: else
    fi
  }
}

inline store_key() {
#ifdef HALVES
  atomic { stamp[held]++ };
  atomic { low[held] = LOW(page) };
  atomic { high[held] = HIGH(page) };
  atomic { stamp[held]++ }
#else
  atomic { low[held] = LOW(page); high[held] = HIGH(page) }
#endif
}

inline give_entry() {
#ifndef MUTANT_EVEN_LATE
  atomic { version++ };
#ifdef MUTANT_EVEN_EARLY
  version++;
#endif
#endif
  unlink(held);
  store_key();
  atomic { next_of[held] = bucket[BUCKET(page)] };
  atomic { bucket[BUCKET(page)] = held };
#ifdef MUTANT_EVEN_LATE
  version = version + 2
#elif !defined(MUTANT_EVEN_EARLY)
  version++
#endif
}

/* `held` is the entry; 0: all are in use, or enough have been given away. */
inline hold() {
  atomic { !locked -> locked = true };
  find_locked();
  atomic { held = at; at = 0 };
  if
  :: atomic { held == 0 && version / 2 < CHANGES && IS_UNUSED(1) -> held = 1 }; give_entry()
  :: atomic { held == 0 && version / 2 < CHANGES && IS_UNUSED(2) -> held = 2 }; give_entry()
  :: atomic { held != 0 || version / 2 == CHANGES || (!IS_UNUSED(1) && !IS_UNUSED(2)) -> skip }
  fi;
  atomic { holds[held] = holds[held] + (held != 0); locked = false }
}

inline drop() {
  atomic { !locked -> locked = true };
  atomic { holds[held]--; locked = false; held = 0 }
}

/* --- The threads --------------------------------------------------------------------------------- */

inline miss() {
  hold();
  if
  :: atomic { held != 0 -> skip };
     look_up();
     atomic {
       assert(IS_ENTRY_OF(at, page) && at == held);
       if
       :: cell[at] == 0 -> assert(slot_of[page] == without); cell[at] = page + 1; slot_of[page] = with_slot
       :: else -> assert(cell[at] == page + 1)
       fi;
       at = 0
     };
     drop()
  :: atomic { held == 0 -> skip }
  fi
}

/* claim(), of a page whose slot no other thread changes. */
inline forget_page() {
  look_up();
  atomic { assert(IS_ENTRY_OF(at, page) && cell[at] == page + 1); cell[at] = 0; at = 0; slot_of[page] = without }
}

proctype thread() {
  byte page, at, steps, held, seen_version, seen_stamp;
  bool is_it;
end:
  do
  :: atomic { page = 0 }; miss()
  :: atomic { page = 1 }; miss()
  :: atomic { page = 2 }; miss()
  :: atomic { slot_of[0] == with_slot -> page = 0; slot_of[0] = emptied }; forget_page()
  :: atomic { slot_of[1] == with_slot -> page = 1; slot_of[1] = emptied }; forget_page()
  :: atomic { slot_of[2] == with_slot -> page = 2; slot_of[2] = emptied }; forget_page()
  od
}

init {
  atomic {
    run thread();
    run thread();
#if THREADS > 2
    run thread()
#endif
  }
}
