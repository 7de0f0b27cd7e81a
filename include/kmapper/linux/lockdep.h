/* What the lock checker of the kernel reads, and nothing else: see kmapper/linux/spinlock.h. */
#ifndef KMAPPER_LINUX_LOCKDEP_H
#define KMAPPER_LINUX_LOCKDEP_H

#define lockdep_assert_held(lock) ((void)(lock))
#define lockdep_assert_held_write(lock) ((void)(lock))
#define lockdep_assert_held_read(lock) ((void)(lock))
#define lockdep_assert_not_held(lock) ((void)(lock))
#define lockdep_set_class(lock, key) ((void)(lock), (void)(key))
#define lockdep_is_held(lock) ((void)(lock), 1)
struct lock_class_key {
  char kmapper_unused;
};

#endif
