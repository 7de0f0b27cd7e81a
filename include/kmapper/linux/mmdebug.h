/* See kmapper/linux/bug.h. */
#ifndef KMAPPER_LINUX_MMDEBUG_H
#define KMAPPER_LINUX_MMDEBUG_H

#include "kmapper/linux/bug.h"

#endif
