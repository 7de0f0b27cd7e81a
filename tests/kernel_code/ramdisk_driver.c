#include <linux/bvec.h>
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/string.h>

#include "mistake.h"
#include "ramdisk.h"

#define PAGES 6
#define SECTORS_PER_PAGE 8

/* Three pieces, with 9 sectors in all, of which none ends where a sector does. */
static void make_request(struct bio_vec pieces[3]) {
  const unsigned int offsets[3] = {100, 0, 1};
  const unsigned int lengths[3] = {700, 3000, 9 * 512 - 3700};
  int i;

  for (i = 0; i < 3; i++) {
    pieces[i].bv_page = alloc_page(i == 1 ? GFP_KERNEL : GFP_HIGHUSER);
    pieces[i].bv_offset = offsets[i];
    pieces[i].bv_len = lengths[i];
    expect(pieces[i].bv_page);
  }
}

static void set(struct bio_vec* pieces, int value) {
  int i;

  for (i = 0; i < 3; i++)
    memset_page(pieces[i].bv_page, pieces[i].bv_offset, value + i, pieces[i].bv_len);
}

/* Whether all bytes of a piece have the value. */
static int is(const struct bio_vec* piece, int value) {
  const char* bytes = (const char*)kmap_local_page(piece->bv_page) + piece->bv_offset;
  unsigned int i;

  for (i = 0; i < piece->bv_len && bytes[i] == value;) i++;
  kunmap_local(bytes);
  return i == piece->bv_len;
}

static void destroy_request(struct bio_vec pieces[3]) {
  int i;

  /* mistake 11: a page freed while it is mapped */
  for (i = 0; i < 3; i++) __free_page(pieces[i].bv_page);
}

static void read_and_write(struct ramdisk* disk, struct bio_vec* pieces) {
  int i;

  set(pieces, 10);
  expect(ramdisk_write(disk, 3, pieces, 3) == 0);
  set(pieces, 1);
  expect(ramdisk_write(disk, PAGES * SECTORS_PER_PAGE - 1, pieces, 3) == -EIO);
  expect(ramdisk_write(disk, 30, pieces, 3) == 0);
  set(pieces, 50);
  expect(ramdisk_read(disk, 3, pieces, 3) == 0);
  for (i = 0; i < 3; i++) expect(is(&pieces[i], 10 + i));
  expect(ramdisk_read(disk, 16, pieces, 3) == 0);
  for (i = 0; i < 3; i++) expect(is(&pieces[i], 0));
  expect(ramdisk_read(disk, PAGES * SECTORS_PER_PAGE, pieces, 3) == -EIO);
}

/* Writes, reads, discards and copies. */
int drive(void) {
  struct ramdisk* disk = ramdisk_create(PAGES);
  struct bio_vec pieces[3];
  unsigned long in_use, sum;

  expect(disk);
  make_request(pieces);
  read_and_write(disk, pieces);
  sum = ramdisk_checksum(disk, &in_use);
  expect(sum != 0 && in_use == 5);

  expect(ramdisk_clone(disk, 2, 0) == 0);
  expect(ramdisk_read(disk, 2 * SECTORS_PER_PAGE + 3, pieces, 1) == 0 && is(&pieces[0], 10));
  expect(ramdisk_discard(disk, 2 * SECTORS_PER_PAGE, SECTORS_PER_PAGE) == 0);
  expect(ramdisk_checksum(disk, &in_use) == sum);
  expect(ramdisk_discard(disk, 3, 2) == 0);
  expect(ramdisk_read(disk, 3, pieces, 1) == 0 && is(&pieces[0], 0));
  expect(ramdisk_discard(disk, PAGES * SECTORS_PER_PAGE - 1, 2) == -EIO);
  expect(ramdisk_checksum(disk, &in_use) != sum && in_use == 5);
  destroy_request(pieces);
  if (mistake == 18) return 0;
  ramdisk_destroy(disk);
  return 0;
}
