// What the calls cost, in instructions of this machine. Boot it with one CPU and QEMU's
// `-icount shift=0`: then an instruction takes a nanosecond, and RDTSC counts nanoseconds.
#include "hooks.h"

enum { ROUNDS = 10000, PAGES = 4 * KMAPPER_MAX_SLOTS };

static struct page* high[PAGES];

static inline uint32_t instructions(void) {
  uint32_t low, high_half;
  asm volatile("rdtsc" : "=a"(low), "=d"(high_half) : : "memory");
  return low;
}

// The compiler knows nothing about the page, so it takes no step of a round out of the loop.
static inline struct page* unknown(struct page* page) {
  asm volatile("" : "+r"(page));
  return page;
}

static inline void load(const void* address) { (void)*(const volatile uint32_t*)address; }

#define MEASURE(name, ...)                                  \
  __attribute__((noinline)) static uint32_t name(void) {    \
    const uint32_t start = instructions();                  \
    for (uint32_t i = 0, next = 0; i < ROUNDS; ++i) {       \
      if (++next == PAGES) next = 0;                        \
      struct page* const page = unknown(high[next * STEP]); \
      __VA_ARGS__                                           \
    }                                                       \
    return instructions() - start;                          \
  }

#define STEP 0
MEASURE(empty_loop, (void)page;)
MEASURE(hit_pair, load(kmapper_kmap(page)); kmapper_kunmap(page);)
MEASURE(hit_pair_high, load(kmapper_kmap_high(page)); kmapper_kunmap_high(page);)
MEASURE(local_pair, {
  void* const address = kmapper_kmap_local(page);
  load(address);
  kmapper_kunmap_local(address);
})
#undef STEP
#define STEP 1
MEASURE(empty_walk, (void)page;)
MEASURE(miss, load(kmapper_kmap(page)); kmapper_kunmap(page);)

static void measure(const char* what, uint32_t (*function)(void), uint32_t (*loop)(void)) {
  (void)function();  // fills the window as the next call finds it
  for (const uint64_t tick_before = now(); now() == tick_before;) relax();
  const uint32_t overhead = loop(), hundredths = (function() - overhead) / (ROUNDS / 100);
  print("%s: %u.%u%u instructions\n", what, hundredths / 100, hundredths / 10 % 10,
        hundredths % 10);
}

void test_threads(void) {
  for (uint32_t i = 0; i < PAGES; ++i) high[i] = alloc_page();
  measure("kmap, load, kunmap: a hit", hit_pair, empty_loop);
  measure("kmap_high, load, kunmap_high: a hit", hit_pair_high, empty_loop);
  measure("kmap, load, kunmap: a miss", miss, empty_walk);
  measure("kmap_local, load, kunmap_local", local_pair, empty_loop);
  power_off(0);
}

void run_processes(void) {}
void fill_memory(void) {}
