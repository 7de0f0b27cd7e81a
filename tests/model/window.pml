/* The window: hit, kunmap, miss, scavenge with one filtered flush for a batch, and the freeing of pages.
 *
 * Three threads on three CPUs map any pages, use them, give them back, take idle slots back, and free
 * pages, without end. The CPUs walk PTEs at any time. The model shows:
 *
 *   - while a page is held, its slot is live and counted, and the PTE, and the slot's entry in any TLB, map
 *     the page: the holder may migrate, or hand the address on;
 *   - a slot maps at most one page, and a page is found in at most one slot;
 *   - a slot is clean only when its PTE is empty and no TLB holds it;
 *   - when evict() has returned, the page is in no PTE and in no TLB; a page that is held is refused;
 *   - where its caller may not flush, evict() may answer that a flush is owed: then the page is in no PTE, its slot
 *     gets no page before a flush, and after a finish_flushes() the page is in no TLB; an evict() that may flush makes
 *     the flushes that others owe;
 *   - counts neither wrap nor fall below idle;
 *   - whenever all threads rest, every slot is clean, or idle and found by its page;
 *   - while no generation comes round, no hit ever pins another page's slot, and evict() refuses only pages
 *     that are held.
 *
 * One atomic { } is one atomic operation of the C++ or of the hardware, with the thread's local steps around
 * it. A load and the compare-and-swap that retries are one operation, as in sleep.pml. Interrupts off have no
 * effect here: other CPUs go on. README.md maps each step to its function.
 *
 * Settings: MAPPERS, SCAVENGERS, FREERS (masks of the threads that may do it), OWERS (a mask: these threads may not flush
 * when they free), GENERATIONS (before they come round),
 * NO_WRAP (they never come round: a slot in its last generation is left alone), EACH_CPU, LATE_WALKS (how PTEs are
 * walked, see there).
 *
 * RUN, MUTANT: the tests of run.sh; a mutant has a fault that must be found.
 *
 * RUN main: -DMAPPERS=3 -DSCAVENGERS=2 -DFREERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m4000000
 * RUN no_wrap: -DMAPPERS=3 -DSCAVENGERS=4 -DFREERS=4 -DLATE_WALKS -DGENERATIONS=3 -DNO_WRAP ; gcc=-DSAFETY ; pan=-m4000000
 * RUN walks: -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m4000000
 * RUN free: -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m4000000
 * RUN each_cpu: -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=2 -DEACH_CPU ; gcc=-DSAFETY ; pan=-m4000000
 * RUN owed: -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=6 -DOWERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m4000000
 *
 * MUTANT no_second_look: -DMUTANT_RECHECK -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT no_generation: -DMUTANT_GENERATION -DMAPPERS=3 -DSCAVENGERS=4 -DGENERATIONS=3 -DNO_WRAP ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT hit_of_the_dead: -DMUTANT_LIVE -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT kunmap_twice: -DMUTANT_KUNMAP_TWICE -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT publish_before_pte: -DMUTANT_PUBLISH_EARLY -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT claim_page_by_store: -DMUTANT_CLAIM_BY_STORE -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT loser_leaks_slot: -DMUTANT_LOSER_LEAKS -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT claim_pinned: -DMUTANT_CLAIM_PINNED -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT forget_before_claim: -DMUTANT_FORGET_BEFORE_CLAIM -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT forget_before_take: -DMUTANT_FORGET_BEFORE_TAKE -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT accessed_before_take: -DMUTANT_ACCESSED_EARLY -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT no_accessed_bit: -DMUTANT_NO_ACCESSED -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT flush_if_all_accessed: -DMUTANT_FLUSH_IF_ALL -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT flush_where_mapped: -DMUTANT_FLUSH_LOCAL -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT no_flush: -DMUTANT_NO_FLUSH -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT clean_before_flush: -DMUTANT_CLEAN_EARLY -DMAPPERS=3 -DSCAVENGERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT evict_pinned: -DMUTANT_EVICT_PINNED -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT evict_no_second_look: -DMUTANT_EVICT_REREAD -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT evict_no_finish: -DMUTANT_EVICT_NO_FINISH -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT free_no_finish: -DMUTANT_FREE_NO_FINISH -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT due_after_claim: -DMUTANT_DUE_LATE -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT due_until_flush: -DMUTANT_DUE_EARLY -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=4 ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT owed_is_clean: -DMUTANT_OWED_CLEAN -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=6 -DOWERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT owed_is_not_due: -DMUTANT_OWED_NOT_DUE -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=6 -DOWERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT owed_until_flush: -DMUTANT_OWED_EARLY -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=6 -DOWERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT owed_is_all_that_is_due: -DMUTANT_OWED_ONLY -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=6 -DOWERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT owed_for_ever: -DMUTANT_OWED_LOST -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=6 -DOWERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 * MUTANT owed_is_gone: -DMUTANT_OWED_GONE -DMAPPERS=1 -DSCAVENGERS=2 -DFREERS=6 -DOWERS=4 -DLATE_WALKS ; gcc=-DSAFETY ; pan=-m1000000
 */
