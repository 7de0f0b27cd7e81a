// From QEMU's or GRUB's Multiboot loader to play_firmware(), on a stack; and from there to the
// kernel, as a loader leaves the CPU (Multiboot specification 0.6.96, 3.2).

.section .multiboot, "a"
.balign 4
  .long 0x1BADB002, 3, -(0x1BADB002 + 3)

.section .text
.globl start, enter_kernel
start:
  cli
  cld
  movl $stack_top, %esp
  movl %ebx, %eax                            // play_firmware(Multiboot information), in a register
  call play_firmware
1:
  hlt
  jmp 1b

// enter_kernel(magic, information, entry): eax, edx, ecx.
enter_kernel:
  movl %edx, %ebx
  jmp *%ecx

.section .bss
.balign 16
  .skip 16384
stack_top:

.section .note.GNU-stack, "", @progbits
