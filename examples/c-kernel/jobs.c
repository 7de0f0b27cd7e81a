// What the kernel does once it runs: it tests its threads, runs processes, and fills its memory.
#include "kernel.h"
#include "kmapper/kernel.h"

static void check(bool good, const char* what) {
  if (!good) panic("%s: wrong", what);
  print("%s: good\n", what);
}

// Runs `count` threads, each with its number as its argument, and returns the sum of their results.
static int run_threads(uint32_t count, int (*function)(void*)) {
  struct thread* started[8];
  int sum = 0;
  for (uint32_t i = 0; i < count; ++i) started[i] = thread_start(function, (void*)i);
  for (uint32_t i = 0; i < count; ++i) sum += thread_join(started[i]);
  return sum;
}

// --- threads

enum { ROUNDS = 20000, PRODUCERS = 3, ITEMS = 2000, PLACES = 4 };

static struct spinlock counter_lock;
static uint32_t counter;

static int add_to_counter(void* unused) {
  (void)unused;
  for (int i = 0; i < ROUNDS; ++i) {
    spin_lock(&counter_lock);
    ++counter;
    spin_unlock(&counter_lock);
  }
  return 0;
}

// One thread more than CPUs, none of which gives its CPU up, and the last has to end them.
static int wait_for_last(void* number) {
  static uint32_t last_ran;
  if ((uint32_t)number == cpu_count) __atomic_store_n(&last_ran, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n(&last_ran, __ATOMIC_ACQUIRE)) relax();
  return 1;
}

static struct spinlock buffer_lock;
static int buffer[PLACES];
static uint32_t put_count, taken_count;

static int produce_or_consume(void* number) {
  const bool producer = (uint32_t)number < PRODUCERS;
  const uint32_t full = producer ? PLACES : 0;
  uint32_t* const mine = producer ? &put_count : &taken_count;
  int sum = 0;
  for (int i = 0; i < ITEMS; ++i) {
    spin_lock(&buffer_lock);
    while (put_count - taken_count == full) sleep(mine, &buffer_lock);
    int* const place = &buffer[*mine % PLACES];
    if (producer) *place = i;
    sum += producer ? -*place : *place;
    ++*mine;
    wakeup(producer ? &taken_count : &put_count);
    spin_unlock(&buffer_lock);
  }
  return sum;
}

void test_threads(void) {
  const uint32_t count = cpu_count + 1;
  run_threads(count, add_to_counter);
  check(counter == count * ROUNDS, "a counter under a spinlock");
  check(run_threads(count, wait_for_last) == (int)count, "preemption");
  check(run_threads(2 * PRODUCERS, produce_or_consume) == 0 && put_count == PRODUCERS * ITEMS,
        "a bounded buffer");
}

// --- processes

void run_processes(void) {
  struct thread* const first = process_start();
  struct thread* const second = process_start();
  const int first_result = thread_join(first), second_result = thread_join(second);
  check(first_result == 0 && second_result == 0, "two processes");
}

// --- memory

static struct page* held[MAX_CPUS];  // a list for each thread

static int take_and_write(void* number) {
  int count = 0;
  for (struct page* page; (page = alloc_page()); ++count) {
    page->next = held[(uint32_t)number];
    held[(uint32_t)number] = page;
    uint32_t* const words = kmapper_kmap(page);
    for (uint32_t i = 0; i < PAGE_SIZE / 4; ++i) words[i] = page_number(page);
    kmapper_kunmap(page);
  }
  return count;
}

// Reads what the next thread wrote, so mostly another CPU.
static int read_back(void* number) {
  int count = 0;
  for (struct page* page = held[((uint32_t)number + 1) % cpu_count]; page; page = page->next) {
    const uint32_t* const words = kmapper_kmap(page);
    for (uint32_t i = 0; i < PAGE_SIZE / 4; ++i)
      if (words[i] != page_number(page)) panic("page %x holds %x", page_number(page), words[i]);
    kmapper_kunmap(page);
    ++count;
  }
  return count;
}

static int give_back(void* number) {
  int count = 0;
  for (struct page* page; (page = held[(uint32_t)number]); ++count) {
    held[(uint32_t)number] = page->next;
    free_page(page);
  }
  return count;
}

void fill_memory(void) {
  const int written = run_threads(cpu_count, take_and_write);
  const int read = run_threads(cpu_count, read_back);
  const int freed = run_threads(cpu_count, give_back);
  check(read == written && freed == written, "fill");
  print("fill: %u MiB written, read back and freed\n", (uint32_t)written / 256);
}
