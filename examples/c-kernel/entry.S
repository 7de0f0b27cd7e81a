// The ways into the kernel and out of it, and from one thread's stack to another's.
#include "layout.h"

.text

// One stub for each vector, 16 bytes apart. Some exceptions push an error code; for the others the
// stub pushes a zero. (Intel SDM 3A 6.3.1)
.globl vectors
.balign 16
vectors:
.set number, 0
.rept VECTORS
  .balign 16
  .if number >= 32 || !((0x60227D00 >> number) & 1)
  pushl $0
  .endif
  pushl $number
  jmp enter
  .set number, number + 1
.endr

enter:                                  // the stack now holds a struct trap_frame, from `vector` on
  pushal
  pushl %ds
  pushl %es
  movl $KERNEL_DATA, %eax
  movw %ax, %ds
  movw %ax, %es
  cld
  pushl %esp
  call trap
  addl $4, %esp
  popl %es
  popl %ds
  popal
  addl $8, %esp
  iret

// void enter_user(uint32_t address, uint32_t stack)
.globl enter_user
enter_user:
  movl 4(%esp), %eax
  movl 8(%esp), %ecx
  cli                                   // until IRET: an interrupt would save the wrong DS
  movl $USER_DATA, %edx
  movw %dx, %ds
  movw %dx, %es
  pushl %edx
  pushl %ecx
  pushl $0x202                          // EFLAGS: interrupts on
  pushl $USER_CODE
  pushl %eax
  iret

// void switch_stacks(uint32_t* saved, uint32_t next): the calling thread comes back when another
// thread switches to what is saved here. The four registers are those that a C function preserves.
.globl switch_stacks
switch_stacks:
  movl 4(%esp), %eax
  movl 8(%esp), %ecx
  pushl %ebp
  pushl %ebx
  pushl %esi
  pushl %edi
  movl %esp, (%eax)
  movl %ecx, %esp
  popl %edi
  popl %esi
  popl %ebx
  popl %ebp
  ret

.section .note.GNU-stack, "", @progbits
