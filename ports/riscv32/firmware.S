// What the kernel finds below it on a RISC-V machine: machine mode, reduced to the calls of the SBI
// specification 1.0 that this port makes. An OpenSBI takes its place where there is one.
//
//     HSM    hart_start, hart_get_status    RFENCE   remote_sfence_vma
//     sPI    send_ipi                       SRST     system_reset
//
// QEMU starts every hart at `reset`. Hart 0 goes on to the kernel; the others wait until hart_start
// gives them an address, or find it when they come late: so hart_start believes that a hart exists.
//
// A hart that asks others for a fence writes it to its own block, with a bit for each hart that has
// not made it yet, and sends each a software interrupt. Each looks at all blocks, makes the fence,
// and clears its bit; the last one wakes the hart that asked. While that one waits, it answers
// others. A hart that has not started needs no fence: it makes one when it starts.

.set kKernel, 0x80400000
.set kSoftwareInterrupts, 0x02000000  // the CLINT's word for each hart
.set kTestDevice, 0x00100000
.set kHarts, 4

.set kNotSupported, -2
.set kInvalidParameter, -3
.set kAlreadyAvailable, -6

// A hart's block; mscratch holds its address. A hart with a start address has started.
.set kStart, 0
.set kOpaque, 4
.set kBit, 8
.set kInterrupt, 12
.set kFenceStart, 16
.set kFenceSize, 20
.set kPending, 24                     // the harts that have not made the fence
.set kIpi, 28                         // 1: the kernel gets a software interrupt
.set kSaved, 32
.set kBlockShift, 6

.text
.globl reset
reset:  // a1: the device tree
  csrr a0, mhartid
  li t0, kHarts
1:bgeu a0, t0, 1b                     // a hart too many
  la sp, blocks
  slli t0, a0, kBlockShift
  add sp, sp, t0
  csrw mscratch, sp
  li t0, 1
  sll t0, t0, a0
  sw t0, kBit(sp)
  li t1, kSoftwareInterrupts
  slli t2, a0, 2
  add t1, t1, t2
  sw t1, kInterrupt(sp)

  la t0, trap
  csrw mtvec, t0
  li t0, -1                           // all memory is open to the kernel
  csrw pmpaddr0, t0
  li t0, 0x1F                         // NAPOT, read, write, execute
  csrw pmpcfg0, t0
  li t0, 0xB1FF                       // exceptions go to the kernel, but for its own ecall
  csrw medeleg, t0
  li t0, 0x222
  csrw mideleg, t0
  li t0, 7                            // cycle, time and instret may be read
  csrw mcounteren, t0
  csrw scounteren, t0
  li t0, 8                            // software interrupts, also where the kernel's are off
  csrw mie, t0
  bnez a0, wait
  lw t0, kBit(sp)
  la t1, started
  amoor.w zero, t0, (t1)
  sw a1, kOpaque(sp)
  li t0, kKernel
  sw t0, kStart(sp)

wait:
  jal t6, serve
  lw t0, kStart(sp)
  bnez t0, enter
  wfi                                 // returns at once if an interrupt has come since serve
  j wait
enter:  // t0: where
  fence r, rw                         // kStart publishes kOpaque
  csrw mepc, t0
  csrw satp, zero
  sfence.vma
  li t0, 0x1802                       // to supervisor mode, with interrupts off
  csrc mstatus, t0
  li t0, 0x0800
  csrs mstatus, t0
  csrr a0, mhartid
  lw a1, kOpaque(sp)
  mret

.balign 4
trap:
  csrrw sp, mscratch, sp
  sw t0, kSaved(sp)
  sw t1, kSaved + 4(sp)
  sw t2, kSaved + 8(sp)
  sw t3, kSaved + 12(sp)
  sw t6, kSaved + 16(sp)
  csrr t0, mcause
  bltz t0, interrupt
  li t1, 9                            // an ecall of the kernel
  bne t0, t1, broken
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  li t0, 0x52464E43
  beq a7, t0, rfence
  li t0, 0x48534D
  beq a7, t0, hsm
  li t0, 0x53525354
  beq a7, t0, srst
  li t0, 0x735049
  beq a7, t0, spi
not_supported:
  li a0, kNotSupported
  j answer
interrupt:
  jal t6, serve
  j leave
done:
  li a0, 0
answer:
  li a1, 0
leave:
  lw t0, kSaved(sp)
  lw t1, kSaved + 4(sp)
  lw t2, kSaved + 8(sp)
  lw t3, kSaved + 12(sp)
  lw t6, kSaved + 16(sp)
  csrrw sp, mscratch, sp
  mret

