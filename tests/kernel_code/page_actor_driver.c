#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "mistake.h"
#include "page_actor.h"

static char value(size_t at) { return (char)(at / 500 + 1); }

static struct folio* read_file(struct packed_file* file) {
  /* mistake 24: leak: ... still allocated */
  struct folio* folio = folio_alloc(GFP_HIGHUSER, 2);

  expect(folio);
  folio_lock(folio);
  expect(packed_read_folio(file, folio) == 0);
  expect(folio_test_uptodate(folio) && !folio_test_locked(folio));
  return folio;
}

static void write_runs(struct packed_file* file, size_t length) {
  struct folio* folio = folio_alloc(GFP_HIGHUSER, 2);
  size_t at;

  expect(folio);
  for (at = 0; at < length; at += 500) {
    char bytes[500];
    memset(bytes, value(at), sizeof(bytes));
    memcpy_to_folio(folio, at, bytes, sizeof(bytes));
  }
  expect(packed_write_folio(file, folio, length) == 0);
  folio_put(folio); /* mistake 11: a page freed while it is under writeback */
}

/* Every byte is another than the one before it, so that nothing gets shorter. */
static void write_what_does_not_fit(struct packed_file* file) {
  struct folio* folio = folio_alloc(GFP_HIGHUSER, 2);
  size_t at;

  expect(folio);
  for (at = 0; at < folio_size(folio); at++) {
    char byte = (char)at;
    memcpy_to_folio(folio, at, &byte, 1);
  }
  expect(packed_write_folio(file, folio, folio_size(folio)) == -ENOSPC);
  if (mistake == 3) folio_end_writeback(folio);
  folio_put(folio);
}

static void read_inline(void) {
  struct folio* folio = folio_alloc(GFP_HIGHUSER, 1);
  char copy[10];

  expect(folio);
  folio_lock(folio);
  packed_read_inline(folio, "in the inode", 12);
  expect(packed_copy(folio, 7, copy, 10) == 10 && memcmp(copy, "inode\0\0\0\0", 10) == 0);
  folio_put(folio);
}

/* Writes a file, reads it, and compares. */
int drive(void) {
  struct packed_file* file = packed_open();
  char bytes[9000];
  struct folio* folio;
  size_t at;

  expect(file);
  write_runs(file, 13000);
  write_what_does_not_fit(file);
  write_runs(file, 13000);
  folio = read_file(file);
  packed_close(file);

  expect(packed_copy(folio, 4000, bytes, 9000) == 9000);
  for (at = 0; at < 9000; at++) expect(bytes[at] == value(at + 4000));
  expect(packed_copy(folio, 13000, bytes, 3384) == 3384);
  for (at = 0; at < 3384; at++) expect(bytes[at] == 0);
  if (mistake == 23) folio_put(folio);
  folio_put(folio); /* mistake 23: put_page of something that is not an allocated page */
  read_inline();
  return 0;
}
