// From a start-up IPI to cpu_main(). A started CPU is in real mode at the beginning of a page below
// 1 MiB (SDM 3A 9.4.4), where start_cpus() has put a copy of the trampoline. From there it jumps to
// the image, first at its physical address; start_cpus() keeps the image mapped there while a CPU
// turns paging on.
//
// CPUs start in any order, at any time, and even when no CPU waits for them any more. So each CPU
// changes start_claim from 1 to 0 before it uses anything that the CPUs share. If it finds 0, it
// waits for its turn; if it finds 2, it halts for good.

#include "paging_on.inc"

.section .boot, "ax"
.code16
.globl cpu_trampoline, cpu_trampoline_end
cpu_trampoline:
  cli
  cld
  movw %cs, %ax
  movw %ax, %ds
  lgdtl flat_segments_register - cpu_trampoline
  movl %cr0, %eax
  orl $1, %eax                               // PE
  movl %eax, %cr0
  ljmpl $0x08, $(cpu_protected - kDirectMap)
.balign 4
flat_segments_register:
  .word 3 * 8 - 1
  .long flat_segments - kDirectMap
cpu_trampoline_end:

// Flat code and data, 4 GiB, ring 0, until segments_init().
.balign 8
flat_segments:
  .quad 0
  .quad 0x00CF9A000000FFFF
  .quad 0x00CF92000000FFFF

.code32
cpu_protected:
  movl $0x10, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
2:
  movl $1, %eax
  xorl %ecx, %ecx
  lock cmpxchgl %ecx, start_claim - kDirectMap
  je 3f
  cmpl $2, %eax
  je 4f
  pause
  jmp 2b
4:
  cli
  hlt
  jmp 4b
3:
  paging_on
  movl $cpu_high, %eax
  jmp *%eax
cpu_high:
  xorl %ebp, %ebp
  movl starting_cpu, %eax                    // cpu_main(CPU's number), in a register
  movl starting_cpu_stack, %esp
  call cpu_main
1:
  cli
  hlt
  jmp 1b

.section .note.GNU-stack, "", @progbits
