/* See what it includes. */
#ifndef KMAPPER_LINUX_MM_INLINE_H
#define KMAPPER_LINUX_MM_INLINE_H

#include "kmapper/linux/mm.h"

#endif
