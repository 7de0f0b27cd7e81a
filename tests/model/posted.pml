/* Posted flushes: the taker of a slot posts a flush, and goes on or waits; each CPU flushes its TLB when it comes by.
 *
 * `count` is the number of flushes posted. `dropped` of a CPU is a value of it: the CPU has flushed its TLB since it
 * read that value. A post has passed when no CPU that is awake is behind it. A taken slot waits until its post has
 * passed; the cell of its page (page->virtual) holds the low bits of the post's number, so that the page can be mapped
 * in another slot at once, but is freed only when the post has passed. The model shows:
 *
 *   - an awake CPU never translates a live slot to another page than the slot's;
 *   - a slot is clean only when its PTE is empty, and in no TLB of an awake CPU;
 *   - when evict() has returned, the page is in no PTE and in no TLB of an awake CPU; a CPU that was idle then, or
 *     ran a user program, or was about to leave that, flushes before it uses an address.
 *
 * One atomic { } is one atomic operation of the C++ or of the hardware, with the steps around it that no other CPU
 * sees. A process is a CPU, which does one thing at a time: so between the steps of an operation its interrupts are
 * off, except while it waits. The freer runs on no CPU: that is, on any, and interrupts may come at all its steps.
 *
 * Settings: MAPPERS, SCAVENGERS, TAKERS, IDLERS, USERS (masks of the CPUs that may do it; SCAVENGERS leave the slots
 * that they take on a list, TAKERS wait for their own post; USERS run user programs), FREES (page 0 is freed), CPUS (2,
 * 3), ROUND (the numbers before they come round), WALKS (the CPUs walk at any time; otherwise as with LATE_WALKS in
 * window.pml), LONG_IDLE (an idle CPU may sleep through half a round, or more). Posts wait where SOME_LAG says so, and
 * a wait is a loop: so the model shows nothing about deadlock (-E).
 *
 * RUN, LONG, MUTANT: the tests of run.sh; a mutant has a fault that must be found.
 *
 * RUN main: -DMAPPERS=1 -DSCAVENGERS=3 -DTAKERS=1 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * LONG user: -DMAPPERS=1 -DSCAVENGERS=1 -DIDLERS=2 -DUSERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * RUN long_idle: -DMAPPERS=1 -DSCAVENGERS=1 -DTAKERS=1 -DIDLERS=2 -DUSERS=2 -DLONG_IDLE ; gcc=-DSAFETY ; pan=-E -m4000000
 * RUN walks: -DMAPPERS=1 -DSCAVENGERS=2 -DIDLERS=2 -DFREES -DWALKS ; gcc=-DSAFETY ; pan=-E -m4000000
 *
 * MUTANT post_before_take: -DMUTANT_POST_EARLY -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT cell_before_post: -DMUTANT_CELL_EARLY -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT count_after_flush: -DMUTANT_COUNT_LATE -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT dropped_before_flush: -DMUTANT_FLUSH_LATE -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT drop_of_one_is_all: -DMUTANT_DROPS_ONE -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT passed_by_some: -DMUTANT_PASSED -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT collected_early: -DMUTANT_COLLECT -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT untouched_forgets: -DMUTANT_UNTOUCHED -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT free_waits_for_no_post: -DMUTANT_FREE_WAIT -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT older_number: -DMUTANT_EXPAND_OLDER -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT count_before_cell: -DMUTANT_EXPAND_EARLY -DMAPPERS=1 -DSCAVENGERS=3 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT taken_forgets: -DMUTANT_TAKE_FORGETS -DMAPPERS=1 -DSCAVENGERS=2 -DTAKERS=1 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT leaves_without_flush: -DMUTANT_LEAVE -DMAPPERS=1 -DSCAVENGERS=1 -DIDLERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT count_before_join: -DMUTANT_JOIN_LATE -DMAPPERS=1 -DSCAVENGERS=1 -DIDLERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT number_from_before: -DMUTANT_OLD_NUMBER -DMAPPERS=1 -DSCAVENGERS=1 -DIDLERS=2 -DLONG_IDLE ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT renewed_is_flushed: -DMUTANT_COMPARES_OLD -DMAPPERS=1 -DSCAVENGERS=1 -DIDLERS=2 -DLONG_IDLE ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT round_slept_over: -DMUTANT_COMPARES_ROUND -DMAPPERS=1 -DSCAVENGERS=1 -DIDLERS=2 -DLONG_IDLE ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT user_keeps_translations: -DMUTANT_USER_KEEPS -DMAPPERS=1 -DSCAVENGERS=1 -DUSERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT count_before_mark: -DMUTANT_USER_COUNT_EARLY -DMAPPERS=1 -DSCAVENGERS=1 -DUSERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT mark_after_drop: -DMUTANT_USER_MARK_LATE -DMAPPERS=1 -DSCAVENGERS=1 -DUSERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT marks_before_post: -DMUTANT_MARKS_EARLY -DMAPPERS=1 -DSCAVENGERS=1 -DUSERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 * MUTANT half_a_round_in_user: -DMUTANT_LONG_USER -DMAPPERS=1 -DSCAVENGERS=1 -DUSERS=2 -DFREES ; gcc=-DSAFETY ; pan=-E -m4000000
 */
