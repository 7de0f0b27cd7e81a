/* A set of bits over pages of high memory, as a file system keeps one for the blocks of a disk. */
#ifndef KMAPPER_TESTS_KERNEL_CODE_BITMAP_ALLOCATOR_H
#define KMAPPER_TESTS_KERNEL_CODE_BITMAP_ALLOCATOR_H

#define BITS_PER_PAGE (8UL << 12)

struct page_bitmap;

struct page_bitmap* page_bitmap_create(unsigned long nr_pages);
void page_bitmap_destroy(struct page_bitmap* bitmap);
/* Adds a page of clear bits. Returns 0, or -ENOMEM. */
int page_bitmap_grow(struct page_bitmap* bitmap);
/* Sets the first bit that is clear and returns its number, or -ENOSPC. */
long page_bitmap_allocate(struct page_bitmap* bitmap);
/* Sets all bits of a page from the bit `from` on, which a word begins with. */
void page_bitmap_fill(struct page_bitmap* bitmap, unsigned long index, unsigned long from);
/* Clears a bit. Returns 0, or -EINVAL: it was clear. */
int page_bitmap_release(struct page_bitmap* bitmap, unsigned long bit);
/* How many bits are set. */
unsigned long page_bitmap_count(struct page_bitmap* bitmap);

#endif
