/* See what it includes. */
#ifndef KMAPPER_LINUX_TOPOLOGY_H
#define KMAPPER_LINUX_TOPOLOGY_H

#include "kmapper/linux/numa.h"

#endif
