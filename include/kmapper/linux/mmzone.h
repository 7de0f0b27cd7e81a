/* See what it includes. */
#ifndef KMAPPER_LINUX_MMZONE_H
#define KMAPPER_LINUX_MMZONE_H

#include "kmapper/linux/mm.h"

#endif
