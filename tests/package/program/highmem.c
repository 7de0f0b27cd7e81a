/* Writes to a high page, and reads it through another mapping. */
#include <linux/highmem.h>
#include <string.h>

int main(void) {
  struct page* page = alloc_pages(GFP_HIGHUSER, 0);
  char* address;
  int differs;
  if (page == NULL) return 1;
  address = kmap(page);
  strcpy(address, "kmap");
  kunmap(page);
  address = kmap_local_page(page);
  differs = strcmp(address, "kmap");
  kunmap_local(address);
  __free_pages(page, 0);
  return differs != 0;
}
