// The program of each process. The kernel copies it to USER_IMAGE, and it runs in ring 3. It asks
// for memory, writes a pattern of its own to it, and reads it back.
#include "layout.h"

#define HERE(label) (USER_IMAGE + (label) - user_program)
#define PAGES 4096

.section .rodata
.globl user_program, user_program_end
user_program:
  movl $SYSCALL_GROW, %eax
  movl $PAGES, %ebx
  int $SYSCALL_VECTOR
  cmpl $-1, %eax
  je bad
  movl %eax, %esi                       // the first new page
  rdtsc
  movl %eax, %ebp                       // no other process has the same pattern

  movl %esi, %edi
  movl $(PAGES * PAGE_SIZE / 4), %ecx
1:
  leal (%edi, %ebp), %eax
  stosl
  loop 1b

  movl %esi, %edi
  movl $(PAGES * PAGE_SIZE / 4), %ecx
2:
  leal (%edi, %ebp), %eax
  scasl
  loope 2b
  jne bad

  movl $HERE(good_text), %ebx
  movl $(good_end - good_text), %ecx
  xorl %edi, %edi
  jmp finish
bad:
  movl $HERE(bad_text), %ebx
  movl $(bad_end - bad_text), %ecx
  movl $1, %edi
finish:
  pushl %edi                            // the stack works, too
  movl $SYSCALL_WRITE, %eax
  int $SYSCALL_VECTOR
  popl %ebx
  movl $SYSCALL_EXIT, %eax
  int $SYSCALL_VECTOR

good_text:
  .ascii "process: my 16 MiB hold what I wrote\n"
good_end:
bad_text:
  .ascii "process: my memory is missing or wrong\n"
bad_end:
user_program_end:

.section .note.GNU-stack, "", @progbits
