/* See what it includes. */
#ifndef KMAPPER_LINUX_CACHE_H
#define KMAPPER_LINUX_CACHE_H

#include "kmapper/linux/compiler.h"

#endif
