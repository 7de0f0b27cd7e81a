/* A C99 program that uses kmapper.h: each function uses one thing, and returns the line in which
 * a check failed. */
#define _GNU_SOURCE
#include "c_program.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "c_checks.h"

int c_writes_and_reads(int descriptor) {
  kmapper_budget* const budget = small_budget();
  kmapper_window* window;
  CHECK(kmapper_window_open_descriptor(descriptor, KMAPPER_READ_WRITE, budget, &window) == 0);
  CHECK(kmapper_window_size(window) == (int64_t)PAGES * PAGE);
  for (int i = 0; i < 2 * PAGES; ++i) {
    kmapper_mapping mapping;
    CHECK(kmapper_window_map(window, (int64_t)(i % PAGES) * PAGE + 5, 100, &mapping) == 0);
    CHECK(mapping.length == 100);
    unsigned char* const bytes = mapping.data;
    if (i < PAGES) memset(bytes, i + 1, 100);
    CHECK(bytes[0] == i % PAGES + 1 && bytes[99] == i % PAGES + 1);
    CHECK(kmapper_mapping_fault(&mapping) == 0);
    kmapper_mapping_release(&mapping);
    CHECK(mapping.data == NULL);
    kmapper_mapping_release(&mapping);
  }
  CHECK(kmapper_window_sync(window) == 0);
  CHECK(kmapper_window_start_sync(window, 0, PAGE) == 0);
  CHECK(kmapper_window_sync_range(window, PAGE, PAGE) == 0);
  kmapper_stats stats = {.size = sizeof stats};
  CHECK(kmapper_budget_stats(budget, &stats) == 0);
  CHECK(stats.misses > PAGES && stats.pinned == 0 && stats.granule == PAGE);
  CHECK(kmapper_budget_granule(budget) == PAGE);
  CHECK(stats.mapped > 0 && stats.populated > 0 && stats.longest_holder == 0);
  CHECK(kmapper_budget_trim(budget) == stats.mapped / PAGE);
  CHECK(kmapper_budget_report_holders(budget, 0) == 0);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  return 0;
}

int c_maps_across_granules(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  kmapper_mapping mapping;
  CHECK(kmapper_window_longest(window) == PAGE + 1);
  CHECK(kmapper_window_map(window, 3 * PAGE - 1, 2, &mapping) == 0);
  memcpy(mapping.data, "ab", 2);
  kmapper_mapping_release(&mapping);
  char bytes[2];
  CHECK(pread(descriptor, bytes, 2, 3 * PAGE - 1) == 2 && memcmp(bytes, "ab", 2) == 0);
  kmapper_window_close(window);
  return 0;
}

int c_is_told_what_is_wrong(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map(window, PAGES * PAGE - 1, 2, &mapping) == KMAPPER_BEYOND_END);
  CHECK(mapping.data == NULL);
  CHECK(kmapper_last_error() == KMAPPER_BEYOND_END);
  CHECK(kmapper_last_offset() == PAGES * PAGE - 1);
  CHECK(kmapper_last_length() == 2);
  CHECK(kmapper_last_limit() == PAGES * PAGE);
  CHECK(strstr(kmapper_last_message(), "descriptor ") != NULL);
  CHECK(strstr(kmapper_last_message(), "2 bytes at 262143: beyond the end of the file, 262144") !=
        NULL);
  CHECK(strcmp(kmapper_strerror(KMAPPER_BEYOND_END), "beyond the end of the file") == 0);
  CHECK(strcmp(kmapper_strerror(ENOSPC), "No space left on device") == 0);
  CHECK(kmapper_window_map(window, -1, 2, &mapping) == KMAPPER_INVALID_RANGE);
  CHECK(kmapper_window_map(window, 0, 40 * PAGE, &mapping) == KMAPPER_TOO_LARGE);
  kmapper_window_close(window);

  kmapper_window* none;
  kmapper_budget* const budget = small_budget();
  CHECK(kmapper_window_open("/no/such/file", KMAPPER_READ_ONLY, budget, &none) == ENOENT);
  CHECK(none == NULL);
  CHECK(strstr(kmapper_last_message(), "/no/such/file") != NULL);
  CHECK(kmapper_window_open_descriptor(descriptor, 7, budget, &none) == KMAPPER_INVALID_OPTION);
  kmapper_budget_destroy(budget);

  kmapper_budget* no_budget;
  kmapper_options options = {.size = sizeof options, .granule = 12345};
  CHECK(kmapper_budget_create(&options, &no_budget) == KMAPPER_INVALID_OPTION && no_budget == NULL);
  CHECK(strstr(kmapper_last_message(), "12345") != NULL);
  options = (kmapper_options){.size = sizeof options, .core_dump = 3};
  CHECK(kmapper_budget_create(&options, &no_budget) == KMAPPER_INVALID_OPTION && no_budget == NULL);
  CHECK(strstr(kmapper_last_message(), "core_dump 3") != NULL);
  options = (kmapper_options){.size = sizeof options, .placement = 4};
  CHECK(kmapper_budget_create(&options, &no_budget) == KMAPPER_INVALID_OPTION);
  return 0;
}

