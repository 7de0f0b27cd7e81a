// The programs' files, in the image.

.macro program name
  .globl program_\name\()_begin, program_\name\()_end
program_\name\()_begin:
  .incbin "\name\().elf"
program_\name\()_end:
.endm

.section .rodata
.balign 4
program sha256
program fill
program peek
program trespass
program spin

.section .note.GNU-stack, "", @progbits
