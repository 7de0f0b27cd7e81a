/* See kmapper/linux/irqflags.h. */
#ifndef KMAPPER_LINUX_BOTTOM_HALF_H
#define KMAPPER_LINUX_BOTTOM_HALF_H

#include "kmapper/linux/irqflags.h"

#endif
