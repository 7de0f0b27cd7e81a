/* Counts the lines of a file of any size, and maps no more than 1 MiB of it at a time. In C99.
 *
 *     cc -std=c99 count_lines.c -o count_lines -lkmapper
 *     ./count_lines count_lines.c
 */
#include <kmapper/kmapper.h>
#include <stdio.h>

static int fail(const char* message) {
  fprintf(stderr, "%s\n", message);
  return 1;
}

int main(int count, char** arguments) {
  const kmapper_options options = {.size = sizeof options, .bytes = 1 << 20};
  kmapper_budget* budget;
  kmapper_window* window;
  long lines = 0;
  if (count != 2) return fail("usage: count_lines FILE");
  if (kmapper_budget_create(&options, &budget) != 0 ||
      kmapper_window_open(arguments[1], KMAPPER_READ_ONLY, budget, &window) != 0)
    return fail(kmapper_last_message());
  const int64_t size = kmapper_window_size(window), granule = kmapper_budget_granule(budget);
  for (int64_t offset = 0; offset < size; offset += granule) {
    const int64_t length = size - offset < granule ? size - offset : granule;
    kmapper_mapping part;
    if (kmapper_window_map(window, offset, length, &part) != 0) return fail(kmapper_last_message());
    for (size_t i = 0; i < part.length; ++i) lines += ((const char*)part.data)[i] == '\n';
    kmapper_mapping_release(&part);
  }
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  printf("%ld\n", lines);
  return 0;
}
