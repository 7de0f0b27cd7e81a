/* Hints for the caches. */
#ifndef KMAPPER_LINUX_PREFETCH_H
#define KMAPPER_LINUX_PREFETCH_H

#define prefetch(address) __builtin_prefetch(address)
#define prefetchw(address) __builtin_prefetch(address, 1)

#endif
