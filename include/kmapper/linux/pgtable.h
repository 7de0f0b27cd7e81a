/* See what it includes. */
#ifndef KMAPPER_LINUX_PGTABLE_H
#define KMAPPER_LINUX_PGTABLE_H

#include "kmapper/linux/mm.h"

#endif
