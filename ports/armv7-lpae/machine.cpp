#include "machine.hpp"

#include "fdt.hpp"
#include "print.hpp"

extern "C" [[noreturn]] void kernel_main();
extern "C" char start_second[];  // these three: boot.S
extern "C" char probing_load[];
extern "C" char probe_failed[];

namespace machine {

alignas(4096) kmapper::Atomic<Entry> window_tables[3 * 512];

namespace {

constexpr uint32_t kMaxCpus = 4;

// Registers of the interrupt controller, a GICv2 (IHI 0048), and of the console, a PL011 (DDI
// 0183).
constexpr uint32_t kDistributorControl = 0x08000000;
constexpr uint32_t kSoftwareInterrupt = 0x08000F00;
constexpr uint32_t kInterfaceControl = 0x08010000;
constexpr uint32_t kPriorityMask = 0x08010004;
constexpr uint32_t kAcknowledge = 0x0801000C;
constexpr uint32_t kEndOfInterrupt = 0x08010010;
constexpr uint32_t kUartData = 0x09000000;
constexpr uint32_t kUartFlags = 0x09000018;
volatile uint32_t& device(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

port::Hardware hardware;
kmapper::Atomic<uint32_t> running{1};
void (*run_second)() = nullptr;  // written before any CPU starts that reads it

// Whether a read of the address finds a page now: ATS1CPR, and bit F of PAR.
bool is_mapped(uint32_t address) {
  uint32_t result = 0;
  asm volatile(
      "mcr p15, 0, %1, c7, c8, 0\n\t"
      "isb\n\t"
      "mrc p15, 0, %0, c7, c4, 0"
      : "=r"(result)
      : "r"(address)
      : "memory");
  return (result & 1) == 0;
}

// CPU_ON of PSCI, by HVC, as the device tree of the board without EL2 says.
bool start_cpu(uint32_t number) {
  register uint32_t function asm("r0") = 0x84000003;
  register uint32_t target asm("r1") = number;  // MPIDR's affinity
  register const void* entry asm("r2") = start_second;
  register uint32_t argument asm("r3") = number;
  asm volatile(
      ".arch_extension virt\n\t"
      "dsb\n\t"
      "hvc #0"
      : "+r"(function), "+r"(target), "+r"(entry), "+r"(argument)::"memory");
  return function == 0;
}

}  // namespace

// What boot.S pushes when an exception comes. fault() returns if the code is to go on at pc.
struct Frame {
  uint32_t registers[5];
  uint32_t lr;
  uint32_t pc;
  uint32_t status;
};
extern "C" void fault(uint32_t vector, Frame* frame) {
  constexpr uint32_t kDataAbort = 4;
  uint32_t status = 0;   // DFSR
  uint32_t address = 0;  // DFAR: what the access meant
  asm volatile("mrc p15, 0, %0, c5, c0, 0" : "=r"(status));
  asm volatile("mrc p15, 0, %0, c6, c0, 0" : "=r"(address));
  if (vector == kDataAbort && (status & 0x3C) == 4) {  // a translation fault, on any level
    // The walk was too early to see an entry that another CPU wrote. The return from an exception
    // synchronizes this CPU, and then the access is repeated.
    if (is_mapped(address)) return;
    if (frame->pc == reinterpret_cast<uint32_t>(probing_load)) {
      frame->pc = reinterpret_cast<uint32_t>(probe_failed);
      return;
    }
  }
  port::print_hex("exception ", vector);
  port::print_hex(" on CPU ", cpu());
  port::print_hex(" at ", frame->pc);
  port::print_hex(", DFSR ", status);
  port::print_hex(", DFAR ", address);
  port::print("\n");
  end(1);
}

// Each CPU comes here from boot.S.
extern "C" [[noreturn]] void run_cpu() {
  asm volatile("mcr p15, 0, %0, c9, c12, 0" ::"r"(1U << 2 | 1U));  // PMCR: from 0, every cycle, on
  asm volatile("mcr p15, 0, %0, c9, c12, 1" ::"r"(1U << 31));      // PMCNTENSET: PMCCNTR
  device(kInterfaceControl) = 1;
  if (cpu() == 0) {
    device(kDistributorControl) = 1;
    // The image leaves the first bytes of RAM free, and so QEMU puts the device tree there.
    port::read_device_tree(reinterpret_cast<const void*>(kDirect), hardware);
    kernel_main();
  }
  running.fetch_add(1);  // start_cpus() waits for this
  run_second();
  end(1);  // run_second() does not return
}

uint64_t ram_size() { return hardware.ram_size; }
const char* boot_arguments() { return hardware.arguments; }
uint32_t cpus() { return hardware.cpus < kMaxCpus ? hardware.cpus : kMaxCpus; }

void start_cpus(void (*run)()) {
  run_second = run;
  for (uint32_t number = 1; number < cpus(); ++number) {
    if (!start_cpu(number)) end(1);
    while (running.load() == number) relax();
  }
}

// An interrupt ends WFI also where CPSR.I is set (B1.8.14). Only here the priority mask lets one
// through, so that none is ever taken. All that have come are ended: each CPU may have sent one.
void idle() {
  device(kPriorityMask) = 0xFF;
  asm volatile("dsb\n\twfi" ::: "memory");
  for (;;) {
    const uint32_t interrupt = device(kAcknowledge);
    if ((interrupt & 1023) == 1023) break;
    device(kEndOfInterrupt) = interrupt;
  }
  device(kPriorityMask) = 0;
  asm volatile("dsb" ::: "memory");
}
void wake(uint32_t cpu) {
  asm volatile("dsb ishst" ::: "memory");  // it shall see what this CPU has written
  device(kSoftwareInterrupt) = 1U << (16 + cpu);
}

// The first DSB makes all walks see that the entries are empty. The last one waits until no TLB has
// them, and no access by an old translation is under way (B3.10.1).
void drop_everywhere(const uint32_t* addresses, uint32_t count) {
  asm volatile("dsb ishst" ::: "memory");
  for (uint32_t i = 0; i < count; ++i)
    asm volatile("mcr p15, 0, %0, c8, c3, 3" ::"r"(addresses[i]) : "memory");  // TLBIMVAAIS
  asm volatile("dsb ish\n\tisb" ::: "memory");
}
void drop_range_everywhere(uint32_t from, uint32_t pages) {
  constexpr uint32_t kManyPages = 32;  // from here on, all TLBs drop all that they have
  asm volatile("dsb ishst" ::: "memory");
  if (pages >= kManyPages)
    asm volatile("mcr p15, 0, %0, c8, c3, 0" ::"r"(0) : "memory");  // TLBIALLIS
  for (uint32_t i = 0; i < pages && pages < kManyPages; ++i)
    asm volatile("mcr p15, 0, %0, c8, c3, 3" ::"r"(from + i * 4096) : "memory");
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

void* new_stack(void* top, void (*function)()) {
  constexpr uint32_t kSaved = 10;  // what switch_stack() pops: r3 to r11, pc
  auto* const stack = reinterpret_cast<uint32_t*>(reinterpret_cast<uint32_t>(top) & ~7U) - kSaved;
  for (uint32_t i = 0; i < kSaved - 1; ++i) stack[i] = 0;
  stack[kSaved - 1] = reinterpret_cast<uint32_t>(function);
  return stack;
}

// One tick of QEMU's timer is 16 ns; any frequency from 1 MHz to 1 GHz will do.
uint64_t clock() {
  constexpr uint32_t kSecond = 1'000'000'000;
  uint32_t frequency = 0;
  uint64_t ticks = 0;
  asm volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(frequency));               // CNTFRQ
  asm volatile("isb\n\tmrrc p15, 1, %Q0, %R0, c14" : "=r"(ticks)::"memory");  // CNTVCT
  const uint32_t in_1024 = kSecond % frequency / (frequency >> 10);
  return ticks * (kSecond / frequency) + (ticks >> 10) * in_1024;
}

void put(char character) {
  while ((device(kUartFlags) & 1U << 5) != 0) {  // it is full
  }
  device(kUartData) = static_cast<unsigned char>(character);
}

void end(int code) {
  const uint32_t block[] = {0x20026, static_cast<uint32_t>(code)};  // ADP_Stopped_ApplicationExit
  register uint32_t operation asm("r0") = 0x20;                     // SYS_EXIT_EXTENDED
  register const uint32_t* parameter asm("r1") = block;
  asm volatile("svc #0x123456" ::"r"(operation), "r"(parameter) : "memory");
  for (;;) asm volatile("wfi");
}

}  // namespace machine
