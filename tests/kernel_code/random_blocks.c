#include <stdio.h>
#include <stdlib.h>

#include "random_ops.h"

void failed(const char* condition, const char* file, int line) {
  fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
  _Exit(3);
}

unsigned int below(struct worker* me, unsigned int bound) {
  me->random ^= me->random << 13;
  me->random ^= me->random >> 7;
  me->random ^= me->random << 17;
  return (unsigned int)((me->random >> 16) % bound);
}

/* --- The pattern of a page --- */

static unsigned long word_at(unsigned long key, size_t at) { return (key + 1) * 0x9E3779B1UL + at; }

void fill(struct worker* me, struct page* page, unsigned long* words) {
  size_t i;
  page->index = below(me, 1U << 30);
  for (i = 0; i < WORDS; i++) words[i] = word_at(page->index, i);
}

void check(struct worker* me, const struct page* page, const unsigned long* words) {
  int i;
  CHECK(words[0] == word_at(page->index, 0));
  CHECK(words[WORDS - 1] == word_at(page->index, WORDS - 1));
  for (i = 0; i < 6; i++) {
    const size_t at = below(me, WORDS);
    CHECK(words[at] == word_at(page->index, at));
  }
}

void fill_block(struct worker* me, struct block* block) {
  unsigned int i;
  for (i = 0; i < block->pages; i++) {
    unsigned long* const words = kmap_local_page(block->page + i);
    fill(me, block->page + i, words);
    kunmap_local(words);
  }
}

/* --- Allocations of this thread --- */

void allocate(struct worker* me, struct block* block) {
  const gfp_t zone = below(me, 3) ? GFP_HIGHUSER : GFP_KERNEL;
  const gfp_t zero = below(me, 4) ? 0 : __GFP_ZERO;
  void* address;
  block->kind = PLAIN + below(me, 4);
  block->order = below(me, 4) ? below(me, 2) : below(me, 4);
  block->pages = 1U << block->order;
  switch (block->kind) {
    case PLAIN:
      block->page = alloc_pages(zone | zero, block->order);
      break;
    case COMPOUND:
      block->page = alloc_pages(zone | zero | __GFP_COMP, block->order);
      break;
    case BY_ADDRESS:
      address = (void*)__get_free_pages(GFP_NOFS, block->order);
      block->page = address ? virt_to_page(address) : NULL;
      break;
    default:
      block->pages = 1 + below(me, 7);
      address = alloc_pages_exact(block->pages * PAGE_SIZE - below(me, PAGE_SIZE), GFP_ATOMIC);
      block->page = address ? virt_to_page(address) : NULL;
  }
  if (!block->page) {
    block->kind = NOTHING;
    return;
  }
  CHECK(page_count(block->page) == 1);
  CHECK(PageCompound(block->page) == (block->kind == COMPOUND && block->order > 0));
  if (zero && block->kind <= COMPOUND) {
    const unsigned long* const words = kmap_local_page(block->page + block->pages - 1);
    CHECK(words[below(me, WORDS)] == 0);
    kunmap_local(words);
  }
  fill_block(me, block);
}

void release(struct worker* me, struct block* block) {
  unsigned int i;
  struct page* const page = block->page;
  switch (block->kind) {
    case NOTHING:
      return;
    case PLAIN:
      if (block->order > 0 && below(me, 4) == 0) {
        split_page(page, block->order);
        for (i = block->pages; i > 0; i--) put_page(page + i - 1);
      } else {
        __free_pages(page, block->order);
      }
      break;
    case COMPOUND:
      if (below(me, 2))
        put_page(page + below(me, block->pages));
      else
        __free_pages(page, block->order);
      break;
    case BY_ADDRESS:
      free_pages((unsigned long)page_address(page), block->order);
      break;
    case EXACT:
      free_pages_exact(page_address(page), block->pages * PAGE_SIZE);
  }
  block->kind = NOTHING;
}
