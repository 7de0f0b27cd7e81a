/* What the sources of the C program share. */
#ifndef KMAPPER_TESTS_C_CHECKS_H
#define KMAPPER_TESTS_C_CHECKS_H

#include <stdio.h>
#include <string.h>

#include "kmapper/kmapper.h"

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "not so: %s (%s)\n", #condition, kmapper_last_message()); \
      return __LINE__;                                                          \
    }                                                                           \
  } while (0)

enum { PAGE = 4096, PAGES = 64 };

/* 16 pages: 14 slots, and two pages for mappings across pages. */
static inline kmapper_budget* small_budget(void) {
  kmapper_options options;
  kmapper_budget* budget = NULL;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.bytes = 16 * PAGE;
  options.granule = PAGE;
  return kmapper_budget_create(&options, &budget) == KMAPPER_OK ? budget : NULL;
}

/* The window keeps its budget alive. */
static inline kmapper_window* open_window(int descriptor, int access) {
  kmapper_budget* const budget = small_budget();
  kmapper_window* window = NULL;
  kmapper_window_open_descriptor(descriptor, access, budget, &window);
  kmapper_budget_destroy(budget);
  return window;
}

#endif
