// The kernel's entries, its trap, and the switch of stacks. A hart starts in supervisor mode with
// satp zero, its number in a0, and in a1 the device tree, or what hart_start was given (SBI
// specification 1.0, chapter 9). Addresses are the same with and without page tables.

.set kStackShift, 14

.section .text.first, "ax"
.globl start
start:
  li tp, 0
  la sp, stacks + (1 << kStackShift)
  j machine_start                     // (hart, device tree)

.text
.globl start_other
start_other:  // a1: the CPU's number
  mv tp, a1
  la sp, stacks + (1 << kStackShift)
  slli t0, tp, kStackShift
  add sp, sp, t0
  j machine_start_other

// A fault: on_fault(cause, address, pc) returns where to go on. What a call may change is saved.
.balign 4
.globl trap
trap:
  addi sp, sp, -64
  sw ra, 0(sp)
  sw t0, 4(sp)
  sw t1, 8(sp)
  sw t2, 12(sp)
  sw t3, 16(sp)
  sw t4, 20(sp)
  sw t5, 24(sp)
  sw t6, 28(sp)
  sw a0, 32(sp)
  sw a1, 36(sp)
  sw a2, 40(sp)
  sw a3, 44(sp)
  sw a4, 48(sp)
  sw a5, 52(sp)
  sw a6, 56(sp)
  sw a7, 60(sp)
  csrr a0, scause
  csrr a1, stval
  csrr a2, sepc
  call on_fault
  csrw sepc, a0
  lw ra, 0(sp)
  lw t0, 4(sp)
  lw t1, 8(sp)
  lw t2, 12(sp)
  lw t3, 16(sp)
  lw t4, 20(sp)
  lw t5, 24(sp)
  lw t6, 28(sp)
  lw a0, 32(sp)
  lw a1, 36(sp)
  lw a2, 40(sp)
  lw a3, 44(sp)
  lw a4, 48(sp)
  lw a5, 52(sp)
  lw a6, 56(sp)
  lw a7, 60(sp)
  addi sp, sp, 64
  sret

// bool probe_word(const void* address, uint32_t* value): on_fault() goes on at probe_failed.
.globl probe_word, probe_load, probe_failed
probe_word:
probe_load:
  lw a2, 0(a0)
  sw a2, 0(a1)
  li a0, 1
  ret
probe_failed:
  li a0, 0
  ret

// void switch_stack(void** from, void* to)
.globl switch_stack
switch_stack:
  addi sp, sp, -64
  sw ra, 0(sp)
  sw s0, 4(sp)
  sw s1, 8(sp)
  sw s2, 12(sp)
  sw s3, 16(sp)
  sw s4, 20(sp)
  sw s5, 24(sp)
  sw s6, 28(sp)
  sw s7, 32(sp)
  sw s8, 36(sp)
  sw s9, 40(sp)
  sw s10, 44(sp)
  sw s11, 48(sp)
  sw sp, 0(a0)
  mv sp, a1
  lw ra, 0(sp)
  lw s0, 4(sp)
  lw s1, 8(sp)
  lw s2, 12(sp)
  lw s3, 16(sp)
  lw s4, 20(sp)
  lw s5, 24(sp)
  lw s6, 28(sp)
  lw s7, 32(sp)
  lw s8, 36(sp)
  lw s9, 40(sp)
  lw s10, 44(sp)
  lw s11, 48(sp)
  addi sp, sp, 64
  ret

.bss
.balign 16
stacks:
  .skip 4 << kStackShift

.section .note.GNU-stack, "", @progbits
