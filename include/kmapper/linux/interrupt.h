/* See kmapper/linux/irqflags.h. */
#ifndef KMAPPER_LINUX_INTERRUPT_H
#define KMAPPER_LINUX_INTERRUPT_H

#include "kmapper/linux/irqflags.h"

#endif
