// From the Multiboot loader, which leaves paging off, to kernel_main() at the kernel's addresses.
// (Multiboot specification 0.6.96; Intel SDM 3A 4.3)
#include "layout.h"

#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)
#define PRESENT_WRITABLE 3

.text                                   // linked first: the loader looks into the first 8 KiB
.balign 4
  .long 0x1BADB002, 2, -(0x1BADB002 + 2)  // with the memory map, please

.globl start_physical
.set start_physical, PHYSICAL(start)

start:
  movl %eax, %esi                       // the loader's magic number; its information is in EBX

  movl $PHYSICAL(direct_tables), %edi   // pages of 4 KiB, all of the direct map
  movl $PRESENT_WRITABLE, %eax
  movl $DIRECT_PAGES, %ecx
1:
  movl %eax, (%edi)
  addl $PAGE_SIZE, %eax
  addl $4, %edi
  loop 1b

  movl $PHYSICAL(direct_tables) + PRESENT_WRITABLE, %eax
  movl %eax, PHYSICAL(kernel_directory) // the first 4 MiB also where they are: this code runs there
  movl $PHYSICAL(kernel_directory) + (KERNEL_BASE >> 22) * 4, %edi
  movl $(DIRECT_PAGES / 1024), %ecx
2:
  movl %eax, (%edi)
  addl $PAGE_SIZE, %eax
  addl $4, %edi
  loop 2b

  movl $PHYSICAL(kernel_directory), %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $0x80010000, %eax                 // paging, and write protection in ring 0
  movl %eax, %cr0

  movl $high, %eax
  jmp *%eax
high:
  movl $threads + STACK_SIZE, %esp      // of this CPU's idle thread, which begins here
  xorl %ebp, %ebp
  pushl %ebx
  pushl %esi
  call kernel_main

.bss
.balign PAGE_SIZE
.globl kernel_directory
kernel_directory:
  .skip PAGE_SIZE
direct_tables:
  .skip DIRECT_PAGES * 4

.section .note.GNU-stack, "", @progbits
