/* Locks, waits and time in code that is written as for the kernel: see kernel_code.h. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwlock.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
/* Headers of libc may follow. */
#include <pthread.h>

#include "kernel_code.h"

static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(mutex);
static DEFINE_RWLOCK(rwlock);
static DECLARE_RWSEM(semaphore);
static DECLARE_COMPLETION(event);
static long counted;
static long written;

static void* count(void* unused) {
  int i;
  unsigned long flags;
  (void)unused;
  for (i = 0; i < 3000; i++) {
    spin_lock_irqsave(&spin, flags);
    counted++;
    spin_unlock_irqrestore(&spin, flags);
    mutex_lock(&mutex);
    mutex_unlock(&mutex);
    write_lock(&rwlock);
    written++;
    write_unlock(&rwlock);
  }
  complete(&event);
  return NULL;
}

int kernel_locks(void) {
  pthread_t threads[3];
  int i;
  for (i = 0; i < 3; i++) pthread_create(&threads[i], NULL, count, NULL);
  for (i = 0; i < 3; i++) wait_for_completion(&event);
  for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  spin_lock(&spin);
  EXPECT(counted == 9000 && written == 9000 && spin_is_locked(&spin) && preempt_count() == 1);
  assert_spin_locked(&spin);
  spin_unlock(&spin);
  EXPECT(preempt_count() == 0 && spin_trylock(&spin) && preempt_count() == 1);
  spin_unlock(&spin);
  EXPECT(mutex_trylock(&mutex) && mutex_is_locked(&mutex) && !mutex_trylock(&mutex));
  mutex_unlock(&mutex);
  EXPECT(!mutex_is_locked(&mutex) && mutex_lock_interruptible(&mutex) == 0);
  mutex_unlock(&mutex);
  read_lock(&rwlock);
  read_lock(&rwlock);
  read_unlock(&rwlock);
  read_unlock(&rwlock);
  down_read(&semaphore);
  EXPECT(down_read_trylock(&semaphore) && !down_write_trylock(&semaphore));
  up_read(&semaphore);
  up_read(&semaphore);
  down_write(&semaphore);
  up_write(&semaphore);
  EXPECT(preempt_count() == 0);
  return 0;
}

int kernel_completions(void) {
  struct completion done;
  init_completion(&done);
  EXPECT(!try_wait_for_completion(&done) && !completion_done(&done));
  EXPECT(wait_for_completion_timeout(&done, msecs_to_jiffies(20)) == 0);
  complete(&done);
  EXPECT(completion_done(&done) && wait_for_completion_timeout(&done, 10) > 0);
  EXPECT(!try_wait_for_completion(&done));
  complete_all(&done);
  wait_for_completion(&done);
  EXPECT(try_wait_for_completion(&done));
  reinit_completion(&done);
  EXPECT(!try_wait_for_completion(&done));
  return 0;
}

int kernel_readers(void) {
  int __rcu* shared = NULL;
  int number = 4;
  rcu_assign_pointer(shared, &number);
  rcu_read_lock();
  rcu_read_lock();
  EXPECT(*rcu_dereference(shared) == 4 && preempt_count() == 2);
  rcu_read_unlock();
  rcu_read_unlock();
  synchronize_rcu();
  return 0;
}

int kernel_time(void) {
  const unsigned long begin = jiffies;
  msleep(30);
  EXPECT(time_after(jiffies, begin) && time_before(begin, jiffies) && jiffies - begin >= 2);
  EXPECT(msecs_to_jiffies(1000) == HZ && jiffies_to_msecs(HZ) == 1000);
  EXPECT(time_after_eq(begin, begin));
  EXPECT(!time_after(begin, begin));
  udelay(1);
  EXPECT(cond_resched() == 0 && !signal_pending(current) && current->pid > 0 &&
         smp_processor_id() == 0);
  schedule();
  return 0;
}
