/* A file whose contents are packed: runs of equal bytes become pairs of a length and a byte. The
 * packed bytes lie in pages of high memory; the file's contents are read into folios. */
#ifndef KMAPPER_TESTS_KERNEL_CODE_PAGE_ACTOR_H
#define KMAPPER_TESTS_KERNEL_CODE_PAGE_ACTOR_H

#include <stddef.h>

#define PACKED_PAGES 3

struct folio;
struct packed_file;

struct packed_file* packed_open(void);
/* Also frees the file. Folios that were read stay. */
void packed_close(struct packed_file* file);
/* Packs the first `length` bytes of the folio, which is under writeback meanwhile. Returns 0, or
 * -ENOSPC: there is no room for the packed bytes. The folio must not be locked. */
int packed_write_folio(struct packed_file* file, struct folio* folio, size_t length);
/* Fills a locked folio with the file, and with zeros behind it, and unlocks it. */
int packed_read_folio(struct packed_file* file, struct folio* folio);
/* Fills a locked folio with bytes, and with zeros behind them, and unlocks it. */
void packed_read_inline(struct folio* folio, const char* bytes, size_t length);
/* Copies bytes of the file's folio, if that is up to date. Returns how many. */
size_t packed_copy(struct folio* folio, size_t offset, char* to, size_t length);

#endif
