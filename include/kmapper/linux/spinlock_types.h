/* See kmapper/linux/spinlock.h. */
#ifndef KMAPPER_LINUX_SPINLOCK_TYPES_H
#define KMAPPER_LINUX_SPINLOCK_TYPES_H

#include "kmapper/linux/spinlock.h"

#endif
