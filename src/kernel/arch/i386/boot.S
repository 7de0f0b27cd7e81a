// From the Multiboot loader to kernel_main(). The loader leaves a 32-bit CPU without paging, the
// image at 1 MiB, eax = its magic number, ebx = the physical address of its information. This code
// turns paging on: PAE page tables map the first 8 MiB twice, at their physical addresses (for the
// instruction that turns paging on; removed right after) and at 0xC0000000. paging.cpp refines
// them. Symbols are linked high; until paging is on, each is used as (symbol - kDirectMap).

#include "paging_on.inc"

.set kMultibootMagic, 0x1BADB002
.set kMultibootFlags, 3                      // modules on page borders; memory map wanted
.set kPresentWritableLarge, 0x83
.set kBlocks, 4                              // of 2 MiB
.set kBootStackSize, 3 * 4096                // with its guard page

.section .multiboot, "a"
.balign 4
  .long kMultibootMagic, kMultibootFlags, -(kMultibootMagic + kMultibootFlags)

.section .boot, "ax"
.globl start
start:
  cli
  cld
  movl $(boot_stack + kBootStackSize - kDirectMap), %esp
  movl %eax, %esi                            // cpuid changes eax and ebx
  movl %ebx, %edi

  movl $1, %eax
  cpuid
  testl $(1 << 6), %edx                      // CPUID.1:EDX.PAE
  jz no_pae

  // The page-directory-pointer table: four directories of 1 GiB each.
  movl $(page_directories - kDirectMap + 1), %eax
  movl $(page_directory_pointers - kDirectMap), %edx
  movl $4, %ecx
1:
  movl %eax, (%edx)
  addl $4096, %eax
  addl $8, %edx
  loop 1b

  // Blocks 0 to kBlocks - 1, low (directory 0) and high (directory 3).
  movl $kPresentWritableLarge, %eax
  movl $(page_directories - kDirectMap), %edx
  movl $kBlocks, %ecx
2:
  movl %eax, (%edx)
  movl %eax, 3 * 4096(%edx)
  addl $(1 << 21), %eax
  addl $8, %edx
  loop 2b

  paging_on
  movl $high, %eax
  jmp *%eax
high:
  addl $kDirectMap, %esp
  // Remove the low mapping: a null pointer must fault.
  movl $page_directories, %edx
  movl $kBlocks, %ecx
4:
  movl $0, (%edx)
  addl $8, %edx
  loop 4b
  movl %cr3, %eax
  movl %eax, %cr3

  xorl %ebp, %ebp
  movl %esi, %eax                            // kernel_main(magic, multiboot), in registers
  movl %edi, %edx
  call kernel_main
1:
  cli
  hlt
  jmp 1b

// Prints the error on the screen, in text mode, and on COM1, as the firmware left them, and ends
// the machine with FAIL.
.set kScreen, 0xB8000
.set kColumns, 80
.set kRows, 25
no_pae:
  movl $kScreen, %edi
  movl $(kColumns * kRows), %ecx
  movl $0x0720, %eax                         // blanks, grey on black
  rep stosw
  movl $(no_pae_text - kDirectMap), %esi
  movl $kScreen, %edi
  call say
  movl $(fail_text - kDirectMap), %esi
  movl $(kScreen + kColumns * 2), %edi
  call say
  movb $1, %al
  outb %al, $0xF4
4:
  hlt
  jmp 4b

// Prints one line, at esi: on the screen at edi, and on COM1. Changes eax, ecx and edx.
say:
  lodsb
  testb %al, %al
  jz 1f
  movb $0x07, %ah
  stosw
  call send
  jmp say
1:
  movb $'\r, %al
  call send
  movb $'\n, %al

// Sends the byte in al to COM1. Waits for as long as a byte takes, not for ever.
send:
  movb %al, %ah
  movl $100000, %ecx
  movw $0x3FD, %dx
2:
  pause
  inb %dx, %al
  testb $0x20, %al
  loopz 2b
  movb %ah, %al
  movw $0x3F8, %dx
  outb %al, %dx
  ret

no_pae_text:
  .asciz "panic: this CPU has no PAE, which the page tables need"
fail_text:
  .asciz "FAIL"

.section .bss
.balign 32
.globl page_directory_pointers
page_directory_pointers:
  .skip 4 * 8
.balign 4096
.globl page_directories
page_directories:
  .skip 4 * 4096

.section .note.GNU-stack, "", @progbits
