/* See what it includes. */
#ifndef KMAPPER_LINUX_GFP_TYPES_H
#define KMAPPER_LINUX_GFP_TYPES_H

#include "kmapper/linux/gfp.h"

#endif
