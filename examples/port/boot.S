// From a Multiboot loader to port_main() on i386: memory below 16 MiB stays where it is, in blocks of
// 4 MiB; the three tables come below kWindow. (Intel SDM 3A 4.3; Multiboot specification 0.6.96)

.set kMagic, 0x1BADB002
.set kPresentWritable, 3
.set kBlock, 0x80

.section .multiboot, "a"
.balign 4
  .long kMagic, 0, -kMagic

.text
.globl start
start:
  cli
  movl $stack_end, %esp

  movl $(kPresentWritable + kBlock), %eax     // four blocks of 4 MiB
  movl $directory, %edi
  movl $4, %ecx
1:
  movl %eax, (%edi)
  addl $0x400000, %eax
  addl $4, %edi
  loop 1b

.set kWindowEntry, (0xF0000000 >> 22) * 4
  movl $(window_table + kPresentWritable), directory + kWindowEntry
  movl $(local_table + kPresentWritable), directory + kWindowEntry + 4
  movl $(vmap_table + kPresentWritable), directory + kWindowEntry + 8

  movl %cr4, %eax
  orl $0x10, %eax                             // PSE: blocks
  movl %eax, %cr4
  movl $directory, %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $0x80010000, %eax                       // paging, and write protection
  movl %eax, %cr0

  movb $0xFF, %al                             // no interrupt comes
  outb %al, $0x21
  outb %al, $0xA1
  sti
  call port_main

.bss
.balign 4096
directory:
  .skip 4096
  .skip 32768
stack_end:

.section .note.GNU-stack, "", @progbits
