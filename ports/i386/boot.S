// The kernel's entries, its interrupts, and the switch of stacks. Addresses are the same with and
// without page tables. (Multiboot specification 0.6.96; Intel's Software Developer's Manual, volume
// 3A: SDM)

.set kMagic, 0x1BADB002
.set kMemoryInfo, 2
.set kStackShift, 14
.set kMostCpus, 4
.set kCode, 0x08
.set kData, 0x10

.section .multiboot, "a"
.balign 4
  .long kMagic, kMemoryInfo, -(kMagic + kMemoryInfo)

.macro load_segments
  movl $kData, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
.endm

.text
.globl start
start:
  cli
  cld
  lgdt segments_register
  ljmp $kCode, $1f
1:
  load_segments
  movl $stacks + (1 << kStackShift), %esp
  pushl %ebx
  call machine_start                  // (Multiboot information)

// Where a start-up IPI lets a CPU begin: in real mode, at a page below 1 MiB that has a copy of
// this (SDM 8.4.4).
.code16
.globl trampoline, trampoline_end
trampoline:
  cli
  cld
  movw %cs, %ax
  movw %ax, %ds
  lgdtl segments_register - trampoline
  movl %cr0, %eax
  orl $1, %eax                        // PE
  movl %eax, %cr0
  ljmpl $kCode, $start_other
.balign 4
segments_register:
  .word 3 * 8 - 1
  .long segments
trampoline_end:

// All others come at once, in any order.
.code32
start_other:
  load_segments
  movl $1, %eax
  lock xaddl %eax, next_cpu
  cmpl $kMostCpus, %eax
  jae 1f
  leal 1(%eax), %esp
  shll $kStackShift, %esp
  addl $stacks, %esp
  pushl %eax
  call machine_start_other            // (its number)
1:
  cli
  hlt
  jmp 1b

// 256 entries of 16 bytes, each for one vector. For some of them the CPU pushes an error code (SDM
// table 6-1).
.balign 16
.globl interrupt_entries
interrupt_entries:
.set vector, 0
.rept 256
  .balign 16
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21)
  .else
  pushl $0
  .endif
  pushl $vector
  jmp interrupt
  .set vector, vector + 1
.endr

interrupt:
  pushal
  cld
  pushl %esp
  call on_interrupt                   // (what lies on the stack)
  addl $4, %esp
  popal
  addl $8, %esp
  iretl

// bool probe_word(const void* address, uint32_t* value): on_interrupt() goes on at probe_failed.
.globl probe_word, probe_load, probe_failed
probe_word:
  movl 4(%esp), %eax
  movl 8(%esp), %edx
probe_load:
  movl (%eax), %eax
  movl %eax, (%edx)
  movl $1, %eax
  ret
probe_failed:
  xorl %eax, %eax
  ret

// void switch_stack(void** from, void* to)
.globl switch_stack
switch_stack:
  movl 4(%esp), %eax
  movl 8(%esp), %edx
  pushl %ebp
  pushl %ebx
  pushl %esi
  pushl %edi
  movl %esp, (%eax)
  movl %edx, %esp
  popl %edi
  popl %esi
  popl %ebx
  popl %ebp
  ret

.balign 4
.globl gates_register
gates_register:
  .word 256 * 8 - 1
  .long gates

.data
next_cpu:
  .long 1
.balign 8
segments:                             // flat code and data
  .quad 0
  .quad 0x00CF9A000000FFFF
  .quad 0x00CF92000000FFFF

.bss
.balign 16
stacks:
  .skip kMostCpus << kStackShift

.section .note.GNU-stack, "", @progbits
