// Where another CPU starts: in real mode, at TRAMPOLINE, where the first CPU has put a copy of this
// code. So it runs at another address than it was linked for; HERE() gives the addresses there.
// (Intel SDM 3A 9.4 and 9.9)
#include "layout.h"

#define HERE(label) (TRAMPOLINE + (label) - trampoline)

.text
.globl trampoline, trampoline_end
.code16
trampoline:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  lgdtl HERE(descriptor)
  movl %cr0, %eax
  orl $1, %eax                          // protected mode
  movl %eax, %cr0
  ljmpl $KERNEL_CODE, $HERE(protected)

.code32
protected:
  movw $KERNEL_DATA, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl $kernel_directory - KERNEL_BASE, %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $0x80010000, %eax                 // as in boot.S
  movl %eax, %cr0
  movl starting_stack, %esp
  xorl %ebp, %ebp
  movl $other_cpu_main, %eax
  call *%eax

.balign 8
table:
  .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
descriptor:
  .word . - table - 1
  .long HERE(table)
trampoline_end:

.section .note.GNU-stack, "", @progbits
