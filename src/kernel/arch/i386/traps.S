// The first and the last instructions of an interrupt. The kernel's own segments are always loaded,
// so none is saved. One stub for each vector pushes its number, behind an error code where the CPU
// has pushed none.

.section .text

// SDM 3A table 6-1: vectors for which the CPU pushes an error code.
.set kErrorCodes, (1 << 8) | (0x1F << 10) | (1 << 17) | (1 << 21) | (3 << 29)

.set vector, 0
.rept 256
  .balign 16
  .if vector == 0
    .globl trap_stubs
    trap_stubs:
  .endif
  .if vector >= 32 || !((kErrorCodes >> (vector & 31)) & 1)
    pushl $0
  .endif
  pushl $vector
  jmp trap_common
  .set vector, vector + 1
.endr

trap_common:
  pusha
  cld
  movl %esp, %eax                            // handle_trap(TrapFrame*), argument in a register
  call handle_trap
  popa
  addl $8, %esp
  iret

// The double-fault task begins here, and after its IRET, which switches back to the task it
// interrupted, it goes on here when the next double fault comes.
.globl double_fault_entry
double_fault_entry:
  cld
  call handle_double_fault
  addl $4, %esp                              // the error code, always 0
  iret
  jmp double_fault_entry

.section .note.GNU-stack, "", @progbits
