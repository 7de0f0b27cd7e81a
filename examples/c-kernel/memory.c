// A descriptor for each page of RAM, and the lists of those that are free: those in the direct map,
// and the high ones, which the kernel uses where kmapper maps them.
#include "kernel.h"
#include "kmapper/kernel.h"

enum { FIRST_MIB = 256, LAST_PAGE = 0xFFFFF };  // pages: the firmware's, and the last below 4 GiB

struct multiboot {
  uint32_t flags, unused[10];
  uint32_t map_length, map;  // physical address
};

struct range {
  uint32_t size;  // of the rest
  uint64_t base, length;
  uint32_t type;  // 1: RAM that may be used
} __attribute__((packed));

struct span {
  uint32_t first, end;  // page numbers
};

static struct page* free_pages[2];  // [true]: the high ones
static struct spinlock memory_lock;

static struct page* take_page(bool high) {
  spin_lock(&memory_lock);
  struct page* page = free_pages[high];
  if (page) {
    free_pages[high] = page->next;
    page->next = NULL;
    page->free = false;
  }
  spin_unlock(&memory_lock);
  return page;
}

struct page* alloc_direct_page(void) {
  return take_page(false);
}
struct page* alloc_page(void) {
  struct page* const page = take_page(true);
  return page ? page : take_page(false);
}

void free_page(struct page* page) {
  // No TLB may keep the page. Evicting it may wait for other CPUs, so it comes before the lock.
  if (kmapper_evict(page) == KMAPPER_PINNED) panic("page %x is in use", page_number(page));
  const bool high = kmapper_port_is_high(page);
  spin_lock(&memory_lock);
  if (page->free) panic("page %x is freed twice", page_number(page));
  page->free = true;
  page->next = free_pages[high];
  free_pages[high] = page;
  spin_unlock(&memory_lock);
}

static void* direct(uint32_t physical) { return (void*)(KERNEL_BASE + physical); }

// The whole pages of a range that are RAM below 4 GiB.
static struct span usable(const struct range* range) {
  const uint64_t end = (range->base + range->length) / PAGE_SIZE;
  const uint64_t first = (range->base + PAGE_SIZE - 1) / PAGE_SIZE;
  if (range->type != 1 || first >= end || first > LAST_PAGE) return (struct span){0, 0};
  return (struct span){(uint32_t)first, end > LAST_PAGE ? LAST_PAGE : (uint32_t)end};
}

void memory_init(const struct multiboot* info) {
  if (!(info->flags & 0x40)) panic("the loader gives no memory map");
  const uint8_t* const map = direct(info->map);
  const uint8_t* const map_end = map + info->map_length;

  // The map lies in the first MiB, where QEMU puts it, so the descriptors do not overwrite it.
  uint32_t page_count = 0;
  for (const uint8_t* at = map; at < map_end; at += 4 + ((const struct range*)at)->size) {
    const struct span span = usable((const struct range*)at);
    if (page_count < span.end) page_count = span.end;
  }
  memset(pages, 0, page_count * sizeof *pages);
  const uint32_t first_free =
      ((uint32_t)(pages + page_count) - KERNEL_BASE + PAGE_SIZE - 1) / PAGE_SIZE;

  uint32_t total = 0;
  for (const uint8_t* at = map; at < map_end; at += 4 + ((const struct range*)at)->size) {
    const struct span span = usable((const struct range*)at);
    total += span.end - span.first;
    for (uint32_t number = span.first; number < span.end; ++number)
      if (number >= FIRST_MIB && number >= first_free) free_page(&pages[number]);
  }
  print("memory: %u MiB, all of it used\n", total / 256);
}
