// Addresses and numbers that C and assembly share.
#ifndef LAYOUT_H
#define LAYOUT_H

#define PAGE_SIZE 4096

// The kernel's gigabyte. It begins with the direct map: the first part of RAM, one address for each
// byte. The rest is for devices; nothing lies in the last 16 MiB.
#define KERNEL_BASE 0xC0000000
#define DIRECT_MIB 240
#define DIRECT_PAGES (DIRECT_MIB * 256)

#define MAX_CPUS 4
#define TICK 10000000      // 10 ms: QEMU's APIC counts nanoseconds; others have to be measured
#define STACK_SIZE 8192    // of a thread in the kernel
#define THREAD_SIZE 16384  // of its struct thread, or a little less
#define TRAMPOLINE 0x8000  // where the other CPUs start, in real mode

// A process's memory is [USER_STACK, end): one page of stack, the program, and what it asks for.
#define USER_STACK 0x400000
#define USER_IMAGE (USER_STACK + PAGE_SIZE)

// Selectors of the GDT. The last two bits of those for ring 3 are 3.
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE 0x1B
#define USER_DATA 0x23
#define FIRST_TSS 0x28

#define VECTORS 64
#define TIMER_VECTOR 32
#define WAKE_VECTOR 33
#define FLUSH_VECTOR 34
#define SYSCALL_VECTOR 48
#define SPURIOUS_VECTOR 63

// System calls: the number is in EAX, arguments are in EBX and ECX, the result comes in EAX.
#define SYSCALL_EXIT 0   // (result)
#define SYSCALL_WRITE 1  // (text, length): 0, or -1
#define SYSCALL_GROW 2   // (pages): the address of the first new page, or -1

#endif
