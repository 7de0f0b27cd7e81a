/* See what it includes. */
#ifndef KMAPPER_LINUX_PERCPU_H
#define KMAPPER_LINUX_PERCPU_H

#include "kmapper/linux/smp.h"

#endif