#ifndef MAPPERS
#define MAPPERS 0
#endif
#ifndef SCAVENGERS
#define SCAVENGERS 0
#endif
#ifndef FREERS
#define FREERS 0
#endif
#ifndef OWERS
#define OWERS 0
#endif
#ifndef GENERATIONS
#define GENERATIONS 2 /* one bit: it wraps at once */
#endif
#define THREADS 3
#define CPUS 3
#define SLOTS 2
#define PAGES 3

/* --- slot.hpp: the word, and page->virtual ------------------------------------------------------- */

#define LIVE 8
#define GENERATION 16
#define GENERATION_OF(w) ((w) / GENERATION)
#define USERS(w) ((w) & 7)
#define IDLE(w) (((w) & LIVE) && USERS(w) == 1)
#define PINNED(w) (((w) & LIVE) && USERS(w) > 1)
#define DEAD_AFTER(w) ((GENERATION_OF(w) + 1) % GENERATIONS * GENERATION)
#define PUBLISHED(dead) ((dead) + LIVE + 2)
#define VIRTUAL(slot, dead) ((dead) + (slot) + 1)
#define SLOT_OF(v) (((v) & 7) - 1)
#if defined(MUTANT_GENERATION)
#define MATCHES(v, w) ((w) & LIVE)
#elif defined(MUTANT_LIVE)
#define MATCHES(v, w) (GENERATION_OF(v) == GENERATION_OF(w))
#else
#define MATCHES(v, w) (((w) & LIVE) && GENERATION_OF(v) == GENERATION_OF(w))
#endif
#define BIT(slot) (1 << (slot))
#define ALL (BIT(SLOTS) - 1)
#define NONE 255

byte word[SLOTS];
byte page_of[SLOTS];    /* Slot::page */
byte virtual_of[PAGES]; /* page->virtual */
byte clean = ALL;       /* clean_ */
byte flushes_due;       /* flushes_due_ */
#if OWERS
byte owed; /* owed_: slots, behind the queue's lock */
#else
#define owed 0
#endif
#define COUNT(slots) (((slots) & 1) + ((slots) >> 1))

/* --- The machine: page tables, and a TLB on each CPU --------------------------------------------- */

byte pte[SLOTS]; /* the page, counted from 1; 0: empty */
bool accessed[SLOTS];
byte tlb[CPUS * SLOTS]; /* as pte */
#define TLB(cpu, slot) tlb[(cpu) * SLOTS + (slot)]

/* No TLB translates the slot to a page other than this (counted from 1; 0: to any page). */
#define TLBS_AGREE(slot, page) \
  (TLBS_AGREE_ON(0, slot, page) && TLBS_AGREE_ON(1, slot, page) && TLBS_AGREE_ON(2, slot, page))
#define TLBS_AGREE_ON(cpu, slot, page) (TLB(cpu, slot) == 0 || TLB(cpu, slot) == (page))

