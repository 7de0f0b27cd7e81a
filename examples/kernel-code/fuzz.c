/* Reads and writes pages of nanofs with inodes that a fuzzer makes up. With
 * clang, libFuzzer has the main():
 *
 *     kmapper-check --cc clang -fsanitize=fuzzer,address nanofs.c fuzz.c \
 *         -- -max_total_time=60
 *
 * Elsewhere the one below makes inodes up at random, or takes them from files:
 *
 *     kmapper-check --asan -DWITH_MAIN nanofs.c fuzz.c [-- FILE...]
 */
#include <linux/pagemap.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nanofs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char blocks[8][NANO_BLOCK_SIZE];
	struct nano_disk disk = {blocks, 8};
	struct nano_inode inode;
	struct folio *folio;

	if (size < 1 + sizeof(inode))
		return 0;
	memcpy(&inode, data + 1, sizeof(inode));
	folio = folio_alloc(GFP_HIGHUSER_MOVABLE, 0);
	if (!folio)
		abort(); /* earlier inputs have left all pages behind */
	folio->index = data[0];
	folio_lock(folio);
	if (nano_read_folio(&disk, &inode, folio) == 0 &&
	    !(inode.flags & NANO_INLINE)) {
		folio_lock(folio);
		folio_mark_dirty(folio);
		nano_write_folio(&disk, &inode, folio);
	}
	folio_put(folio);
	return 0;
}

#ifdef WITH_MAIN
#include <stdio.h>

static int try_file(const char *name)
{
	uint8_t data[256];
	FILE *file = fopen(name, "rb");

	if (!file) {
		perror(name);
		return 1;
	}
	LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
	fclose(file);
	return 0;
}

int main(int count, char **names)
{
	uint8_t data[1 + sizeof(struct nano_inode)];
	int failed = 0, i;
	size_t j;

	for (i = 1; i < count; i++)
		failed |= try_file(names[i]);
	for (i = 0; count == 1 && i < 100000; i++) {
		/* Small numbers are more often valid ones. */
		for (j = 0; j < sizeof(data); j++)
			data[j] = rand() % 4 ? 0 : rand() % 8;
		LLVMFuzzerTestOneInput(data, sizeof(data));
	}
	return failed;
}
#endif
