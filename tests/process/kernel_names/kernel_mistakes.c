/* Mistakes in code that is written as for the kernel: see kernel_code.h. */
#include "kernel_code.h"

#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <pthread.h>

static DEFINE_SPINLOCK(spin);
static DEFINE_RWLOCK(rwlock);
static DEFINE_MUTEX(mutex);

int sleep_under_a_spinlock(void) {
  spin_lock(&spin);
  msleep(1);
  return 0;
}

int sleep_under_a_rwlock(void) {
  read_lock(&rwlock);
  schedule();
  return 0;
}

int sleep_in_a_reader(void) {
  rcu_read_lock();
  kfree(kmalloc(8, GFP_KERNEL));
  return 0;
}

int mutex_under_a_spinlock(void) {
  unsigned long flags;
  spin_lock_irqsave(&spin, flags);
  mutex_lock(&mutex);
  return (int)flags;
}

int copy_to_user_under_a_spinlock(void) {
  char byte = 1, user;
  spin_lock_bh(&spin);
  return (int)copy_to_user(&user, &byte, 1);
}

int spin_lock_twice(void) {
  spin_lock(&spin);
  spin_lock(&spin);
  return 0;
}

static void* unlock(void* lock) {
  spin_unlock((spinlock_t*)lock);
  return NULL;
}

int spin_unlock_of_another_thread(void) {
  pthread_t thread;
  spin_lock(&spin);
  pthread_create(&thread, NULL, unlock, &spin);
  return pthread_join(thread, NULL);
}

int mutex_lock_twice(void) {
  mutex_lock(&mutex);
  mutex_lock(&mutex);
  return 0;
}

int mutex_unlock_twice(void) {
  mutex_lock(&mutex);
  mutex_unlock(&mutex);
  mutex_unlock(&mutex);
  return 0;
}

int bug(void) { BUG(); }

int bug_on(void) {
  BUG_ON(spin_is_locked(&spin));
  BUG_ON(!spin_is_locked(&spin));
  return 0;
}

int count_below_zero(void) {
  refcount_t count = REFCOUNT_INIT(1);
  if (!refcount_dec_and_test(&count)) return 1;
  return refcount_dec_and_test(&count) ? 1 : 0;
}

int use_of_a_deleted_entry(void) {
  struct list_head head, entry;
  INIT_LIST_HEAD(&head);
  list_add(&entry, &head);
  list_del(&entry);
  list_del(&entry);
  return 0;
}

int warnings(void) {
  int i;
  if (!WARN_ON(1 + 1 == 2) || WARN_ON(0)) return 1;
  if (!WARN(true, "number %d\n", 5)) return 2;
  for (i = 0; i < 3; i++)
    if (!WARN_ON_ONCE(i >= 0) || !WARN_ONCE(i >= 0, "once %s\n", "only")) return 3;
  return 0;
}

int messages(void) {
  struct device device = {.init_name = "disk0"};
  printk(KERN_INFO "a message of %d\n", 1);
  pr_err("an error of %s\n", "disk");
  pr_debug("not printed %d\n", 1);
  dev_warn(&device, "a warning of %d\n", 7);
  printk_once(KERN_ERR "%d", 5);
  return 0;
}
