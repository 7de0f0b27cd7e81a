/* Random operations, all of them right, by several threads at once: none may be reported, and each
 * page keeps its pattern. Usage: random_ops OPERATIONS [SEED]. Run with few slots, threads sleep in
 * kmap(). */
#include <linux/slab.h>
#include <sched.h>
#include <stdlib.h>

#include "random_ops.h"

#define THREADS 8
#define SHARED 16      /* folios that all threads use */
#define MOST_LOCALS 16 /* of a thread */

static struct worker workers[THREADS];
static pthread_mutex_t shared_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct folio* shared[SHARED]; /* guarded by shared_mutex, which has a count of each */

/* Of one thread: a page that it has kmapped, for others to kunmap. */
static struct handed_over { struct page* page; /* atomic */ } handed_over[THREADS];

/* A page of a block of this thread; NULL: the block has none, and gets some. */
static struct page* any_page(struct worker* me) {
  struct block* const block = &me->blocks[below(me, OWN)];
  if (block->kind == NOTHING) allocate(me, block);
  return block->kind == NOTHING ? NULL : block->page + below(me, block->pages);
}

static void replace(struct worker* me) {
  struct block* const block = &me->blocks[below(me, OWN)];
  release(me, block);
  if (below(me, 4)) allocate(me, block);
}

/* --- Mappings --- */

/* A thread never sleeps for a slot while it has one. */
static void map(struct worker* me) {
  struct page* const page = any_page(me);
  unsigned long* words;
  if (!page || __atomic_load_n(&me->handed_over, __ATOMIC_ACQUIRE)) return;
  words = kmap(page);
  check(me, page, words);
  if (below(me, 2)) {
    CHECK(kmap(page) == words && page_address(page) == words && kmap_to_page(words) == page);
    kunmap(page);
  }
  if (below(me, 4) == 0) fill(me, page, words);
  kunmap(page);
}

static void map_locally(struct worker* me) {
  struct {
    struct page* page;
    char* address;
    bool is_atomic;
  } mapped[MOST_LOCALS];
  const unsigned int depth = below(me, 4) ? 1 + below(me, 3) : 1 + below(me, MOST_LOCALS);
  unsigned int i, count = 0;
  for (i = 0; i < depth; i++) {
    /* In an atomic section, no page is allocated. */
    struct block* const block = &me->blocks[below(me, OWN)];
    if (block->kind == NOTHING) continue;
    mapped[count].page = block->page + below(me, block->pages);
    mapped[count].is_atomic = below(me, 4) == 0;
    if (mapped[count].is_atomic) {
      mapped[count].address = kmap_atomic(mapped[count].page);
    } else if (block->kind == COMPOUND) {
      const size_t page = (size_t)(mapped[count].page - block->page);
      const size_t offset = below(me, PAGE_SIZE);
      char* const byte = kmap_local_folio(page_folio(block->page), page * PAGE_SIZE + offset);
      mapped[count].address = byte - offset;
    } else {
      mapped[count].address = kmap_local_page(mapped[count].page);
    }
    count++;
  }
  for (i = 0; i < count; i++) check(me, mapped[i].page, (unsigned long*)mapped[i].address);
  while (count-- > 0) {
    if (mapped[count].is_atomic)
      kunmap_atomic(mapped[count].address);
    else
      kunmap_local(mapped[count].address + below(me, PAGE_SIZE));
  }
  CHECK(preempt_count() == 0 && !pagefault_disabled());
}

static void map_in_a_section(struct worker* me) {
  struct page* const page = any_page(me);
  unsigned long* words;
  if (!page) return;
  preempt_disable();
  pagefault_disable();
  words = kmap_local_page(page);
  check(me, page, words);
  kunmap_local(words);
  pagefault_enable();
  preempt_enable();
}

static void map_in_a_row(struct worker* me) {
  struct page* pages[8];
  const unsigned int count = 1 + below(me, 8);
  const bool is_short = below(me, 2);
  unsigned long* words;
  unsigned int i;
  for (i = 0; i < count; i++)
    if (!(pages[i] = any_page(me))) return;
  words = is_short ? vm_map_ram(pages, count, 0) : vmap(pages, count, VM_MAP, PAGE_KERNEL);
  CHECK(words);
  for (i = 0; i < count; i++) {
    check(me, pages[i], words + i * WORDS);
    CHECK(vmalloc_to_page(words + i * WORDS) == pages[i]);
  }
  if (is_short)
    vm_unmap_ram(words, count);
  else
    vunmap(words);
}

/* One thread kmaps, another one kunmaps. */
static void hand_over(struct worker* me) {
  struct folio* const folio = folio_alloc(GFP_HIGHUSER, 0);
  unsigned long* words;
  if (!folio) return;
  if (__atomic_exchange_n(&me->handed_over, 1, __ATOMIC_ACQ_REL)) {
    folio_put(folio);
    return;
  }
  words = kmap(&folio->page);
  fill(me, &folio->page, words);
  __atomic_store_n(&handed_over[me - workers].page, &folio->page, __ATOMIC_RELEASE);
}

static void take_over(struct worker* me, unsigned int from) {
  struct page* const page = __atomic_exchange_n(&handed_over[from].page, NULL, __ATOMIC_ACQ_REL);
  if (!page) return;
  check(me, page, page_address(page));
  kunmap(page);
  put_page(page);
  __atomic_store_n(&workers[from].handed_over, 0, __ATOMIC_RELEASE);
}

/* --- Whole operations --- */

