// From QEMU's loader to kernel_main(), in SVC mode, and the same way again for each CPU that PSCI
// starts. Virtual addresses are physical ones, except for the window's, kmap_local's and vmap's, so
// that nothing moves when the MMU goes on. (B: chapters of the ARM Architecture Reference Manual,
// ARMv7-A and ARMv7-R, DDI 0406C; PSCI: DEN 0022)

.syntax unified
.cpu cortex-a15
.arch_extension virt
.arm

.set kStackSize, 0x4000                   // of each CPU until it runs threads
.set kAbortStackSize, 0x400
.set kCpus, 4

// --- Translation tables (B3.6) ---
.set kTable, 3
.set kBlock, 1
.set kAccessFlag, 1 << 10                 // the CPU does not set it (B3.7)
.set kInnerShareable, 3 << 8
.set kDevice, 1 << 2                      // the attributes' index in MAIR0; 0 is normal memory
.set kNeverExecuteHigh, 1 << (54 - 32)    // in a descriptor's second word
.set kNormalBlock, kBlock + kAccessFlag + kInnerShareable
.set kDeviceBlock, kBlock + kAccessFlag + kDevice

.section .tables, "aw"
.balign 4096
device_table:                             // 0 to 1 GiB: only the blocks with the GIC and the PL011
  .skip (0x08000000 >> 21) * 8
  .long 0x08000000 + kDeviceBlock, kNeverExecuteHigh
  .skip (0x09000000 >> 21) * 8 - (. - device_table)
  .long 0x09000000 + kDeviceBlock, kNeverExecuteHigh
  .skip 4096 - (. - device_table)
ram_table:                                // 1 to 2 GiB: the first 512 MiB of RAM
  .long 0x40000000 + kNormalBlock, kNeverExecuteHigh
  .long 0x40200000 + kNormalBlock, 0      // the image: link.ld puts the code here
  .set at, 0x40400000
  .rept 254
  .long at + kNormalBlock, kNeverExecuteHigh
  .set at, at + 0x200000
  .endr
  .skip 4096 - (. - ram_table)
window_directory:                         // 3 to 4 GiB: kWindow, kLocal, kVmap
  .long window_tables + kTable, 0
  .long window_tables + 0x1000 + kTable, 0
  .long window_tables + 0x2000 + kTable, 0
  .skip 4096 - (. - window_directory)
first_table:
  .long device_table + kTable, 0
  .long ram_table + kTable, 0
  .long 0, 0
  .long window_directory + kTable, 0

// --- The start ---
.text
.globl start, start_second
start:
  mov r0, #0
start_second:                             // r0: this CPU's number, from CPU_ON
  cpsid aif, #0x17                        // abort mode: only its stack is set here
  ldr sp, =abort_stacks + kAbortStackSize
  mov r1, #kAbortStackSize
  mla sp, r0, r1, sp
  cpsid aif, #0x13                        // SVC mode
  ldr sp, =stacks + kStackSize
  mov r1, #kStackSize
  mla sp, r0, r1, sp
  mcr p15, 0, r0, c13, c0, 4              // TPIDRPRW: cpu()

  mrc p15, 0, r1, c1, c0, 1               // ACTLR.SMP of the Cortex-A15: caches are coherent, and
  tst r1, #1 << 6                         // others' TLB maintenance arrives. Written only if the
  orreq r1, r1, #1 << 6                   // firmware has not: it may be read-only here.
  mcreq p15, 0, r1, c1, c0, 1

  mov r1, #0
  mcr p15, 0, r1, c8, c7, 0               // TLBIALL
  mcr p15, 0, r1, c7, c5, 0               // ICIALLU
  mcr p15, 0, r1, c7, c5, 6               // BPIALL
  dsb
  ldr r1, =0x000004FF                     // MAIR0: 0 is write-back memory, 1 is device memory
  mcr p15, 0, r1, c10, c2, 0
  ldr r1, =0x80803500                     // TTBCR: EAE; EPD1, no second range; walks are cached as
  mcr p15, 0, r1, c2, c0, 2               // the tables are: write-back, inner shareable (B4.1.153)
  isb
  ldr r1, =first_table
  mov r2, #0
  mcrr p15, 0, r1, r2, c2                 // TTBR0
  ldr r1, =vectors
  mcr p15, 0, r1, c12, c0, 0              // VBAR
  isb
  mrc p15, 0, r1, c1, c0, 0               // SCTLR (B4.1.130)
  ldr r2, =0x42182002                     // not TE, EE, UWXN, WXN, V, A
  bic r1, r1, r2
  ldr r2, =0x00001805                     // I, Z, C, M
  orr r1, r1, r2
  mcr p15, 0, r1, c1, c0, 0
  isb
  bl run_cpu                              // does not return

// --- Exceptions (B1.8.1) ---
// Each is handled in abort mode, on this CPU's stack for it: the fault may come from an overflow of
// the thread's stack. fault() may change where the code goes on.
.macro enter vector, offset
  sub lr, lr, #\offset
  srsdb sp!, #0x17
  cps #0x17
  push {r0-r3, r12, lr}
  mov r0, #\vector
  b handle
.endm
undefined:      enter 1, 4
prefetch_abort: enter 3, 4
data_abort:     enter 4, 8
hyp_trap:       enter 5, 4
interrupt:      enter 6, 4
fast_interrupt: enter 7, 4
handle:
  mov r1, sp
  bl fault
  clrex                                   // an STREX that comes next fails, and its loop goes round
  pop {r0-r3, r12, lr}
  rfeia sp!

supervisor_call:                          // end() came here: QEMU runs without -semihosting
  ldr r0, =0x84000008                     // SYSTEM_OFF of PSCI
  hvc #0
  b .

.balign 32
vectors:
  b .
  b undefined
  b supervisor_call
  b prefetch_abort
  b data_abort
  b hyp_trap
  b interrupt
  b fast_interrupt

// bool probe(const void* address, uint32_t& value)
.globl probe, probing_load, probe_failed
probe:
probing_load:
  ldr r0, [r0]                            // fault() goes on at probe_failed
  str r0, [r1]
  mov r0, #1
  bx lr
probe_failed:
  mov r0, #0
  bx lr

// void switch_stack(void** from, void* to): what a function must preserve (AAPCS 6.1.1), and lr.
// r3 keeps the stack aligned to 8 bytes.
.globl switch_stack
switch_stack:
  push {r3-r11, lr}
  str sp, [r0]
  mov sp, r1
  pop {r3-r11, pc}

.bss
.balign 8
stacks:
  .skip kStackSize * kCpus
abort_stacks:
  .skip kAbortStackSize * kCpus

.section .note.GNU-stack, "", %progbits