/* Takes all slots of the window. */
static int take_all(kmapper_window* window, kmapper_mapping* mappings) {
  int taken = 0;
  while (kmapper_window_try_map(window, (int64_t)taken * PAGE, 1, &mappings[taken]) == 0) ++taken;
  return taken;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int c_waits_within_limits(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  kmapper_mapping taken[PAGES];
  const int count = take_all(window, taken);
  CHECK(count == 14);
  CHECK(kmapper_last_error() == KMAPPER_WOULD_SLEEP);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map_for(window, 50 * PAGE, 1, 1000000, &mapping) == KMAPPER_TIMED_OUT);
  const kmapper_patience patience = {.size = sizeof patience, .deadline_ns = now() + 1000000};
  CHECK(kmapper_window_map_until(window, 50 * PAGE, 1, &patience, &mapping) == KMAPPER_TIMED_OUT);
  CHECK(now() >= patience.deadline_ns);
  kmapper_mapping_release(&taken[0]);
  CHECK(kmapper_window_map_until(window, 50 * PAGE, 1, NULL, &mapping) == 0);
  kmapper_mapping_release(&mapping);
  for (int i = 0; i < count; ++i) kmapper_mapping_release(&taken[i]);
  kmapper_window_close(window);
  return 0;
}

static void* cancel(void* cancellation) {
  kmapper_cancellation_cancel(cancellation);
  return NULL;
}

int c_cancels_a_wait(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  kmapper_mapping taken[PAGES];
  const int count = take_all(window, taken);
  kmapper_patience patience = {.size = sizeof patience};
  CHECK(kmapper_cancellation_create(&patience.cancellation) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, cancel, patience.cancellation) == 0);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map_until(window, 50 * PAGE, 1, &patience, &mapping) == KMAPPER_CANCELLED);
  CHECK(pthread_join(thread, NULL) == 0);
  kmapper_cancellation_destroy(patience.cancellation);
  for (int i = 0; i < count; ++i) kmapper_mapping_release(&taken[i]);
  kmapper_window_close(window);
  return 0;
}

int c_opens_by_path(const char* path) {
  kmapper_budget* const budget = small_budget();
  kmapper_window* window;
  CHECK(kmapper_window_open(path, KMAPPER_READ_ONLY, budget, &window) == 0);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map(window, 0, 10, &mapping) == 0);
  kmapper_mapping_release(&mapping);
  CHECK(kmapper_window_resize(window, 0) == KMAPPER_READ_ONLY_WINDOW);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  return 0;
}

int c_resizes_and_discards(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  kmapper_mapping mapping;
  CHECK(kmapper_window_resize(window, 5000000000) == 0);
  CHECK(kmapper_window_size(window) == 5000000000);
  CHECK(kmapper_window_map(window, 4999999999, 1, &mapping) == 0);
  *(char*)mapping.data = 'x';
  CHECK(kmapper_window_resize(window, 4000000000) == KMAPPER_PINNED);
  kmapper_mapping_release(&mapping);
  CHECK(kmapper_window_resize(window, PAGES * PAGE) == 0);
  CHECK(kmapper_window_map(window, 0, 1, &mapping) == 0);
  *(char*)mapping.data = 'x';
  kmapper_mapping_release(&mapping);
  CHECK(kmapper_window_discard(window, 1, PAGE) == KMAPPER_INVALID_RANGE);
  CHECK(kmapper_window_discard(window, 0, PAGE) == 0);
  CHECK(kmapper_window_map(window, 0, 1, &mapping) == 0);
  CHECK(*(char*)mapping.data == 0);
  CHECK(kmapper_window_trim(window) == 0); /* it is held */
  kmapper_mapping_release(&mapping);
  CHECK(kmapper_window_trim(window) == 1);
  CHECK(ftruncate(descriptor, 2 * PAGE) == 0);
  CHECK(kmapper_window_size(window) == PAGES * PAGE);
  CHECK(kmapper_window_refresh(window) == 0);
  CHECK(kmapper_window_size(window) == 2 * PAGE);
  kmapper_window_close(window);
  return 0;
}

int c_survives_a_file_cut_short(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map(window, 8 * PAGE, 1, &mapping) == 0);
  CHECK(ftruncate(descriptor, PAGE) == 0);
  CHECK(*(volatile char*)mapping.data == 0);
  CHECK(kmapper_mapping_fault(&mapping) == KMAPPER_CUT_SHORT);
  kmapper_mapping_release(&mapping);
  kmapper_window_close(window);
  return 0;
}

