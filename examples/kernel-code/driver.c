/* Calls the page code of nanofs as the kernel would.
 *
 *     driver [SCENARIO...]
 *
 * Each scenario runs in a process of its own, so that a mistake in one does not
 * hide those in others. No page is used before fork(): each has its own pages.
 */
#include <linux/errno.h>
#include <linux/pagemap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nanofs.h"

#define EXPECT(condition)                                                      \
	((condition) ? (void)0                                                 \
		     : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
				__LINE__, #condition),                         \
			exit(1)))

static unsigned char blocks[8][NANO_BLOCK_SIZE];
static struct nano_disk disk = {blocks, 8};

/* A high page that has an index in its file, locked, as readers pass it. */
static struct folio *new_folio(pgoff_t index)
{
	struct folio *folio = folio_alloc(GFP_HIGHUSER_MOVABLE, 0);

	EXPECT(folio);
	folio->index = index;
	folio_lock(folio);
	return folio;
}

static void read_inline(void)
{
	struct nano_inode inode = {.size = 5, .flags = NANO_INLINE};
	struct folio *folio = new_folio(0);
	char text[8];

	memcpy(inode.data, "hello", 5);
	EXPECT(nano_read_folio(&disk, &inode, folio) == 0);
	EXPECT(folio_test_uptodate(folio) && !folio_test_locked(folio));
	memcpy_from_folio(text, folio, 0, sizeof(text));
	EXPECT(memcmp(text, "hello\0\0", sizeof(text)) == 0);
	folio_put(folio);
}

static void read_corrupt_inline(void)
{
	struct nano_inode inode = {.size = 60000, .flags = NANO_INLINE};
	struct folio *folio = new_folio(0);

	EXPECT(nano_read_folio(&disk, &inode, folio) == -EIO);
	EXPECT(!folio_test_uptodate(folio) && !folio_test_locked(folio));
	folio_put(folio);
}

/* The second page of a file that has a hole there, and then block 2. */
static void read_extents(void)
{
	struct nano_inode inode = {.size = 8192, .extents = {{5, 2, 1}}};
	struct folio *folio = new_folio(1);
	unsigned char bytes[2];

	memset(blocks[2], 'x', NANO_BLOCK_SIZE);
	EXPECT(nano_read_folio(&disk, &inode, folio) == 0);
	memcpy_from_folio((char *)bytes, folio, NANO_BLOCK_SIZE - 1, 2);
	EXPECT(bytes[0] == 0 && bytes[1] == 'x');
	folio_put(folio);
}

static void write_extents(void)
{
	struct nano_inode inode = {.size = 4096, .extents = {{0, 4, 4}}};
	struct folio *folio = new_folio(0);

	folio_zero_range(folio, 0, PAGE_SIZE);
	memcpy_to_folio(folio, 4095, "e", 1);
	folio_mark_uptodate(folio);
	folio_mark_dirty(folio);
	EXPECT(nano_write_folio(&disk, &inode, folio) == 0);
	EXPECT(!folio_test_dirty(folio) && !folio_test_writeback(folio));
	EXPECT(blocks[7][NANO_BLOCK_SIZE - 1] == 'e' && inode.checksum == 'e');
	folio_put(folio);
}

static const struct {
	const char *name;
	void (*run)(void);
} scenarios[] = {
    {"read_inline", read_inline},
    {"read_corrupt_inline", read_corrupt_inline},
    {"read_extents", read_extents},
    {"write_extents", write_extents},
};

static int is_wanted(const char *name, char **wanted)
{
	if (!*wanted)
		return 1;
	for (; *wanted; wanted++)
		if (strcmp(*wanted, name) == 0)
			return 1;
	return 0;
}

int main(int count, char **arguments)
{
	int failed = 0, status;
	size_t i;

	(void)count;
	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		pid_t child;

		if (!is_wanted(scenarios[i].name, arguments + 1))
			continue;
		child = fork();
		if (child == 0) {
			scenarios[i].run();
			exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
			failed = 1;
	}
	return failed;
}
