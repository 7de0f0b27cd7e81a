/* Signs of use, by the kernel's names: they set flags. See kmapper/linux/page-flags.h. */
#ifndef KMAPPER_LINUX_SWAP_H
#define KMAPPER_LINUX_SWAP_H

#include "kmapper/linux/page-flags.h"

#define mark_page_accessed(page) SetPageReferenced(page)
#define folio_mark_accessed(folio) folio_set_referenced(folio)

#endif
