/* More of the C99 program of c_program.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "c_checks.h"
#include "c_program.h"

int c_reads_statistics(int descriptor) {
  kmapper_budget* const budget = small_budget();
  kmapper_window* window;
  kmapper_mapping mapping;
  CHECK(kmapper_window_open_descriptor(descriptor, KMAPPER_READ_WRITE, budget, &window) == 0);
  CHECK(kmapper_window_map(window, 0, 10, &mapping) == 0);
  char line[1000];
  size_t length;
  CHECK(kmapper_budget_stats_line(budget, line, sizeof line, &length) == 0);
  CHECK(strlen(line) == length && strstr(line, "misses=1 ") && strstr(line, " pinned=4096 "));
  char start[10];
  CHECK(kmapper_budget_stats_line(budget, start, sizeof start, NULL) == 0);
  CHECK(strlen(start) == 9 && strncmp(start, line, 9) == 0);
  CHECK(kmapper_budget_stats_line(budget, NULL, 1, &length) == KMAPPER_INVALID_OPTION);

  const kmapper_budget* const both[] = {budget, budget};
  const char* const names[] = {"first", NULL};
  CHECK(kmapper_stats_prometheus(both, names, 2, NULL, 0, &length) == 0);
  char text[10000];
  CHECK(length > 1000 && length < sizeof text);
  CHECK(kmapper_stats_prometheus(both, names, 2, text, sizeof text, &length) == 0);
  CHECK(strlen(text) == length && text[length - 1] == '\n');
  CHECK(strstr(text, "\nkmapper_pinned_bytes{budget=\"first\"} 4096\nkmapper_pinned_bytes 4096\n"));
  const kmapper_budget* const none[] = {budget, NULL};
  CHECK(kmapper_stats_prometheus(none, NULL, 2, text, sizeof text, NULL) == KMAPPER_INVALID_OPTION);
  CHECK(text[0] == '#' && kmapper_stats_prometheus(NULL, NULL, 1, text, sizeof text, NULL) != 0);
  kmapper_mapping_release(&mapping);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  return 0;
}

int c_appends(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_WRITE);
  const char text[] = "at the end";
  int64_t offset;
  CHECK(kmapper_window_append(window, text, sizeof text, &offset) == 0);
  CHECK(offset == (int64_t)PAGES * PAGE);
  CHECK(kmapper_window_append(window, text, sizeof text, NULL) == 0);
  kmapper_mapping mapping;
  CHECK(kmapper_window_map(window, offset + (int64_t)sizeof text, sizeof text, &mapping) == 0);
  CHECK(memcmp(mapping.data, text, sizeof text) == 0);
  kmapper_mapping_release(&mapping);
  CHECK(kmapper_window_append(window, NULL, 1, &offset) == KMAPPER_INVALID_OPTION && offset == 0);
  kmapper_window_close(window);
  kmapper_window* const reader = open_window(descriptor, KMAPPER_READ_ONLY);
  CHECK(kmapper_window_append(reader, text, 1, &offset) == KMAPPER_READ_ONLY_WINDOW);
  kmapper_window_close(reader);
  return 0;
}

int c_keeps_writes_to_itself(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_ONLY);
  char before;
  CHECK(pread(descriptor, &before, 1, 100) == 1);
  kmapper_mapping mine, next;
  CHECK(kmapper_window_map_private(window, 100, PAGE, NULL, &mine) == 0);
  *(char*)mine.data = (char)(before + 1);
  const kmapper_patience none = {.size = sizeof none, .deadline_ns = -1};
  CHECK(kmapper_window_map_private(window, 0, 1, &none, &next) == KMAPPER_TIMED_OUT);
  CHECK(next.data == NULL);
  kmapper_mapping_release(&mine);
  CHECK(kmapper_window_map_private(window, 100, 1, &none, &next) == 0);
  CHECK(*(char*)next.data == before);
  kmapper_mapping_release(&next);
  kmapper_window_close(window);
  return 0;
}

int c_waits_for_a_prefetch(int descriptor) {
  kmapper_window* const window = open_window(descriptor, KMAPPER_READ_ONLY);
  kmapper_prefetch* prefetch;
  CHECK(kmapper_prefetch_start(window, PAGE + 1, 2 * PAGE, &prefetch) == 0);
  CHECK(kmapper_prefetch_wait(prefetch) == 0);
  CHECK(kmapper_prefetch_is_done(prefetch) == 1);
  CHECK(kmapper_prefetch_bytes(prefetch) == 2 * PAGE);
  kmapper_prefetch_destroy(prefetch);
  CHECK(kmapper_prefetch_start(window, PAGES * PAGE, 1, &prefetch) == KMAPPER_BEYOND_END);
  CHECK(prefetch == NULL);
  CHECK(kmapper_prefetch_wait(NULL) == KMAPPER_INVALID_OPTION);
  kmapper_prefetch_destroy(NULL);
  kmapper_window_close(window);
  return 0;
}

int c_finds_pages_by_name(const char* path) {
  kmapper_budget* const budget = small_budget();
  kmapper_named_pages* pages;
  CHECK(kmapper_named_pages_open(path, budget, &pages) == 0);
  kmapper_high_page list[2], found[2] = {0, 0};
  kmapper_mapping mapping;
  for (int i = 0; i < 2; ++i) {
    CHECK(kmapper_named_pages_allocate(pages, &list[i]) == 0);
    CHECK(kmapper_named_pages_map(pages, list[i], NULL, &mapping) == 0);
    memset(mapping.data, 'a' + i, PAGE);
    kmapper_mapping_release(&mapping);
  }
  CHECK(kmapper_named_pages_name(pages, "both", list, 2) == 0);
  kmapper_named_pages* again;
  CHECK(kmapper_named_pages_open(path, budget, &again) == EWOULDBLOCK && again == NULL);
  CHECK(strstr(kmapper_last_message(), "is open in another process") != NULL);
  kmapper_named_pages_close(pages);

  CHECK(kmapper_named_pages_open(path, budget, &pages) == 0);
  size_t count;
  CHECK(kmapper_named_pages_find(pages, "both", found, 1, &count) == 0);
  CHECK(count == 2 && found[0] == list[0] && found[1] == 0);
  CHECK(kmapper_named_pages_find(pages, "both", found, 2, NULL) == 0 && found[1] == list[1]);
  CHECK(kmapper_named_pages_map(pages, found[1], NULL, &mapping) == 0);
  CHECK(*(char*)mapping.data == 'b');
  kmapper_mapping_release(&mapping);
  CHECK(kmapper_named_pages_free(pages, found[1]) == KMAPPER_INVALID_RANGE);
  CHECK(kmapper_named_pages_unname(pages, "both") == 0);
  CHECK(kmapper_named_pages_find(pages, "both", NULL, 0, &count) == ENOENT && count == 0);
  CHECK(kmapper_named_pages_free(pages, found[1]) == 0);
  CHECK(kmapper_named_pages_name(pages, NULL, NULL, 0) == KMAPPER_INVALID_OPTION);
  kmapper_named_pages_close(pages);
  kmapper_budget_destroy(budget);
  return 0;
}
