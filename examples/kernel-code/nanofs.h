/* SPDX-License-Identifier: MIT */
/* nanofs: a file of at most 48 bytes lies in its inode, others in extents. */
#ifndef NANOFS_H
#define NANOFS_H

#include <linux/types.h>

struct folio;

#define NANO_BLOCK_SIZE 1024
#define NANO_INLINE_SIZE 48
#define NANO_EXTENTS 4

#define NANO_INLINE 1 /* a flag of nano_inode */

struct nano_extent {
	__u32 file_block; /* the first of them, in the file */
	__u32 disk_block; /* the first of them, on the disk */
	__u32 count;
};

/* An inode as it is on the disk: anything may be in it. */
struct nano_inode {
	__u32 size; /* in bytes */
	__u32 flags;
	__u32 checksum; /* of the page that was written last */
	union {
		unsigned char data[NANO_INLINE_SIZE];
		struct nano_extent extents[NANO_EXTENTS];
	};
};

struct nano_disk {
	unsigned char (*blocks)[NANO_BLOCK_SIZE];
	__u32 count;
};

/* Fills the locked folio, and unlocks it. Returns 0, or -EIO. */
int nano_read_folio(const struct nano_disk *disk,
		    const struct nano_inode *inode, struct folio *folio);
/* Writes the locked, dirty folio to the disk, and unlocks it. */
int nano_write_folio(struct nano_disk *disk, struct nano_inode *inode,
		     struct folio *folio);

#endif
