/* See what it includes. */
#ifndef KMAPPER_LINUX_CACHEFLUSH_H
#define KMAPPER_LINUX_CACHEFLUSH_H

#include "kmapper/linux/mm.h"

#endif
