/* What the random test works with: its threads, their allocations, and the pattern of a page. */
#ifndef KMAPPER_TESTS_KERNEL_CODE_RANDOM_OPS_H
#define KMAPPER_TESTS_KERNEL_CODE_RANDOM_OPS_H

#include <pthread.h>
#include <stdint.h>

#include "kmapper/linux/highmem.h"
#include "kmapper/linux/pagemap.h"

#define OWN 24 /* allocations of a thread */
#define WORDS (PAGE_SIZE / sizeof(unsigned long))

/* NOLINTNEXTLINE(readability-identifier-naming): as C has it */
enum kind { NOTHING, PLAIN, COMPOUND, BY_ADDRESS, EXACT };

/* The pages of an allocation: how they are freed depends on the call that made them. */
struct block {
  enum kind kind;
  unsigned int order;
  unsigned int pages;
  struct page* page; /* page[i].index: the key of its pattern */
};

struct worker {
  pthread_t thread;
  uint64_t random;
  unsigned long operations;
  int handed_over; /* atomic: a page is kmapped that another thread kunmaps */
  struct block blocks[OWN];
};

#define CHECK(condition) ((condition) ? (void)0 : failed(#condition, __FILE__, __LINE__))
void failed(const char* condition, const char* file, int line);

unsigned int below(struct worker* me, unsigned int bound);

/* Gives a page, which is mapped at `words`, another pattern. */
void fill(struct worker* me, struct page* page, unsigned long* words);
/* Whether the page has it. */
void check(struct worker* me, const struct page* page, const unsigned long* words);
void fill_block(struct worker* me, struct block* block);

/* The block stays NOTHING if there is no memory. */
void allocate(struct worker* me, struct block* block);
void release(struct worker* me, struct block* block);

#endif
