// switch_context(from, to), arguments in eax and edx. The caller expects ebx, esi, edi and ebp to
// survive; all else it has saved itself.

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
