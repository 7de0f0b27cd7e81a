/* See what it includes. */
#ifndef KMAPPER_LINUX_COMPILER_ATTRIBUTES_H
#define KMAPPER_LINUX_COMPILER_ATTRIBUTES_H

#include "kmapper/linux/compiler.h"

#endif
