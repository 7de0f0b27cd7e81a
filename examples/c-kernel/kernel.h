// What each file of the kernel offers to the others, file by file.
#ifndef KERNEL_H
#define KERNEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kmapper/kernel_types.h"
#include "layout.h"

// string.c: the four functions that the compiler may call.
void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int byte, size_t size);
int memcmp(const void* left, const void* right, size_t size);

// console.c
void console_init(void);
void console_write(const char* text, uint32_t length);
__attribute__((noreturn)) void power_off(int result);
__attribute__((format(printf, 1, 2))) void print(const char* format, ...);  // %s, %u, %x
__attribute__((noreturn, format(printf, 1, 2))) void panic(const char* format, ...);

// spinlock.c
struct spinlock {
  uint32_t locked;
  uint32_t holder;  // the CPU, plus one
};

void spin_lock(struct spinlock* lock);
void spin_unlock(struct spinlock* lock);
void interrupts_off(void);  // nests; interrupts_restore() undoes the last one
void interrupts_restore(void);

// memory.c
struct page {
  struct page* next;  // of the list that the page is on: the free one, or its owner's
  bool free;
  kmapper_cell cell;
};

extern struct page pages[];  // by page number; kernel.ld puts them behind the kernel

struct multiboot;
void memory_init(const struct multiboot* info);
// A page, or NULL if none is free.
struct page* alloc_page(void);
struct page* alloc_direct_page(void);  // one that has a page_address()
void free_page(struct page* page);

static inline uint32_t page_number(const struct page* page) { return (uint32_t)(page - pages); }
static inline uint32_t page_physical(const struct page* page) {
  return page_number(page) * PAGE_SIZE;
}
static inline void* page_address(const struct page* page) {
  return (void*)(KERNEL_BASE + page_physical(page));
}

// paging.c
#define PAGE_PRESENT 0x001
#define PAGE_WRITABLE 0x002
#define PAGE_USER 0x004
#define PAGE_UNCACHED 0x018
#define PAGE_ACCESSED 0x020

extern uint32_t kernel_directory[1024];
void share_table(uint32_t address, const uint32_t* table);  // before the first process starts
void map_device(uint32_t address);                          // at the same address
void share_kernel_part(uint32_t* directory);
void load_directory(const uint32_t* directory);
void drop_identity_map(void);

// thread.c
struct process {
  uint32_t* directory;  // NULL for a thread that has no process
  struct page* pages;   // all that it has, its page tables too
  uint32_t end;         // of its memory
};

enum thread_state { UNUSED, READY, RUNNING, SLEEPING, FINISHED };

struct thread {
  uint8_t stack[STACK_SIZE];  // first, for boot.S
  uint32_t saved_stack;       // while it does not run
  enum thread_state state;
  struct thread* next;  // in the queue of those that are ready
  const void* channel;  // what it sleeps for
  int (*function)(void*);
  void* argument;
  int result;
  struct process process;
  uint64_t deadline;                // of its sleep
  uint32_t cpu;                     // where it ran last
  kmapper_local_stack local_stack;  // unless it is empty, the thread stays on that CPU
} __attribute__((aligned(THREAD_SIZE)));

// Each thread runs on its own stack, interrupts too: so the stack pointer says which one it is.
static inline struct thread* current_thread(void) {
  uint32_t stack;
  asm("movl %%esp, %0" : "=r"(stack));
  return (struct thread*)(stack & ~(THREAD_SIZE - 1u));
}

struct thread* thread_start(int (*function)(void*), void* argument);
int thread_join(struct thread* thread);  // waits for its end, and returns its result
__attribute__((noreturn)) void thread_exit(int result);
void yield(void);
// Releases the lock while it sleeps.
void sleep(const void* channel, struct spinlock* lock);
void sleep_until(const void* channel, struct spinlock* lock, uint64_t deadline);
void tick(void);                   // every TICK nanoseconds
uint64_t now(void);                // in nanoseconds
void wakeup(const void* channel);  // wakes all that sleep there
void idle_threads_init(void);
__attribute__((noreturn)) void idle(void);

// cpu.c
struct task_state {  // what a CPU reads from it:
  uint32_t link;
  uint32_t stack0, segment0;  // the stack for interrupts that come in ring 3
  uint32_t unused[22];
  uint16_t trap, port_map;  // behind the end: no port is for ring 3
};

struct cpu {
  struct thread* current;
  struct thread* idle;
  uint32_t off_depth;  // calls of interrupts_off() without their interrupts_restore()
  bool interrupts_were_on;
  uint32_t online;
  uint32_t apic_id;
  struct task_state task_state;
};

extern struct cpu cpus[MAX_CPUS];
extern uint32_t cpu_count;
void cpu_init(uint32_t number);
void cpu_start_others(void);
void send_interrupt(const struct cpu* to, uint32_t vector);
void end_of_interrupt(void);

// The number of this CPU. Each CPU has a TSS of its own, which the task register names.
static inline uint32_t cpu_number(void) {
  uint32_t selector;
  asm volatile("str %0" : "=r"(selector));
  return (selector - FIRST_TSS) / 8;
}

// Call it with interrupts off: with interrupts on, the thread may go on on another CPU.
static inline struct cpu* this_cpu(void) { return &cpus[cpu_number()]; }

// trap.c
struct trap_frame {
  uint32_t es, ds;
  uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
  uint32_t vector, error;
  uint32_t eip, cs, eflags, esp, ss;  // the last two only from ring 3
};

void trap_init(void);
void trap_load(void);  // on each CPU

// process.c
struct thread* process_start(void);
__attribute__((noreturn)) void process_exit(int result);
uint32_t system_call(const struct trap_frame* frame);

// window.c
void answer_flush(void);

// jobs.c
void test_threads(void);
void run_processes(void);
void fill_memory(void);

// Instructions.
static inline void out8(uint16_t port, uint8_t value) {
  asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline bool interrupts_are_on(void) {
  uint32_t flags;
  asm volatile("pushfl; popl %0" : "=r"(flags));
  return flags & 0x200;
}

static inline void relax(void) { asm volatile("pause" : : : "memory"); }

#endif