int c_moves_a_cursor(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  kmapper_cursor* cursor;
  CHECK(kmapper_cursor_create(window, &cursor) == 0);
  for (int64_t offset = 0; offset < PAGES * PAGE; offset += 100) {
    unsigned char* const at = kmapper_cursor_at(cursor, offset, 1);
    CHECK(at != NULL);
    *at = (unsigned char)(offset / 100);
  }
  unsigned char byte;
  CHECK(pread(descriptor, &byte, 1, 12300) == 1 && byte == 123);
  CHECK(kmapper_cursor_at(cursor, PAGES * PAGE, 1) == NULL);
  CHECK(kmapper_last_error() == KMAPPER_BEYOND_END);
  kmapper_cursor_release(cursor);
  kmapper_cursor_destroy(cursor);
  kmapper_window_close(window);
  return 0;
}

int c_keeps_pages_in_high_memory(void) {
  kmapper_budget* const budget = small_budget();
  kmapper_high_memory* memory;
  kmapper_high_page pages[100];
  kmapper_mapping mapping;
  CHECK(kmapper_high_memory_create(budget, &memory) == 0);
  CHECK(kmapper_high_memory_page_size(memory) == PAGE);
  for (int i = 0; i < 100; ++i) {
    CHECK(kmapper_high_memory_allocate(memory, &pages[i]) == 0);
    CHECK(kmapper_high_memory_map(memory, pages[i], &mapping) == 0);
    memset(mapping.data, i + 1, PAGE);
    kmapper_mapping_release(&mapping);
  }
  CHECK(kmapper_high_memory_allocated(memory) == 100);
  for (int i = 0; i < 100; ++i) {
    CHECK(kmapper_high_memory_try_map(memory, pages[i], &mapping) == 0);
    CHECK(((unsigned char*)mapping.data)[PAGE - 1] == i + 1);
    CHECK(kmapper_high_memory_free(memory, pages[i]) == KMAPPER_PINNED);
    kmapper_mapping_release(&mapping);
    CHECK(kmapper_high_memory_free(memory, pages[i]) == 0);
  }
  CHECK(kmapper_high_memory_free(memory, pages[0]) == KMAPPER_INVALID_RANGE);
  CHECK(kmapper_high_memory_allocate(memory, &pages[0]) == 0);
  CHECK(kmapper_high_memory_map_until(memory, pages[0], NULL, &mapping) == 0);
  kmapper_mapping_release(&mapping);
  kmapper_high_memory_destroy(memory);
  kmapper_budget_destroy(budget);
  return 0;
}

int c_reads_ahead(int descriptor) {
  kmapper_budget* const budget = small_budget();
  kmapper_window* window;
  CHECK(kmapper_window_open_descriptor(descriptor, KMAPPER_READ_WRITE, budget, &window) == 0);
  CHECK(kmapper_window_advise(window, KMAPPER_ADVICE_RANDOM) == 0);
  CHECK(kmapper_window_advise(window, 3) == KMAPPER_INVALID_OPTION);
  CHECK(kmapper_window_prefetch(window, 0, 2 * PAGE) == 0);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map(window, PAGE, 1, &mapping) == 0);
  kmapper_mapping_release(&mapping);
  kmapper_stats stats = {.size = sizeof stats};
  CHECK(kmapper_budget_stats(budget, &stats) == 0);
  CHECK(stats.hits == 1 && stats.misses == 2);
  CHECK(kmapper_window_prefetch(window, PAGES * PAGE, 1) == KMAPPER_BEYOND_END);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  return 0;
}

