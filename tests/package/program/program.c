/* program.cpp, in C99. */
#include <kmapper/kmapper.h>
#include <stdio.h>

int main(int count, char** arguments) {
  kmapper_budget* budget;
  kmapper_window* window;
  kmapper_mapping page;
  if (count != 2 || kmapper_budget_create(NULL, &budget) != 0 ||
      kmapper_window_open(arguments[1], KMAPPER_READ_WRITE, budget, &window) != 0 ||
      kmapper_window_map(window, kmapper_window_size(window) - 4096, 4096, &page) != 0)
    return printf("%s\n", kmapper_last_message());
  printf("%.5s\n", (const char*)page.data);
  *(char*)page.data = 'J';
  kmapper_mapping_release(&page);
  return kmapper_window_sync(window) != 0;
}