/* The page has a pattern again after what has changed bytes of it. */
static void fill_again(struct worker* me, struct page* page) {
  unsigned long* const words = kmap_local_page(page);
  fill(me, page, words);
  kunmap_local(words);
}

static void copy(struct worker* me) {
  struct page* const from = any_page(me);
  struct page* const to = any_page(me);
  const size_t offset = below(me, PAGE_SIZE + 1);
  const size_t length = below(me, PAGE_SIZE - offset + 1);
  char bytes[64];
  if (!from || !to || from == to) return;
  switch (below(me, 6)) {
    case 0:
      copy_highpage(to, from);
      to->index = from->index;
      return;
    case 1:
      memcpy_page(to, offset, from, PAGE_SIZE - offset - length, length);
      break;
    case 2:
      memmove_page(to, PAGE_SIZE - length, to, offset, length);
      break;
    case 3:
      memcpy_from_page(bytes, from, offset < 4032 ? offset : 4032, 64);
      memcpy_to_page(to, offset < 4032 ? offset : 4032, bytes, 64);
      break;
    case 4:
      zero_user_segments(to, 0, offset, offset, PAGE_SIZE);
      break;
    default:
      memset_page(to, offset, 7, length);
  }
  fill_again(me, to);
}

static void set_flags(struct worker* me) {
  struct block* const block = &me->blocks[below(me, OWN)];
  if (block->kind == NOTHING) return;
  lock_page(block->page);
  CHECK(PageLocked(block->page) && !trylock_page(block->page));
  SetPageDirty(block->page);
  set_page_writeback(block->page);
  CHECK(TestClearPageDirty(block->page) && PageWriteback(block->page));
  unlock_page(block->page);
  end_page_writeback(block->page);
  wait_on_page_writeback(block->page);
  wait_on_page_locked(block->page);
  if (block->kind == EXACT) return;
  get_page(block->page);
  CHECK(try_get_page(block->page) && page_count(block->page) == 3);
  put_page(block->page);
  put_page(block->page);
}

static void use_small_memory(struct worker* me) {
  const size_t size = 1 + below(me, 3000);
  unsigned char* const bytes = kmalloc(size, GFP_KERNEL);
  unsigned char* const others = vmalloc(size);
  if (bytes && others) {
    memset(bytes, 1, size);
    memset(others, 2, size);
    CHECK(bytes[size - 1] == 1 && others[size - 1] == 2);
  }
  kfree(bytes);
  vfree(others);
}

/* --- What all threads use --- */

static void use_shared(struct worker* me) {
  struct folio** const place = &shared[below(me, SHARED)];
  struct folio* folio = NULL;
  struct folio* old = NULL;
  if (below(me, 16) == 0) {
    folio = folio_alloc(below(me, 2) ? GFP_HIGHUSER : GFP_KERNEL, below(me, 3));
    if (folio) {
      struct block block = {COMPOUND, folio_order(folio), folio_nr_pages(folio), &folio->page};
      fill_block(me, &block);
    }
  }
  pthread_mutex_lock(&shared_mutex);
  if (folio) {
    old = *place;
    *place = folio;
  }
  folio = *place;
  if (folio) folio_get(folio);
  pthread_mutex_unlock(&shared_mutex);
  if (old) folio_put(old);
  if (folio) {
    struct page* const page = folio_page(folio, below(me, folio_nr_pages(folio)));
    const bool is_long = below(me, 2) && !__atomic_load_n(&me->handed_over, __ATOMIC_ACQUIRE);
    unsigned long* words = NULL;
    pgoff_t key;
    if (is_long) words = kmap(page); /* nobody sleeps for a slot with a lock */
    folio_lock(folio);
    if (!is_long) words = kmap_local_page(page);
    check(me, page, words);
    if (below(me, 2)) fill(me, page, words);
    key = page->index;
    if (below(me, 4) == 0) sched_yield();
    CHECK(page->index == key); /* nobody else has filled it */
    check(me, page, words);
    if (is_long)
      kunmap(page);
    else
      kunmap_local(words);
    folio_unlock(folio);
    folio_put(folio);
  }
}

static void take_over_from_any(struct worker* me) { take_over(me, below(me, THREADS)); }

/* What a thread does next: `below` is in percent, and the sum of those before it and its own. */
static const struct {
  unsigned int below;
  void (*operation)(struct worker* me);
} choices[] = {{12, replace},
               {30, map},
               {55, map_locally},
               {60, map_in_a_section},
               {63, map_in_a_row},
               {65, hand_over},
               {70, take_over_from_any},
               {80, copy},
               {86, set_flags},
               {90, use_small_memory},
               {100, use_shared}};

static void* work(void* argument) {
  struct worker* const me = argument;
  unsigned int i;
  while (me->operations-- > 0) {
    const unsigned int choice = below(me, 100);
    for (i = 0; choice >= choices[i].below;) i++;
    choices[i].operation(me);
  }
  take_over(me, me - workers);
  for (i = 0; i < OWN; i++) release(me, &me->blocks[i]);
  return NULL;
}

int main(int argc, char** argv) {
  const unsigned long operations = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
  const unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
  int i;
  for (i = 0; i < THREADS; i++) {
    workers[i].random = (seed * THREADS + (unsigned long)i + 1) * 0x9E3779B97F4A7C15ULL;
    workers[i].operations = operations / THREADS;
    CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
  }
  for (i = 0; i < THREADS; i++) CHECK(pthread_join(workers[i].thread, NULL) == 0);
  for (i = 0; i < SHARED; i++)
    if (shared[i]) folio_put(shared[i]);
  CHECK(preempt_count() == 0);
  return 0;
}