#ifndef MAPPERS
#define MAPPERS 0
#endif
#ifndef SCAVENGERS
#define SCAVENGERS 0
#endif
#ifndef TAKERS
#define TAKERS 0
#endif
#ifndef IDLERS
#define IDLERS 0
#endif
#ifndef USERS
#define USERS 0
#endif
#ifndef CPUS
#define CPUS 2
#endif
#define SLOTS 2
#define PAGES 2
#define BIT(n) (1 << (n))
#define ME(mask) (((mask) & BIT(me)) != 0)

/* --- The numbers of the posts -------------------------------------------------------------------- */

#ifndef ROUND
#define ROUND 4 /* count comes round */
#endif
#define HALF (ROUND / 2)
#define KEPT (ROUND / 2) /* as many of them a cell tells apart */
#define MINUS(a, b) (((a) + ROUND - (b)) % ROUND) /* a - b */
#define REACHES(a, b) (MINUS(a, b) < HALF)        /* a >= b, as signed numbers are compared */

byte count;
byte awake = BIT(CPUS) - 1; /* in one word with count */
byte dropped[CPUS];
byte in_user; /* the marks of the CPUs that run user programs, each its own variable */

/* --- Slots and cells ----------------------------------------------------------------------------- */

/* A slot is live, or dead; users, the parked bit and the generation are left out: window.pml has them. */
bool live[SLOTS];
byte page_of[SLOTS];
byte number[SLOTS]; /* of a slot that waits: its post */
byte waiting;       /* the waiting slots */
byte clean = BIT(SLOTS) - 1;
byte cell[PAGES];
#define LIVE(slot) ((slot) + 1)
#define IS_LIVE(c) ((c) == LIVE(0) || (c) == LIVE(1))
#define LOST(n) (8 + (n) % KEPT)

/* The newest post with these low bits. */
#define EXPANDED(c, now) MINUS(now, ((now) + KEPT - (c) % KEPT) % KEPT)

/* --- The machine --------------------------------------------------------------------------------- */

byte pte[SLOTS]; /* the page, counted from 1; 0: empty */
bool accessed[SLOTS];
byte tlb[CPUS * SLOTS]; /* as pte */
#define FREED 255       /* in a TLB: the page has been freed */
#define TLB(cpu, slot) tlb[(cpu) * SLOTS + (slot)]
#define AGREES(cpu, slot, page) (TLB(cpu, slot) == 0 || TLB(cpu, slot) == (page))

