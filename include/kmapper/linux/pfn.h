/* See what it includes. */
#ifndef KMAPPER_LINUX_PFN_H
#define KMAPPER_LINUX_PFN_H

#include "kmapper/linux/mm.h"

#endif
