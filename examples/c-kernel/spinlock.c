// Spinlocks. They turn interrupts off while they are held: an interrupt on this CPU could otherwise
// ask for the same lock, and wait forever. So a thread that holds one is not preempted either.
#include "kernel.h"

void interrupts_off(void) {
  const bool were_on = interrupts_are_on();
  asm volatile("cli" : : : "memory");
  struct cpu* cpu = this_cpu();
  if (cpu->off_depth++ == 0) cpu->interrupts_were_on = were_on;
}

void interrupts_restore(void) {
  struct cpu* cpu = this_cpu();
  if (--cpu->off_depth == 0 && cpu->interrupts_were_on) asm volatile("sti" : : : "memory");
}

void spin_lock(struct spinlock* lock) {
  interrupts_off();
  const uint32_t me = cpu_number() + 1;
  if (__atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == me)
    panic("CPU %u waits for a lock that it holds itself", cpu_number());
  while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
    while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED)) relax();
  __atomic_store_n(&lock->holder, me, __ATOMIC_RELAXED);
}

void spin_unlock(struct spinlock* lock) {
  __atomic_store_n(&lock->holder, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
  interrupts_restore();
}
