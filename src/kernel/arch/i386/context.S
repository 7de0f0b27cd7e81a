// switch_context(from, to), arguments in eax and edx. Saves ebx, esi, edi and ebp; the caller has
// saved all else.

.section .text
.globl switch_context
switch_context:
  pushl %ebx
  pushl %esi
  pushl %edi
  pushl %ebp
  movl %esp, (%eax)
  movl (%edx), %esp
  popl %ebp
  popl %edi
  popl %esi
  popl %ebx
  ret

.section .note.GNU-stack, "", @progbits
