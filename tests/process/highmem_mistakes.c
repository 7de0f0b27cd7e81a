/* Usual mistakes with high memory in the kernel, each in a function of its own. */
#define _GNU_SOURCE
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "highmem_driver.h"

static struct page* high_page(void) { return alloc_page(GFP_HIGHUSER); }

int use_after_kunmap(void) {
  struct page* const page = high_page();
  volatile char* const text = kmap(page);
  text[7] = 1;
  kunmap(page);
  return text[7] * 0;
}

int write_after_kunmap_local(void) {
  volatile char* const text = kmap_local_page(high_page());
  kunmap_local((const void*)text);
  text[7] = 1;
  return 0;
}

int use_of_a_stale_address_while_another_page_is_mapped(void) {
  struct page* const page = high_page();
  volatile char* const text = kmap(page);
  kunmap(page);
  kmap(high_page());
  return text[7] * 0;
}

int missing_kmap_of_page_address(void) {
  volatile char* const text = page_address(high_page());
  return text[7] * 0;
}

int missing_kmap_of_a_computed_address(void) {
  struct page* const page = alloc_pages(GFP_HIGHUSER, 1);
  volatile char* const text = kmap_local_page(page + 1);
  kunmap_local((const void*)text);
  return *(text - 2 * PAGE_SIZE) * 0;
}

int struct_page_used_as_memory(void) {
  struct page* const page = high_page();
  strcpy((char*)page, "text");
  kmap(page);
  return 0;
}

int access_beyond_the_page(void) {
  volatile char* const text = kmap(high_page());
  return text[PAGE_SIZE] * 0;
}

int access_before_the_page(void) {
  struct page* const pages = alloc_pages(GFP_HIGHUSER, 1);
  volatile char* const text = kmap(pages + 1);
  return text[-1] * 0;
}

int access_before_the_page_while_its_neighbour_is_mapped(void) {
  struct page* const pages = alloc_pages(GFP_HIGHUSER, 1);
  volatile char* const text = kmap(pages + 1);
  kmap(pages);
  return text[-1] * 0;
}

int use_after_free(void) {
  struct page* const page = high_page();
  volatile char* const text = kmap(page);
  kunmap(page);
  __free_page(page);
  return text[7] * 0;
}

int kunmap_twice(void) {
  struct page* const page = high_page();
  kmap(page);
  kunmap(page);
  kunmap(page);
  return 0;
}

int kunmap_of_what_was_never_kmapped(void) {
  kunmap(high_page());
  return 0;
}

int kunmap_of_the_wrong_page(void) {
  struct page* const right = high_page();
  struct page* const wrong = high_page();
  kmap(right);
  kunmap(wrong);
  return 0;
}

int kunmap_of_an_address(void) {
  void* const text = kmap(high_page());
  kunmap(text);
  return 0;
}

int kunmap_of_a_low_page_twice(void) {
  struct page* const page = alloc_page(GFP_KERNEL);
  kmap(page);
  kunmap(page);
  kunmap(page);
  return 0;
}

int kunmap_local_out_of_order(void) {
  void* const first = kmap_local_page(high_page());
  kmap_local_page(high_page());
  kunmap_local(first);
  return 0;
}

int kunmap_local_twice(void) {
  void* const text = kmap_local_page(high_page());
  kunmap_local(text);
  kunmap_local(text);
  return 0;
}

int kunmap_local_of_a_struct_page(void) {
  struct page* const page = high_page();
  kmap_local_page(page);
  kunmap_local(page);
  return 0;
}

int kunmap_local_of_a_kmap(void) {
  kunmap_local(kmap(high_page()));
  return 0;
}

int kunmap_local_of_a_kmap_atomic(void) {
  kunmap_local(kmap_atomic(high_page()));
  return 0;
}

int kmap_local_too_deep(void) {
  int i;
  for (i = 0; i < 17; ++i) kmap_local_page(high_page());
  return 0;
}

int kmap_in_an_atomic_section(void) {
  struct page* const page = high_page();
  kmap_atomic(high_page());
  kmap(page);
  return 0;
}

int allocation_in_an_atomic_section(void) {
  kmap_atomic(high_page());
  alloc_page(GFP_KERNEL);
  return 0;
}

int free_while_kmapped(void) {
  struct page* const page = high_page();
  kmap(page);
  __free_page(page);
  return 0;
}

int free_twice(void) {
  struct page* const page = high_page();
  __free_page(page);
  __free_page(page);
  return 0;
}

int free_with_another_order(void) {
  __free_pages(alloc_pages(GFP_HIGHUSER, 2), 1);
  return 0;
}

int copy_beyond_the_page(void) {
  char bytes[16] = {0};
  memcpy_to_page(high_page(), PAGE_SIZE - 8, bytes, sizeof bytes);
  return 0;
}

int virt_to_page_of_a_kmap(void) {
  virt_to_page(kmap(high_page()));
  return 0;
}

static void* map_and_end(void* page) {
  kmap_local_page(page);
  return NULL;
}

int thread_that_ends_with_a_local_mapping(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, map_and_end, high_page());
  return pthread_join(thread, NULL);
}

static volatile char* address_of_a_thread;

static void* read_what_another_maps(void* mapped) {
  char byte;
  kmap_local_page(high_page()); /* so it may access something */
  while (!__atomic_load_n((int*)mapped, __ATOMIC_SEQ_CST)) sched_yield();
  byte = *address_of_a_thread;
  (void)byte;
  return NULL;
}

int use_of_what_another_thread_maps(void) {
  int mapped = 0;
  pthread_t thread;
  pthread_create(&thread, NULL, read_what_another_maps, &mapped);
  address_of_a_thread = kmap_local_page(high_page());
  __atomic_store_n(&mapped, 1, __ATOMIC_SEQ_CST);
  pthread_join(thread, NULL);
  kunmap_local((const void*)address_of_a_thread);
  return 0;
}

static void* map_and_unmap(void* page) {
  address_of_a_thread = kmap_local_page(page);
  kunmap_local((const void*)address_of_a_thread);
  return NULL;
}

int use_of_what_another_thread_unmapped(void) {
  struct page* const page = high_page();
  pthread_t thread;
  kmap_local_page(page);
  pthread_create(&thread, NULL, map_and_unmap, page);
  pthread_join(thread, NULL);
  return *address_of_a_thread * 0;
}

/* The thread that must sleep before the other thread continues. */
static int sleeper;

static int sleeper_now(void) { return __atomic_load_n(&sleeper, __ATOMIC_SEQ_CST); }

static int sleeps(int thread) {
  char path[64], text[512] = {0}, state = 0;
  FILE* file;
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
  file = fopen(path, "r");
  if (!file) return 0;
  if (fread(text, 1, sizeof text - 1, file) > 0 && strrchr(text, ')'))
    state = strrchr(text, ')')[2];
  fclose(file);
  return state == 'S';
}

static void* hold_a_slot_until_somebody_sleeps(void* page) {
  kmap(page);
  __atomic_store_n(&sleeper, -1, __ATOMIC_SEQ_CST);
  while (sleeper_now() == -1 || !sleeps(sleeper_now())) sched_yield();
  kunmap(page);
  return NULL;
}

int kmap_that_sleeps_while_holding_another(void) {
  pthread_t thread;
  struct page* const held = high_page();
  struct page* const page = high_page();
  kmap(held);
  pthread_create(&thread, NULL, hold_a_slot_until_somebody_sleeps, high_page());
  while (sleeper_now() == 0) sched_yield();
  __atomic_store_n(&sleeper, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
  kmap(page);
  return pthread_join(thread, NULL);
}