/* A walk of a PTE sets its Accessed bit and fills a TLB, at any moment, requested by software or not; a holder's use,
 * from any CPU, is such a walk too. EACH_CPU: each CPU walks by itself. Otherwise all walk at once: that is the worst
 * case, because a TLB entry prevents nothing, and can only be wrong. LATE_WALKS: they walk, or not, at the last moment,
 * just before the PTE is read or taken: until then only the invariants see a difference, and for them an entry that
 * agrees with the PTE is the same as none. */
#ifdef MUTANT_NO_ACCESSED
#define SET_ACCESSED(slot) skip
#else
#define SET_ACCESSED(slot) accessed[slot] = true
#endif
#define WALKABLE(cpu, slot) (pte[slot] != 0 && TLB(cpu, slot) == 0)

inline walk(cpu, slot) {
  if
  :: WALKABLE(cpu, slot) -> TLB(cpu, slot) = pte[slot]; SET_ACCESSED(slot)
  :: else
  fi
}

#define WALK_ALL(slot) walk(0, slot); walk(1, slot); walk(2, slot)
#define WALKABLE_BY_ANY(slot) (WALKABLE(0, slot) || WALKABLE(1, slot) || WALKABLE(2, slot))

#ifdef LATE_WALKS
inline walks_until_now(slot) {
  if
  :: d_step { WALK_ALL(slot) }
  :: true
  fi
}
#else
inline walks_until_now(slot) { skip }

proctype walker() {
end:
  do
#ifdef EACH_CPU
  :: d_step { WALKABLE(0, 0) -> walk(0, 0) }
  :: d_step { WALKABLE(0, 1) -> walk(0, 1) }
  :: d_step { WALKABLE(1, 0) -> walk(1, 0) }
  :: d_step { WALKABLE(1, 1) -> walk(1, 1) }
  :: d_step { WALKABLE(2, 0) -> walk(2, 0) }
  :: d_step { WALKABLE(2, 1) -> walk(2, 1) }
#else
  :: d_step { WALKABLE_BY_ANY(0) -> WALK_ALL(0) }
  :: d_step { WALKABLE_BY_ANY(1) -> WALK_ALL(1) }
#endif
  od
}
#endif

/* Platform::invalidate(): one CPU after the other. */
#ifdef MUTANT_FLUSH_LOCAL
byte mapped_on[SLOTS]; /* the CPU that called kmap */
#define FLUSHED_ON(slot) (mapped_on[slot] == cpu)
#else
#define FLUSHED_ON(slot) true
#endif
inline invalidate(slots) {
  do
  :: atomic {
       if
       :: ((slots) & BIT(0)) && FLUSHED_ON(0) -> TLB(cpu, 0) = 0
       :: else
       fi;
       if
       :: ((slots) & BIT(1)) && FLUSHED_ON(1) -> TLB(cpu, 1) = 0
       :: else
       fi;
       cpu++;
       if
       :: cpu == CPUS -> cpu = 0; break
       :: else
       fi
     }
  od
}

/* --- The invariants ------------------------------------------------------------------------------ */

byte calling[THREADS]; /* the page (counted from 1) of a kmap that has not returned yet */
byte holders[PAGES];   /* kmaps that have returned, less kunmaps */
byte leaving;          /* the page (counted from 1) that is being freed */
byte busy;             /* threads that are not at rest */

#define OTHER(slot) (1 - (slot))
#define FOUND_IN(slot, page) \
  (virtual_of[page] == VIRTUAL(slot, GENERATION_OF(word[slot]) * GENERATION) && page_of[slot] == (page))
#define IS_HELD(slot, page)                                            \
  (PINNED(word[slot]) && FOUND_IN(slot, page) && pte[slot] == (page) + 1 && \
   TLBS_AGREE(slot, (page) + 1))
#define IS_CLEAN(slot) (word[slot] % GENERATION == 0 && pte[slot] == 0 && TLBS_AGREE(slot, 0))
#define IS_OWED(slot) (word[slot] % GENERATION == 0 && pte[slot] == 0)
#define IS_IDLE(slot) \
  (IDLE(word[slot]) && FOUND_IN(slot, page_of[slot]) && pte[slot] == page_of[slot] + 1)