byte joining; /* CPUs within leave_idle() and leave_user() */
#define USES(cpu) (((awake & ~joining & ~in_user) & BIT(cpu)) != 0)
#define ALL_AGREE(slot, page) \
  ((!USES(0) || AGREES(0, slot, page)) && (!USES(1) || AGREES(1, slot, page)) && AGREES_2(slot, page))
#if CPUS > 2
#define AGREES_2(slot, page) (!USES(2) || AGREES(2, slot, page))
#define LAGS_2(lag) (LAGS_ONE(2, lag))
#else
#define AGREES_2(slot, page) true
#define LAGS_2(lag) false
#endif

inline walk(cpu, slot) {
  if
  :: pte[slot] != 0 && TLB(cpu, slot) == 0 -> TLB(cpu, slot) = pte[slot]; accessed[slot] = true
  :: else
  fi
}
#if CPUS > 2
#define WALK_ALL(slot) walk(0, slot); walk(1, slot); walk(2, slot)
#define ALL_HOLD(slot) (TLB(0, slot) != 0 && TLB(1, slot) != 0 && TLB(2, slot) != 0)
#else
#define WALK_ALL(slot) walk(0, slot); walk(1, slot)
#define ALL_HOLD(slot) (TLB(0, slot) != 0 && TLB(1, slot) != 0)
#endif

/* All CPUs, those too that are idle or run user programs, walk at once: window.pml says why that is the worst case. */
#ifndef WALKS
inline walks_until_now(slot) {
  if
  :: d_step { WALK_ALL(slot) }
  :: true
  fi
}
#else
inline walks_until_now(slot) { skip }

proctype walker() {
  do
  :: d_step { pte[0] != 0 && !ALL_HOLD(0) -> WALK_ALL(0) }
  :: d_step { pte[1] != 0 && !ALL_HOLD(1) -> WALK_ALL(1) }
  od
}
#endif

inline flush_tlb() {
  TLB(me, 0) = 0;
  TLB(me, 1) = 0
}

/* --- Posts --------------------------------------------------------------------------------------- */

/* An assumption: no CPU is half a round behind. With LONG_IDLE, an idle CPU may be behind as far as it likes. */
#ifdef MUTANT_LONG_USER
#define LAGS_ONE(cpu, lag) ((in_user & BIT(cpu)) == 0 && MINUS(count, dropped[cpu]) > (lag))
#else
#if defined(MUTANT_OLD_NUMBER)
#define LAGS_ONE(cpu, lag) (USES(cpu) && MINUS(count, dropped[cpu]) > (lag))
#elif !defined(LONG_IDLE)
#define LAGS_ONE(cpu, lag) (MINUS(count, dropped[cpu]) > (lag))
#else
#define LAGS_ONE(cpu, lag) (((awake | joining) & BIT(cpu)) != 0 && MINUS(count, dropped[cpu]) > (lag))
#endif
#endif
#define SOME_LAG(lag) (LAGS_ONE(0, lag) || LAGS_ONE(1, lag) || LAGS_2(lag))

inline post() { atomic { !SOME_LAG(HALF - 1) -> count = (count + 1) % ROUND; n = count } }

/* late(). `ok`: the post n has passed. A number that looks later than the count is older than half a round. */
#ifdef MUTANT_PASSED
#define FIRST_CPU 1
#else
#define FIRST_CPU 0
#endif
#ifdef MUTANT_MARKS_EARLY
byte marks;
#define DONE(cpu) (!(set & BIT(cpu)) || (marks & BIT(cpu)) != 0 || REACHES(dropped[cpu], n))
#else
#define DONE(cpu) (!(set & BIT(cpu)) || (in_user & BIT(cpu)) != 0 || REACHES(dropped[cpu], n))
#endif
inline passed() {
  atomic { set = (REACHES(count, n) -> awake : 0); i = FIRST_CPU };
  do
  :: atomic { i < CPUS && DONE(i) -> i++ }
  :: atomic { i < CPUS && !DONE(i) -> set = 0; i = 0; ok = false; break }
  :: atomic { i == CPUS -> set = 0; i = 0; ok = true; break }
  od
}