int c_maps_several(int descriptor) {
  kmapper_budget* const budget = small_budget();
  kmapper_window* window;
  CHECK(kmapper_window_open_descriptor(descriptor, KMAPPER_READ_WRITE, budget, &window) == 0);
  kmapper_range ranges[15];
  for (int i = 0; i < 15; ++i)
    ranges[i] = (kmapper_range){.window = window, .offset = i * PAGE + 7, .length = 5};
  CHECK(kmapper_map_all(budget, ranges, 15, NULL) == KMAPPER_TOO_LARGE);
  CHECK(ranges[0].mapping.data == NULL);
  CHECK(kmapper_map_all(budget, ranges, 14, NULL) == 0);
  for (int i = 0; i < 14; ++i) memset(ranges[i].mapping.data, 'x', ranges[i].mapping.length);
  kmapper_range more = {.window = window, .offset = 30 * PAGE, .length = 1};
  const kmapper_patience past = {.size = sizeof past, .deadline_ns = 1};
  CHECK(kmapper_map_all(budget, &more, 1, &past) == KMAPPER_TIMED_OUT);
  for (int i = 0; i < 14; ++i) kmapper_mapping_release(&ranges[i].mapping);
  char bytes[5];
  CHECK(pread(descriptor, bytes, 5, 13 * PAGE + 7) == 5 && memcmp(bytes, "xxxxx", 5) == 0);

  kmapper_reservation* reservation;
  CHECK(kmapper_reservation_create(budget, 15, NULL, &reservation) == KMAPPER_TOO_LARGE);
  CHECK(reservation == NULL);
  CHECK(kmapper_reservation_create(budget, 2, &past, &reservation) == 0);
  kmapper_mapping taken[PAGES];
  CHECK(take_all(window, taken) == 12);
  kmapper_mapping reserved[2];
  for (int i = 0; i < 2; ++i) {
    CHECK(kmapper_reservation_left(reservation) == 2 - i);
    CHECK(kmapper_reservation_map(reservation, window, (40 + i) * PAGE, 1, &reserved[i]) == 0);
  }
  kmapper_mapping none;
  CHECK(kmapper_reservation_map(reservation, window, 50 * PAGE, 1, &none) == KMAPPER_SPENT);
  for (int i = 0; i < 2; ++i) kmapper_mapping_release(&reserved[i]);
  for (int i = 0; i < 12; ++i) kmapper_mapping_release(&taken[i]);
  kmapper_reservation_destroy(reservation);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  return 0;
}

int c_keeps_a_part_for_spans(int descriptor) {
  kmapper_options options = {.size = sizeof options,
                             .bytes = 16 * PAGE,
                             .granule = PAGE,
                             .span_bytes = 5 * PAGE,
                             .on_long_wait = KMAPPER_ON_LONG_WAIT_QUIET};
  kmapper_budget* budget;
  kmapper_window* window;
  CHECK(kmapper_budget_create(&options, &budget) == 0);
  CHECK(kmapper_window_open_descriptor(descriptor, KMAPPER_READ_ONLY, budget, &window) == 0);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map(window, PAGE - 1, 4 * PAGE, &mapping) == 0);
  kmapper_stats stats = {.size = sizeof stats};
  CHECK(kmapper_budget_stats(budget, &stats) == 0);
  CHECK(stats.span_bytes == 6 * PAGE && stats.span_bytes_in_use == 5 * PAGE);
  CHECK(stats.span_longest_free == PAGE && stats.span_waiters == 0);
  CHECK(stats.longest_holder != 0);
  kmapper_mapping_release(&mapping);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);

  options.on_long_wait = 3;
  CHECK(kmapper_budget_create(&options, &budget) == KMAPPER_INVALID_OPTION);
  CHECK(strstr(kmapper_strerror(KMAPPER_WOULD_DEADLOCK), "unknown") == NULL);
  return 0;
}

/* Structures of an older and of a newer header. */
int c_is_of_another_version(int descriptor) {
  struct {
    kmapper_options known;
    uint64_t added;
  } newer = {.known = {.size = sizeof newer, .bytes = 16 * PAGE, .granule = PAGE}};
  kmapper_budget* budget;
  CHECK(kmapper_budget_create(&newer.known, &budget) == 0);
  kmapper_budget_destroy(budget);
  newer.added = 1;
  CHECK(kmapper_budget_create(&newer.known, &budget) == KMAPPER_INVALID_OPTION && budget == NULL);
  char expected[64];
  snprintf(expected, sizeof expected, "kmapper_options of %u bytes", (unsigned)sizeof newer);
  CHECK(strstr(kmapper_last_message(), expected) != NULL);

  kmapper_options older = {.size = offsetof(kmapper_options, placement),
                           .bytes = 16 * PAGE,
                           .granule = PAGE,
                           .placement = 77};
  CHECK(kmapper_budget_create(&older, &budget) == 0);
  kmapper_stats stats = {.size = offsetof(kmapper_stats, misses), .misses = 77};
  CHECK(kmapper_budget_stats(budget, &stats) == 0);
  CHECK(stats.misses == 77 && stats.hits == 0);
  stats.size = 3;
  CHECK(kmapper_budget_stats(budget, &stats) == KMAPPER_INVALID_OPTION);

  kmapper_window* window;
  CHECK(kmapper_window_open_descriptor(descriptor, KMAPPER_READ_ONLY, budget, &window) == 0);
  const kmapper_patience nothing = {.size = 0};
  kmapper_mapping mapping;
  CHECK(kmapper_window_map_until(window, 0, 1, &nothing, &mapping) == KMAPPER_INVALID_OPTION);
  CHECK(mapping.data == NULL);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  return 0;
}
