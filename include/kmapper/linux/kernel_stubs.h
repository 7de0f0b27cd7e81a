/* What ordinary kernel code takes for granted, by the kernel's names. Included before the code
 * (cc -include kmapper/linux/kernel_stubs.h), because several of the headers that the code names,
 * such as linux/kernel.h and linux/fs.h, are headers of this system, with other contents. Headers
 * of libc may follow. docs/KERNEL_NAMES.md lists all names, and what they mean here. */
#ifndef KMAPPER_LINUX_KERNEL_STUBS_H
#define KMAPPER_LINUX_KERNEL_STUBS_H

/* These headers of libc define the same types as headers of the system, which are not read then. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#ifndef _LINUX_TIME_H
#define _LINUX_TIME_H
#endif
#ifndef _LINUX_SIGNAL_H
#define _LINUX_SIGNAL_H
#endif
#ifndef _LINUX_FCNTL_H
#define _LINUX_FCNTL_H
#endif
#ifndef __ASM_GENERIC_POLL_H
#define __ASM_GENERIC_POLL_H
#endif
#ifndef __LINUX_UIO_H
#define __LINUX_UIO_H
#endif
/* These have nothing for kernel code, and clash with headers of libc that may follow. */
#ifndef _LINUX_WAIT_H
#define _LINUX_WAIT_H
#endif
#ifndef _LINUX_RESOURCE_H
#define _LINUX_RESOURCE_H
#endif

#include "kmapper/linux/align.h"
#include "kmapper/linux/array_size.h"
#include "kmapper/linux/atomic.h"
#include "kmapper/linux/barrier.h"
#include "kmapper/linux/bitmap.h"
#include "kmapper/linux/bitops.h"
#include "kmapper/linux/bits.h"
#include "kmapper/linux/bug.h"
#include "kmapper/linux/build_bug.h"
#include "kmapper/linux/compiler.h"
#include "kmapper/linux/completion.h"
#include "kmapper/linux/container_of.h"
#include "kmapper/linux/delay.h"
#include "kmapper/linux/device.h"
#include "kmapper/linux/err.h"
#include "kmapper/linux/gfp.h"
#include "kmapper/linux/hash.h"
#include "kmapper/linux/hashtable.h"
#include "kmapper/linux/hlist.h"
#include "kmapper/linux/init.h"
#include "kmapper/linux/irqflags.h"
#include "kmapper/linux/jiffies.h"
#include "kmapper/linux/kernel_byteorder.h"
#include "kmapper/linux/kernel_fs.h"
#include "kmapper/linux/kernel_sched.h"
#include "kmapper/linux/kernel_string.h"
#include "kmapper/linux/kernel_types.h"
#include "kmapper/linux/kref.h"
#include "kmapper/linux/list.h"
#include "kmapper/linux/lockdep.h"
#include "kmapper/linux/log2.h"
#include "kmapper/linux/math.h"
#include "kmapper/linux/math64.h"
#include "kmapper/linux/minmax.h"
#include "kmapper/linux/mm.h"
#include "kmapper/linux/moduleparam.h"
#include "kmapper/linux/mutex.h"
#include "kmapper/linux/overflow.h"
#include "kmapper/linux/pagevec.h"
#include "kmapper/linux/preempt.h"
#include "kmapper/linux/prefetch.h"
#include "kmapper/linux/printk.h"
#include "kmapper/linux/rcupdate.h"
#include "kmapper/linux/refcount.h"
#include "kmapper/linux/rwlock.h"
#include "kmapper/linux/rwsem.h"
#include "kmapper/linux/sizes.h"
#include "kmapper/linux/slab.h"
#include "kmapper/linux/smp.h"
#include "kmapper/linux/spinlock.h"
#include "kmapper/linux/stringify.h"
#include "kmapper/linux/swap.h"
#include "kmapper/linux/uaccess.h"
#include "kmapper/linux/unaligned.h"

#endif