/* The interrupt, the tick, a slow miss. */
inline come_by() {
#ifdef MUTANT_COUNT_LATE
  atomic { flush_tlb() };
  atomic { dropped[me] = count }
#elif defined(MUTANT_FLUSH_LATE)
  atomic { dropped[me] = count };
  atomic { flush_tlb() }
#else
  atomic { e = count };
  atomic { flush_tlb(); dropped[me] = e; e = 0 }
#endif
}

/* After post n, interrupts still off. */
inline drop_slot() {
  if
#ifdef MUTANT_DROPS_ONE
  :: true -> atomic { TLB(me, slot) = 0; dropped[me] = n }
#else
  :: atomic { dropped[me] == MINUS(n, 1) -> TLB(me, slot) = 0; dropped[me] = n }
  :: dropped[me] != MINUS(n, 1)
#endif
  fi
}

/* wait_until_passed() of a CPU, whose interrupts are on. */
inline wait_until_passed() {
  do
  :: passed();
     if
     :: ok -> ok = false; break
     :: else
     fi
  :: dropped[me] != count -> come_by()
  od
}

/* --- Idle CPUs ----------------------------------------------------------------------------------- */

#ifdef MUTANT_COMPARES_ROUND
#define FLUSHES_ON_LEAVING (i != e)
#elif defined(LONG_IDLE) && !defined(MUTANT_COMPARES_OLD)
#define FLUSHES_ON_LEAVING true
#else
#define FLUSHES_ON_LEAVING (dropped[me] != e)
#endif

inline begin_to_use() {
  atomic {
    dropped[me] = e;
    e = 0;
    i = 0;
    joining = joining & ~BIT(me);
    in_user = in_user & ~BIT(me);
    assert(TLB(me, 0) != FREED && TLB(me, 1) != FREED);
    assert(!live[0] || AGREES(me, 0, pte[0]));
    assert(!live[1] || AGREES(me, 1, pte[1]))
  }
}

/* After a long idle time the CPU's number says nothing: it can be half a round behind, and look new, or a whole round,
 * and look current. So the CPU then renews its number before it joins, and always flushes. The renewed number is not
 * true before the flush; but it only lets posts pass that come before the CPU joined, and so before the flush. */
inline leave_idle() {
#if defined(LONG_IDLE) && !defined(MUTANT_OLD_NUMBER)
#ifdef MUTANT_COMPARES_ROUND
  i = dropped[me];
#endif
  atomic { joining = joining | BIT(me); dropped[me] = count };
#endif
#ifdef MUTANT_JOIN_LATE
  atomic { e = count };
  atomic { awake = awake | BIT(me); joining = joining | BIT(me) };
#else
  atomic { awake = awake | BIT(me); joining = joining | BIT(me); e = count };
#endif
#ifndef MUTANT_LEAVE
  if
  :: atomic { FLUSHES_ON_LEAVING -> flush_tlb() }
  :: !FLUSHES_ON_LEAVING
  fi;
#endif
  begin_to_use()
}

/* --- CPUs that run user programs ------------------------------------------------------------------ */

inline leave_user() {
#if defined(MUTANT_USER_COUNT_EARLY)
  atomic { e = count };
  atomic { in_user = in_user & ~BIT(me); joining = joining | BIT(me) };
#elif defined(MUTANT_USER_MARK_LATE)
  atomic { e = count };
#else
  atomic { in_user = in_user & ~BIT(me); joining = joining | BIT(me) };
  atomic { e = count };
#endif
#ifndef MUTANT_USER_KEEPS
  if
  :: atomic { dropped[me] != e -> flush_tlb() }
  :: dropped[me] == e
  fi;
#endif
  begin_to_use()
}

