/* A kernel in C that calls the wrappers of docs/PORTING.md: it fills more pages than the window has
 * slots, and looks at what they hold. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page;
void highmem_open(uint32_t slots);
void* highmem_kmap(struct page* page);
void* highmem_try_kmap(struct page* page);
void highmem_kunmap(struct page* page);

struct page* high_page(int number); /* in kernel_in_c_main.cpp */

enum { kPages = 100, kSlots = 16 };

static bool holds(int number) {
  const int* const address = highmem_try_kmap(high_page(number));
  if (address == NULL) return false;
  const bool right = *address == number;
  highmem_kunmap(high_page(number));
  return right;
}

bool fill_pages_in_c(void) {
  bool right = true;
  highmem_open(kSlots);
  for (int i = 0; i < kPages; ++i) {
    int* const address = highmem_kmap(high_page(i));
    *address = i;
    highmem_kunmap(high_page(i));
  }
  for (int i = 0; i < kPages; ++i) right = holds(i) && right;
  /* A window whose slots are all held has none for one page more. */
  for (int i = 0; i < kSlots; ++i) right = highmem_kmap(high_page(i)) != NULL && right;
  return highmem_try_kmap(high_page(kSlots)) == NULL && right;
}