#define NAMES(page, slot) (virtual_of[page] != 0 && SLOT_OF(virtual_of[page]) == (slot))
#define TLB_FORGOT(cpu, page) (TLB(cpu, 0) != (page) + 1 && TLB(cpu, 1) != (page) + 1)
#define NOT_MAPPED(page) (virtual_of[page] == 0 && pte[0] != (page) + 1 && pte[1] != (page) + 1)
#define IS_GONE(page)                                                            \
  (virtual_of[page] == 0 && pte[0] != (page) + 1 && pte[1] != (page) + 1 && TLB_FORGOT(0, page) && \
   TLB_FORGOT(1, page) && TLB_FORGOT(2, page))

inline rest() {
  busy--;
  if
  :: busy == 0 ->
    assert(flushes_due == COUNT(owed));
    assert((clean & BIT(0)) -> IS_CLEAN(0) : ((owed & BIT(0)) -> IS_OWED(0) : IS_IDLE(0)));
    assert((clean & BIT(1)) -> IS_CLEAN(1) : ((owed & BIT(1)) -> IS_OWED(1) : IS_IDLE(1)))
  :: else
  fi
}

/* --- slot_set.hpp: the clean slots --------------------------------------------------------------- */

inline insert_clean(slots) {
  atomic {
    assert(!((slots) & BIT(0)) || IS_CLEAN(0));
    assert(!((slots) & BIT(1)) || IS_CLEAN(1));
    assert((clean & (slots)) == 0);
    clean = clean | (slots);
    slots = 0
  }
}

/* --- mapper.hpp, map_slow.hpp: kmap and kunmap --------------------------------------------------- */

/* drop_user(): sleep.pml shows what happens to a parked slot. */
inline drop_user(slot) {
  assert(PINNED(word[slot]));
  word[slot] = word[slot] - 1
}

/* hit(), and pin(), its longer way. The word that hit() guesses is one of those that pin() takes. If v != 0 at
 * the end, the slot is pinned. */
inline pin() {
  atomic { virtual_of[page] != 0 -> v = virtual_of[page] };
  if
  :: atomic {
       MATCHES(v, word[SLOT_OF(v)]) ->
       assert(USERS(word[SLOT_OF(v)]) <= THREADS);
       word[SLOT_OF(v)] = word[SLOT_OF(v)] + 1
     };
#ifdef MUTANT_RECHECK
     atomic { kmap_returns(); break }
#else
     if
     :: atomic { virtual_of[page] == v -> kmap_returns(); break }
     :: atomic {
          virtual_of[page] != v -> skip;
#ifdef NO_WRAP
          assert(false)  /* a pin on another page's slot */
#endif
        };
        atomic { drop_user(SLOT_OF(v)); v = 0 }
     fi
#endif
  :: atomic { !MATCHES(v, word[SLOT_OF(v)]) -> v = 0 }  /* busy: look again */
  fi
}