/* --- Taking back --------------------------------------------------------------------------------- */

inline insert_clean() {
  atomic {
    assert(!live[slot] && pte[slot] == 0 && ALL_AGREE(slot, 0));
    assert(!(clean & BIT(slot)) && !(waiting & BIT(slot)));
    clean = clean | BIT(slot);
    slot = 0;
    n = 0
  }
}

inline take_pte() {
  atomic {
    walks_until_now(slot);
    assert(pte[slot] != 0);
    touched = accessed[slot];
    accessed[slot] = false;
    pte[slot] = 0;
    page = page_of[slot];
    page_of[slot] = 0
  }
}

inline lose(kept) { atomic { cell[page] = kept; page = 0 } }

#ifdef MUTANT_UNTOUCHED
#define LOST_UNTOUCHED(n) 0
#else
#define LOST_UNTOUCHED(n) LOST(n)
#endif

/* claim(), after the swap of the word; the same for all takers. An untouched slot is clean at once. Otherwise
 * `touched`, and the slot's post is n. */
inline claim(kept) {
#ifdef MUTANT_POST_EARLY
  post();
  take_pte();
#else
  take_pte();
#endif
  if
  :: touched ->
#ifdef MUTANT_MARKS_EARLY
     atomic { marks = in_user };
#endif
#if defined(MUTANT_CELL_EARLY)
     atomic { n = count };
     lose(kept);
     post()
#elif defined(MUTANT_POST_EARLY)
     lose(kept)
#else
     post();
     lose(kept)
#endif
  :: !touched ->
     atomic { n = count };
     atomic { cell[page] = LOST_UNTOUCHED(n); page = 0; insert_clean() }
  fi
}

/* push_run() */
inline push() { atomic { number[slot] = n; waiting = waiting | BIT(slot); slot = 0; n = 0; touched = false } }

/* flush(), and then the slot is clean. */
inline finish() {
  atomic { touched = false; insert_clean() }
}

#ifdef MUTANT_TAKE_FORGETS
#define LOST_TAKEN(n) (ME(TAKERS) -> 0 : LOST(n))
#else
#define LOST_TAKEN(n) LOST(n)
#endif

/* A run of one slot, or a batch. */
inline scavenge() {
  claim(LOST_TAKEN(n));
  if
  :: touched ->
     drop_slot();
     if
     :: ME(SCAVENGERS) -> push()
     :: ME(TAKERS) -> wait_until_passed(); finish()
     fi
  :: else
  fi
}

/* pop_passed() of the slot, which is off the list meanwhile. The code holds the list's lock instead. */
inline pop_passed() {
#ifdef MUTANT_COLLECT
  ok = true;
#else
  passed();
#endif
  if
  :: ok -> ok = false; insert_clean()
  :: else -> push()
  fi
}

/* --- Freeing ------------------------------------------------------------------------------------- */

bool leaving; /* page 0 is being freed */
bool mapping; /* page 0 is being mapped */

inline wait_for_others() {
  do
  :: passed();
     if
     :: ok -> ok = false; break
     :: else
     fi
  od
}

/* evict(), unmap_idle(), gone(). Its caller may flush, or not: then the slot goes on a list. It waits for the post that
 * the cell names, or asks again later. The cell is read before the count, so that its post is no newer. */
inline evict() {
  do
  :: atomic { IS_LIVE(cell[0]) && !live[cell[0] - 1] -> skip } /* being taken back: look again */
  :: atomic { IS_LIVE(cell[0]) && live[cell[0] - 1] -> slot = cell[0] - 1; live[slot] = false };
     claim(LOST(n));
     if
     :: touched -> wait_for_others(); finish()
     :: touched -> push()
     :: else
     fi
  :: atomic { cell[0] == 0 -> break }
#ifndef MUTANT_EXPAND_EARLY
  :: atomic { cell[0] != 0 && !IS_LIVE(cell[0]) -> m = cell[0] };
     atomic { n = count };
#else
  :: atomic { n = count };
     atomic { cell[0] != 0 && !IS_LIVE(cell[0]) -> m = cell[0] };
#endif
#ifndef MUTANT_FREE_WAIT
     atomic {
#ifdef MUTANT_EXPAND_OLDER
       n = MINUS(EXPANDED(m, n), (n != EXPANDED(m, n) -> KEPT : 0));
#else
       n = EXPANDED(m, n);
#endif
       m = 0
     };
     wait_for_others();
#endif
     m = 0;
     break
  od
}

