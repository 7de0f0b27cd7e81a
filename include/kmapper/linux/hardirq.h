/* See kmapper/linux/irqflags.h. */
#ifndef KMAPPER_LINUX_HARDIRQ_H
#define KMAPPER_LINUX_HARDIRQ_H

#include "kmapper/linux/irqflags.h"

#endif
