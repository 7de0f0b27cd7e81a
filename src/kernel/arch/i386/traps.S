// The first and the last instructions of an interrupt. Each vector has a stub that pushes its
// number, after an error code of 0 if the CPU has pushed none. The kernel always has its own
// segments loaded. In ring 3 there is one set of segments, which each return loads again, so none
// is saved.

.set kKernelData, 0x10                       // Selector, in segments.hpp
.set kPerCpu, 0x18
.set kUserCode, 0x33
.set kUserData, 0x3B
.set kInterrupted, 44                        // offset of TrapFrame::cs
.set kInterruptFlag, 0x202

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
  // Clear the interrupted code's flags: the direction flag, and AC, which opens user pages.
  pushl $2
  popf
  movl %esp, %eax                            // handle_trap(TrapFrame*), argument in a register
  testb $3, kInterrupted(%esp)
  jnz from_user
  call handle_trap
  popa
  addl $8, %esp
  iret

from_user:
  movl $kKernelData, %edx
  movl %edx, %ds
  movl %edx, %es
  movl $kPerCpu, %edx
  movl %edx, %fs
  call handle_trap
  cli                                        // an interrupt handler needs %fs
  call load_user_segments
  popa
  addl $8, %esp
  iret

load_user_segments:
  movl $kUserData, %ebx
  movl %ebx, %ds
  movl %ebx, %es
  xorl %ebx, %ebx
  movl %ebx, %fs
  movl %ebx, %gs
  ret

// enter_user_mode(entry, stack, first, second): eax, edx, ecx, and on the stack.
.globl enter_user_mode
enter_user_mode:
  cli
  movl 4(%esp), %esi
  pushl $kUserData
  pushl %edx
  pushl $kInterruptFlag
  pushl $kUserCode
  pushl %eax
  call load_user_segments
  movl %ecx, %eax                            // clear the other registers: they hold data of the kernel
  movl %esi, %edx
  xorl %ecx, %ecx
  xorl %esi, %esi
  xorl %edi, %edi
  xorl %ebp, %ebp
  iret

// The double-fault task begins here. Its IRET switches back to the interrupted task. At the next
// double fault it continues after the IRET.
.globl double_fault_entry
double_fault_entry:
  cld
  call handle_double_fault
  addl $4, %esp                              // the error code, always 0
  iret
  jmp double_fault_entry

.section .note.GNU-stack, "", @progbits