/* An awake CPU has forgotten page 0; another forgets it before it uses an address. */
inline free_in(cpu) {
  if
  :: USES(cpu) -> assert(TLB(cpu, 0) != 1 && TLB(cpu, 1) != 1)
  :: else ->
    TLB(cpu, 0) = (TLB(cpu, 0) == 1 -> FREED : TLB(cpu, 0));
    TLB(cpu, 1) = (TLB(cpu, 1) == 1 -> FREED : TLB(cpu, 1))
  fi
}

#ifdef FREES
proctype freer() {
  byte slot, page, n, m, set, i;
  bool touched, ok;
  do
  :: atomic { !mapping -> leaving = true };
     evict();
     atomic {
       assert(!IS_LIVE(cell[0]) && pte[0] != 1 && pte[1] != 1);
       free_in(0);
       free_in(1);
#if CPUS > 2
       free_in(2);
#endif
       n = 0;
       leaving = false
     }
  od
}
#endif

/* --- The CPUs ------------------------------------------------------------------------------------ */

/* The publishing part of kmap; afterwards the slot is idle at once, because a user only keeps it from being taken. */
inline map() {
  atomic {
    assert(pte[slot] == 0 && ALL_AGREE(slot, page + 1));
    page_of[slot] = page;
    pte[slot] = page + 1;
    live[slot] = true;
    mapping = (page == 0 -> false : mapping);
    page = 0;
    slot = 0
  }
}

inline select_clean() {
  if
  :: clean & 1 -> slot = 0
  :: (clean & 2) && ((IDLERS | USERS) != 0 || clean == 2) -> slot = 1 /* else the slots are the same */
  fi;
  clean = clean & ~BIT(slot)
}

inline select_live() {
  if
  :: live[0] -> slot = 0
  :: live[1] -> slot = 1
  fi;
  live[slot] = false
}

proctype cpu(byte me) {
  byte slot, page, n, e, set, i;
  bool touched, ok;
  do
  :: dropped[me] != count -> come_by()
  :: atomic { ME(IDLERS) -> awake = awake & ~BIT(me) };
     leave_idle()
  :: atomic { ME(USERS) -> in_user = in_user | BIT(me) };
     leave_user()
  :: atomic {
       ME(MAPPERS) && clean != 0 && !leaving && !IS_LIVE(cell[0]) ->
       mapping = true;
       select_clean();
       cell[0] = LIVE(slot)
     };
     map()
  :: atomic { ME(MAPPERS) && clean != 0 && !IS_LIVE(cell[1]) -> page = 1; select_clean(); cell[1] = LIVE(slot) };
     map()
  :: atomic { ME(SCAVENGERS | TAKERS) && (live[0] || live[1]) -> select_live() };
     scavenge()
  :: atomic { ME(SCAVENGERS | MAPPERS) && waiting != 0 ->
       if
       :: waiting & 1 -> slot = 0
       :: waiting & 2 -> slot = 1
       fi;
       waiting = waiting & ~BIT(slot);
       n = number[slot];
       number[slot] = 0
     };
     pop_passed()
  od
}

init {
  atomic {
#ifdef WALKS
    run walker();
#endif
#ifdef FREES
    run freer();
#endif
#if CPUS > 2
    run cpu(2);
#endif
    run cpu(1);
    run cpu(0)
  }
}
