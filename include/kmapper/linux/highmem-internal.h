/* See what it includes. */
#ifndef KMAPPER_LINUX_HIGHMEM_INTERNAL_H
#define KMAPPER_LINUX_HIGHMEM_INTERNAL_H

#include "kmapper/linux/highmem.h"

#endif
