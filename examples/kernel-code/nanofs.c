// SPDX-License-Identifier: MIT
/*
 * The page code of nanofs. It has three mistakes, of the kind that a kernel
 * without high memory never notices; fix.patch corrects them.
 */
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/string.h>

#include "nanofs.h"

#define BLOCKS_OF_A_PAGE (PAGE_SIZE / NANO_BLOCK_SIZE)

/* The block of the disk in which that block of the file lies; NULL: a hole. */
static int nano_find_block(const struct nano_disk *disk,
			   const struct nano_inode *inode, __u32 block,
			   unsigned char **found)
{
	int i;

	*found = NULL;
	for (i = 0; i < NANO_EXTENTS; i++) {
		const struct nano_extent *extent = &inode->extents[i];
		__u32 at = block - extent->file_block;

		if (block < extent->file_block || at >= extent->count)
			continue;
		if (extent->disk_block >= disk->count ||
		    at >= disk->count - extent->disk_block)
			return -EIO;
		*found = disk->blocks[extent->disk_block + at];
		return 0;
	}
	return 0;
}

static int nano_read_inline(const struct nano_inode *inode, struct folio *folio)
{
	unsigned char *to = kmap_local_folio(folio, 0);

	if (folio->index != 0 || inode->size > NANO_INLINE_SIZE)
		return -EIO;
	memcpy(to, inode->data, inode->size);
	memset(to + inode->size, 0, PAGE_SIZE - inode->size);
	kunmap_local(to);
	return 0;
}

static int nano_read_extents(const struct nano_disk *disk,
			     const struct nano_inode *inode,
			     struct folio *folio)
{
	__u32 first = folio->index * BLOCKS_OF_A_PAGE;
	unsigned char *to = kmap_local_folio(folio, 0);
	unsigned char *from;
	int error = 0;
	__u32 i;

	for (i = 0; i < BLOCKS_OF_A_PAGE && !error; i++) {
		error = nano_find_block(disk, inode, first + i, &from);
		if (!error && from)
			memcpy(to, from, NANO_BLOCK_SIZE);
		else
			memset(to, 0, NANO_BLOCK_SIZE);
		to += NANO_BLOCK_SIZE;
	}
	kunmap_local(to);
	return error;
}

int nano_read_folio(const struct nano_disk *disk,
		    const struct nano_inode *inode, struct folio *folio)
{
	int error;

	if (inode->flags & NANO_INLINE)
		error = nano_read_inline(inode, folio);
	else
		error = nano_read_extents(disk, inode, folio);
	flush_dcache_folio(folio);
	folio_end_read(folio, error == 0);
	return error;
}

static __u32 nano_checksum(const unsigned char *data)
{
	__u32 sum = 0;
	size_t i;

	for (i = 0; i < PAGE_SIZE; i++)
		sum = sum * 31 + data[i];
	return sum;
}

int nano_write_folio(struct nano_disk *disk, struct nano_inode *inode,
		     struct folio *folio)
{
	__u32 first = folio->index * BLOCKS_OF_A_PAGE;
	unsigned char *from, *to;
	int error = 0;
	__u32 i;

	if (!folio_clear_dirty_for_io(folio)) {
		folio_unlock(folio);
		return 0;
	}
	folio_start_writeback(folio);
	folio_unlock(folio);
	from = kmap_local_folio(folio, 0);
	for (i = 0; i < BLOCKS_OF_A_PAGE && !error; i++) {
		error = nano_find_block(disk, inode, first + i, &to);
		if (!error && to)
			memcpy(to, from + i * NANO_BLOCK_SIZE, NANO_BLOCK_SIZE);
	}
	kunmap_local(from);
	inode->checksum = nano_checksum(from);
	folio_end_writeback(folio);
	return error;
}

MODULE_DESCRIPTION("The page code of nanofs");
MODULE_LICENSE("Dual MIT/GPL");
