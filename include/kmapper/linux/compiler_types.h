/* See what it includes. */
#ifndef KMAPPER_LINUX_COMPILER_TYPES_H
#define KMAPPER_LINUX_COMPILER_TYPES_H

#include "kmapper/linux/compiler.h"

#endif