/* publish() of the taken slot. */
inline publish() {
  if
#ifdef MUTANT_CLAIM_BY_STORE
  :: atomic {
#else
  :: atomic {
       virtual_of[page] == 0 ->
       assert(!NAMES(0, hand) && !NAMES(1, hand) && !NAMES(2, hand));
#endif
       virtual_of[page] = VIRTUAL(hand, word[hand]);
       page_of[hand] = page
     };
#ifdef MUTANT_PUBLISH_EARLY
     atomic { word[hand] = PUBLISHED(word[hand]) };
     atomic { write_pte(hand); v = virtual_of[page]; hand = NONE; kmap_returns(); break }
#else
     atomic { write_pte(hand) };
     atomic { word[hand] = PUBLISHED(word[hand]); v = virtual_of[page]; hand = NONE; kmap_returns(); break }
#endif
  :: atomic { virtual_of[page] != 0 -> back = BIT(hand); hand = NONE };
#ifdef MUTANT_LOSER_LEAKS
     back = 0
#else
     insert_clean(back)
#endif
  fi
}

inline write_pte(slot) {
  assert(pte[slot] == 0 && TLBS_AGREE(slot, 0));
  assert(pte[OTHER(slot)] != page + 1);
#ifdef MUTANT_FLUSH_LOCAL
  mapped_on[slot] = me;
#endif
  pte[slot] = page + 1
}

/* When kmap finds no slot in page->virtual, it goes to the miss; this, and the search that finds no clean slot,
 * are only hints. Without a clean slot kmap may scavenge, which any thread may do before its next kmap; or
 * sleep, as sleep.pml shows; or, as here, return without a mapping. */
inline kmap() {
  do
  :: pin()
  :: atomic { clean & BIT(0) -> clean = clean & ~BIT(0); hand = 0 }; publish()
  :: atomic { clean & BIT(1) -> clean = clean & ~BIT(1); hand = 1 }; publish()
  :: atomic { clean == 0 -> calling[me] = 0; break }
  od
}

inline kmap_returns() {
  calling[me] = 0;
  holders[page]++
}

/* The caller's pin keeps page->virtual unchanged. Until the kunmap the page may be used at any moment, on
 * any CPU. */
inline kunmap() {
  assert(IS_HELD(SLOT_OF(v), page));
  holders[page]--;
#ifdef MUTANT_KUNMAP_TWICE
  drop_user(SLOT_OF(v));
#endif
  drop_user(SLOT_OF(v))
}

/* --- scavenge.hpp -------------------------------------------------------------------------------- */

#ifdef NO_WRAP
#define TAKEABLE(w) (IDLE(w) && GENERATION_OF(w) != GENERATIONS - 1)
#else
#define TAKEABLE(w) IDLE(w)
#endif
#ifdef MUTANT_CLAIM_PINNED
#define SCAVENGEABLE(w) (TAKEABLE(w) || PINNED(w))
#else
#define SCAVENGEABLE(w) TAKEABLE(w)
#endif

/* claim(), after its compare-and-swap. */
inline claim(slot) {
#ifdef MUTANT_FORGET_BEFORE_TAKE
  forget_page(slot);
#endif
#ifdef MUTANT_ACCESSED_EARLY
  atomic { walks_until_now(slot); note_accessed(slot) };
  atomic { walks_until_now(slot); take_pte(slot) };
#else
  atomic { walks_until_now(slot); note_accessed(slot); take_pte(slot) };
#endif
#ifndef MUTANT_FORGET_BEFORE_TAKE
  forget_page(slot)
#endif
}

inline note_accessed(slot) {
  if
  :: accessed[slot] -> touched = touched | BIT(slot)
  :: else
  fi
}

inline take_pte(slot) {
  assert(pte[slot] != 0);
  pte[slot] = 0;
  accessed[slot] = false;
  taken = taken | BIT(slot)
}

inline forget_page(slot) { atomic { virtual_of[page_of[slot]] = 0; page_of[slot] = 0 } }

inline flush(slots) {
  if
  :: (slots) != 0 -> invalidate(slots)
  :: (slots) == 0
  fi
}

/* finish(), and the end of unmap_idle(): one flush of the accessed slots, then all are clean. */
inline finish() {
#ifdef MUTANT_DUE_EARLY
  atomic { flushes_due-- };
#endif
#ifdef MUTANT_CLEAN_EARLY
  atomic { clean = clean | taken; taken = 0 };
#endif
#if defined(MUTANT_NO_FLUSH)
  skip;
#elif defined(MUTANT_FLUSH_IF_ALL)
  if
  :: touched == taken -> flush(touched)
  :: else
  fi;
#else
  flush(touched);
#endif
#ifndef MUTANT_DUE_EARLY
  atomic { flushes_due--; touched = 0 };
#else
  atomic { touched = 0 };
#endif
  if
  :: taken != 0 -> insert_clean(taken)
  :: taken == 0
  fi
}

/* scavenge(), examine_leaf(), flush_all_zero_pkmaps(), sweep_leaf(): any idle slot may be passed over, because it was
 * referenced or because its word has just changed. */
inline scavenge() {
  do
#ifdef MUTANT_FORGET_BEFORE_CLAIM
  :: atomic { IDLE(word[0]) -> virtual_of[page_of[0]] = 0 };
     if
     :: atomic { IDLE(word[0]) -> word[0] = DEAD_AFTER(word[0]) }; claim(0)
     :: !IDLE(word[0])
     fi
#endif
  :: atomic { SCAVENGEABLE(word[0]) -> word[0] = DEAD_AFTER(word[0]) }; claim(0)
  :: atomic { SCAVENGEABLE(word[1]) -> word[1] = DEAD_AFTER(word[1]) }; claim(1)
  :: break
  od;
#ifdef MUTANT_DUE_LATE
  atomic { flushes_due++ };
#endif
  finish()
}

/* make_owed_flushes(): all of them. `made`: there was one. */
#if OWERS
inline make_owed_flushes() {
  atomic { taken = owed; owed = 0; made = taken != 0 };
#ifdef MUTANT_OWED_EARLY
  atomic { flushes_due = flushes_due - COUNT(taken) };
  flush(taken);
#else
  flush(taken);
  atomic { flushes_due = flushes_due - COUNT(taken) };
#endif
#ifdef MUTANT_OWED_LOST
  atomic { taken = 0 }
#else
  if
  :: taken != 0 -> insert_clean(taken)
  :: taken == 0
  fi
#endif
}

/* owe_flush(), after the claim. No thread sleeps here: sleep.pml shows which sleeper gets the slot. */
inline owe_flush() {
#if defined(MUTANT_OWED_CLEAN)
  atomic { flushes_due--; touched = 0 };
  insert_clean(taken)
#elif defined(MUTANT_OWED_NOT_DUE)
  atomic { flushes_due--; touched = 0; owed = owed | taken; taken = 0 }
#else
  atomic { touched = 0; owed = owed | taken; taken = 0 }
#endif
}
#define MAY_FLUSH ((OWERS & BIT(me)) == 0)
#else
inline make_owed_flushes() { skip }
inline owe_flush() { skip }
#define MAY_FLUSH true
#endif

inline finish_flushes() {
  if
  :: atomic { flushes_due == 0 -> skip }
  :: atomic { flushes_due != 0 -> at = 0 };
     make_owed_flushes();
     do
#if OWERS
#ifdef MUTANT_OWED_ONLY
     :: atomic { at == 0 && made -> made = false; break }
#else
     :: atomic { at == 0 && made && flushes_due == 0 -> made = false; break }
#endif
#endif
     :: atomic { at < SLOTS && (word[at] & LIVE) -> at++ }
     :: atomic { at < SLOTS && !(word[at] & LIVE) -> skip };
        atomic {
          if
          :: clean & BIT(at)
          :: else -> touched = touched | BIT(at)
          fi;
          at++
        }
     :: atomic { at == SLOTS -> at = 0; break }
     od;
     flush(touched);
     touched = 0
  fi
}

#ifdef MUTANT_EVICT_PINNED
#define REFUSED(w) false
#define EVICTABLE(w) ((w) & LIVE)
#else
#define REFUSED(w) PINNED(w)
#define EVICTABLE(w) TAKEABLE(w)
#endif

/* evict(), unmap_idle(): `refused` is Evicted::pinned, `took_back` is Evicted::taken_back. */
inline evict() {
  do
  :: atomic { virtual_of[page] == 0 -> break }
  :: atomic { virtual_of[page] != 0 -> v = virtual_of[page] };
     if
     :: atomic { !MATCHES(v, word[SLOT_OF(v)]) -> v = 0 }  /* being taken back */
     :: atomic {
          MATCHES(v, word[SLOT_OF(v)]) && REFUSED(word[SLOT_OF(v)]) -> skip;
#ifdef NO_WRAP
          assert(holders[page] != 0 || virtual_of[page] != v)
#endif
        };
        if
#ifdef MUTANT_EVICT_REREAD
        :: atomic { assert(page_of[SLOT_OF(v)] == page); refused = true; break }
#else
        :: atomic { virtual_of[page] == v -> assert(page_of[SLOT_OF(v)] == page); refused = true; break }
        :: atomic { virtual_of[page] != v -> v = 0 }
#endif
        fi
     :: atomic { MATCHES(v, word[SLOT_OF(v)]) && EVICTABLE(word[SLOT_OF(v)]) -> flushes_due++ };
        if
        :: atomic {
             MATCHES(v, word[SLOT_OF(v)]) && EVICTABLE(word[SLOT_OF(v)]) ->
             hand = SLOT_OF(v);
             v = 0;
             word[hand] = DEAD_AFTER(word[hand])
           };
           claim(hand);
           hand = NONE;
           if
           :: MAY_FLUSH || touched == 0 -> finish()
           :: !MAY_FLUSH && touched != 0 -> owe_flush()
           fi;
           took_back = true;
           break
        :: atomic { !(MATCHES(v, word[SLOT_OF(v)]) && EVICTABLE(word[SLOT_OF(v)])) -> flushes_due--; v = 0 }
        fi
#ifdef NO_WRAP
     :: atomic {
          MATCHES(v, word[SLOT_OF(v)]) && IDLE(word[SLOT_OF(v)]) && !TAKEABLE(word[SLOT_OF(v)]) ->
          refused = true;
          break
        }
#endif
     fi
  od;
  v = 0;
  if
  :: refused
#ifdef MUTANT_EVICT_NO_FINISH
  :: took_back
#endif
#ifdef MUTANT_FREE_NO_FINISH
  :: !refused && !took_back
#endif
  :: !refused && !MAY_FLUSH -> atomic { owes = flushes_due != 0 } /* gone() */
  :: else -> finish_flushes()
  fi
}

/* --- The threads --------------------------------------------------------------------------------- */

inline select_page() {
  if
  :: leaving != 1 -> page = 0
  :: page = 1
  :: page = 2
  fi
}

/* No thread maps a page while it is freed, but a thread may hold it. Only page 0 is freed and at once handed
 * out again: for the other pages, an evict() that takes their slots is the same as a scavenge. */
#define NOBODY_CALLS(page) (calling[0] != (page) + 1 && calling[1] != (page) + 1 && calling[2] != (page) + 1)

proctype thread(byte me) {
  byte page, v, hand = NONE, back, taken, touched, cpu, at;
  bool refused, took_back, owes, made;
  do
  :: atomic { MAPPERS & BIT(me) -> busy++; select_page(); calling[me] = page + 1 };
     kmap();
     atomic {
       if
       :: v != 0 -> kunmap()
       :: v == 0
       fi;
       v = 0;
       page = 0;
       rest()
     }
  :: atomic {
       SCAVENGERS & BIT(me) -> busy++;
#ifndef MUTANT_DUE_LATE
       flushes_due++
#endif
     };
     scavenge();
     atomic { rest() }
#if OWERS
  :: atomic { (SCAVENGERS & BIT(me)) && owed != 0 -> busy++ };
     make_owed_flushes();
     atomic { made = false; rest() }
#endif
  :: atomic { (FREERS & BIT(me)) && NOBODY_CALLS(0) && leaving == 0 -> busy++; leaving = 1 };
     evict();
#if OWERS
     /* Handed out again at once; or kept until a process may flush. */
     if
#ifndef MUTANT_OWED_GONE
     :: atomic { owes -> assert(NOT_MAPPED(0)); leaving = 0; owes = false; rest(); goto next }
     :: owes -> finish_flushes(); owes = false; made = false
     :: !owes
#else
     :: true -> owes = false
#endif
     fi;
#endif
     atomic {
       assert(refused || (IS_GONE(0) && holders[0] == 0));
       leaving = 0;
       refused = false;
       took_back = false;
       made = false;
       rest()
     };
#if OWERS
next:
     took_back = false
#endif
  od
}

init {
  atomic {
    run thread(0);
    run thread(1);
    run thread(2);
#ifndef LATE_WALKS
    run walker()
#endif
  }
}
