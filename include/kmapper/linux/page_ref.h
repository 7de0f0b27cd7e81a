/* See what it includes. */
#ifndef KMAPPER_LINUX_PAGE_REF_H
#define KMAPPER_LINUX_PAGE_REF_H

#include "kmapper/linux/mm.h"

#endif
