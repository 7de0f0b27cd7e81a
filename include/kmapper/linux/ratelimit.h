/* See what it includes. */
#ifndef KMAPPER_LINUX_RATELIMIT_H
#define KMAPPER_LINUX_RATELIMIT_H

#include "kmapper/linux/printk.h"

#endif