// Answers a software interrupt. Changes t0 to t3; returns to t6.
serve:
  lw t0, kInterrupt(sp)
  sw zero, 0(t0)
  fence iorw, iorw                    // what is asked after the looks has an interrupt of its own
  addi t0, sp, kIpi
  amoswap.w t1, zero, (t0)
  beqz t1, 1f
  li t0, 2                            // SSIP
  csrs mip, t0
1:lw t2, kBit(sp)
  la t0, blocks
2:lw t1, kPending(t0)
  and t1, t1, t2
  beqz t1, 5f
  fence r, rw                         // pairs with rfence: the PTEs of that hart are visible here
  lw t3, kFenceStart(t0)
  lw t1, kFenceSize(t0)
  srli t1, t1, 12
  addi t1, t1, -1
  bnez t1, 3f
  sfence.vma t3
  j 4f
3:sfence.vma                          // more than a page: everything
4:not t1, t2
  addi t3, t0, kPending
  fence rw, w
  amoand.w t1, t1, (t3)
  bne t1, t2, 5f
  fence w, o                          // the last answer
  lw t1, kInterrupt(t0)
  li t3, 1
  sw t3, 0(t1)
5:addi t0, t0, 1 << kBlockShift
  la t1, blocks_end
  bltu t0, t1, 2b
  jr t6

// Sends a software interrupt to the harts of mask a0, after what was written before. Changes t0, t1
// and a0.
send:
  fence w, o
  li t0, kSoftwareInterrupts
1:beqz a0, 3f
  andi t1, a0, 1
  beqz t1, 2f
  sw t1, 0(t0)
2:addi t0, t0, 4
  srli a0, a0, 1
  j 1b
3:jr t6

// Makes a0 the mask of the started harts that (a0: mask, a1: first hart, or -1 for all) names.
name_harts:
  sll a0, a0, a1
  addi t0, a1, 1
  bnez t0, 1f
  li a0, -1
1:la t0, started
  lw t0, 0(t0)
  and a0, a0, t0
  jr t6

// remote_sfence_vma(a0: mask, a1: first hart, a2: start, a3: size)
rfence:
  li t0, 1
  bne a6, t0, not_supported
  jal t6, name_harts
  beqz a0, done
  sw a2, kFenceStart(sp)
  sw a3, kFenceSize(sp)
  fence rw, w                         // the kernel's PTEs, and the request
  sw a0, kPending(sp)
  jal t6, send
1:jal t6, serve
  lw t0, kPending(sp)
  beqz t0, 2f
  wfi                                 // an answer since serve has left its interrupt
  j 1b
2:fence r, rw
  j done

// send_ipi(a0: mask, a1: first hart)
spi:
  bnez a6, not_supported
  jal t6, name_harts
  la t0, blocks
  mv t1, a0
  li t2, 1
1:beqz t1, 3f
  andi t3, t1, 1
  beqz t3, 2f
  sw t2, kIpi(t0)
2:addi t0, t0, 1 << kBlockShift
  srli t1, t1, 1
  j 1b
3:jal t6, send
  j done

// hart_start(a0: hart, a1: address, a2: opaque), hart_get_status(a0: hart)
hsm:
  li t0, kHarts
  bgeu a0, t0, invalid
  la t0, blocks
  slli t1, a0, kBlockShift
  add t0, t0, t1
  lw t1, kStart(t0)
  li t2, 2
  beq a6, t2, status
  bnez a6, not_supported
  bnez t1, already
  li t1, 1
  sll t1, t1, a0
  la t2, started
  amoor.w zero, t1, (t2)
  sw a2, kOpaque(t0)
  fence rw, w                         // pairs with enter
  sw a1, kStart(t0)
  fence w, o
  li t0, kSoftwareInterrupts
  slli t1, a0, 2
  add t0, t0, t1
  li t1, 1
  sw t1, 0(t0)
  j done
status:
  seqz a1, t1                         // 0: started, 1: stopped
  li a0, 0
  j leave
already:
  li a0, kAlreadyAvailable
  j answer
invalid:
  li a0, kInvalidParameter
  j answer

// system_reset(a0: type, a1: reason): shutdown only
srst:
  bnez a6, not_supported
  bnez a0, not_supported
  bnez a1, broken
  li t0, 0x5555                       // QEMU ends with 0
  j off
broken:
  li t0, 0x13333                      // with 1
off:
  li t1, kTestDevice
  sw t0, 0(t1)
1:wfi
  j 1b

.data
.balign 64
blocks:
  .skip kHarts << kBlockShift
blocks_end:
started: .word 0                      // a bit for each hart
