#include "machine.hpp"

#include "print.hpp"

/// What boot.S and the CPU leave on the stack.
struct InterruptFrame {
  uint32_t registers[8];
  uint32_t vector;
  uint32_t error;
  uint32_t pc;
};

extern "C" {
extern const char trampoline[], trampoline_end[];
extern const char interrupt_entries[];
extern const char probe_load[], probe_failed[];
uint64_t gates[256];
[[noreturn]] void kernel_main();
}

namespace machine {

alignas(kPageSize) kmapper::Atomic<Entry> ranges_table[kTableEntries];

namespace {

constexpr uint32_t kMostCpus = 4;
constexpr uint32_t kTable = kTableEntries * kPageSize;  // what one table maps
constexpr uint32_t kMillisecond = 1'000'000;

alignas(kPageSize) Entry directory[kTableEntries];
alignas(kPageSize) Entry direct_tables[kDirectSize / kPageSize];
char arguments[128];  // cut if longer
uint64_t memory_size;
uint32_t nanoseconds;  // that 1,024 cycles take
uint32_t cpu_count = 1;
kmapper::Atomic<uint32_t> arrived{1};
void (*run_others)();

uint32_t number_of(const void* address) { return reinterpret_cast<uintptr_t>(address); }

void out(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
uint8_t in(uint16_t port) {
  uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

[[noreturn]] void fail(const char* what) {
  port::print(what, "\n");
  end(1);
}

// --- Time ---

uint64_t cycles() {
  uint64_t count;
  asm volatile("rdtsc" : "=A"(count)::"memory");
  return count;
}

/// Counts cycles during 10 ms of the timer's channel 2 (Intel 8254).
uint32_t measure_cycles() {
  constexpr uint16_t kTimerTicks = 11'932;
  out(0x61, (in(0x61) & 0xFC) | 1);  // the gate open, the speaker off
  out(0x43, 0xB0);                   // count down once
  out(0x42, kTimerTicks & 0xFF);
  out(0x42, kTimerTicks >> 8);
  const uint64_t begin = cycles();
  while ((in(0x61) & 0x20) == 0) relax();
  return 10 * kMillisecond / (static_cast<uint32_t>((cycles() - begin) >> 10) + 1);
}

void wait(uint32_t time) {
  const uint64_t until = clock() + time;
  while (clock() < until) relax();
}

// --- Page tables, and the gates of interrupts ---

/// No large pages: for them, an emulator's INVLPG may drop the whole TLB, and hide what is missing.
void fill_tables() {
  for (uint32_t i = 1; i < kDirectSize / kPageSize; ++i)  // 0, null, stays without a page
    direct_tables[i] = make_entry(uint64_t{i} * kPageSize);
  for (uint32_t i = 0; i < kDirectSize / kTable; ++i)
    directory[i] = make_entry(number_of(direct_tables + i * kTableEntries));
  directory[kRanges / kTable] = make_entry(number_of(ranges_table));
  entry_at(kApic).store(make_entry(0xFEE0'0000) | kUncached, kmapper::memory_order_relaxed);
}

void use_tables() {
  constexpr uint32_t kPagingAndWriteProtect = 0x8001'0000;
  constexpr uint32_t kNoCache = 0x6000'0000;  // set in CPUs that have just been started (9.1.1)
  uint32_t control;
  asm volatile("movl %1, %%cr3\n\tmovl %%cr0, %0" : "=r"(control) : "r"(directory) : "memory");
  control &= ~kNoCache;
  asm volatile("movl %0, %%cr0" ::"r"(control | kPagingAndWriteProtect) : "memory");
}

/// Each vector has 16 bytes of code in boot.S. Interrupts are off while it runs (6.11).
void fill_gates() {
  constexpr uint32_t kCodeSegment = 0x08;
  for (uint32_t i = 0; i < 256; ++i) {
    const uint32_t entry = number_of(interrupt_entries + 16 * i);
    gates[i] =
        uint64_t{(entry & 0xFFFF'0000) | 0x8E00} << 32 | kCodeSegment << 16 | (entry & 0xFFFF);
  }
}

// --- The local APIC (10.4 to 10.9), and what CPUs tell each other ---

constexpr uint32_t kEndOfInterrupt = 0xB0;
constexpr uint32_t kLogicalDestination = 0xD0;
constexpr uint32_t kSpurious = 0xF0;
constexpr uint32_t kCommand = 0x300;
constexpr uint32_t kDestination = 0x310;
constexpr uint32_t kLine0 = 0x350;
volatile uint32_t& apic(uint32_t which) {
  return *reinterpret_cast<volatile uint32_t*>(kApic + which);
}

constexpr uint32_t kDropVector = 0x40;
constexpr uint32_t kWakeVector = 0x41;
constexpr uint32_t kInit = 5 << 8;
constexpr uint32_t kStartUp = 6 << 8;
constexpr uint32_t kLogical = 1 << 11;
constexpr uint32_t kAllOthers = 3 << 18;

/// A store to the APIC comes after all stores before it. Interrupts are off: their handler may
/// send, too.
void send(uint32_t command, uint32_t to = 0) {
  constexpr uint32_t kPending = 1 << 12;
  constexpr uint32_t kAssert = 1 << 14;
  while ((apic(kCommand) & kPending) != 0) relax();
  apic(kDestination) = to;
  apic(kCommand) = command | kAssert;
}
uint32_t destination_of(uint32_t cpu) { return 1U << (24 + cpu); }

/// What a CPU asks of all others.
struct alignas(64) Request {
  const uint32_t* addresses = nullptr;  // null: everything
  uint32_t count = 0;
  kmapper::Atomic<uint32_t> unanswered{0};  // a bit for each CPU
};
constinit Request requests[kMostCpus];

void drop(const uint32_t* addresses, uint32_t count) {
  if (addresses == nullptr) asm volatile("movl %0, %%cr3" ::"r"(directory) : "memory");
  for (uint32_t i = 0; i < count; ++i) machine::drop(addresses[i]);
}

/// The interrupt: there may be several requests, or none that is not answered yet.
void answer() {
  const uint32_t me = 1U << cpu();
  for (uint32_t asker = 0; asker < cpu_count; ++asker) {
    Request& request = requests[asker];
    // Acquire: pairs with drop_everywhere(). Release: pairs with its wait; the request is no longer
    // read.
    if ((request.unanswered.load(kmapper::memory_order_acquire) & me) == 0) continue;
    drop(request.addresses, request.count);
    if (request.unanswered.fetch_and(~me, kmapper::memory_order_acq_rel) == me) wake(asker);
  }
}

/// Lets this CPU have interrupts from others, and from nobody else.
void open_cpu(uint32_t cpu) {
  asm volatile("lidt gates_register");
  asm volatile("movl %0, %%gs" ::"r"(cpu));
  apic(kLine0) = 1 << 16;  // masks the old interrupt controllers
  apic(kLogicalDestination) = destination_of(cpu);
  apic(kSpurious) = 1 << 8 | 0xFF;  // on
}

/// Multiboot 3.3: flags, KiB from 0 on, KiB from 1 MiB on, the boot device, the command line.
void read_information(const uint32_t* information) {
  constexpr uint32_t kHasMemory = 1 << 0;
  constexpr uint32_t kHasArguments = 1 << 2;
  if ((information[0] & kHasMemory) == 0) fail("the loader does not say how much memory there is");
  memory_size = (uint64_t{information[2]} + 1024) << 10;
  if ((information[0] & kHasArguments) == 0) return;
  const auto* from = reinterpret_cast<const char*>(information[4]);
  while (*from != 0 && *from++ != ' ') continue;  // the kernel's name is first
  for (uint32_t i = 0; i + 1 < sizeof arguments && from[i] != 0; ++i) arguments[i] = from[i];
}

/// QEMU tells its firmware, in the memory of the clock, how many CPUs come after the first one.
uint32_t count_cpus() {
  out(0x70, 0x5F);
  const uint32_t others = in(0x71);
  return others < kMostCpus ? others + 1 : kMostCpus;
}

}  // namespace

// --- From boot.S ---

extern "C" [[noreturn]] void machine_start(const uint32_t* information) {
  read_information(information);
  cpu_count = count_cpus();
  fill_tables();
  fill_gates();
  use_tables();
  open_cpu(0);
  nanoseconds = measure_cycles();
  kernel_main();
}

extern "C" [[noreturn]] void machine_start_other(uint32_t cpu) {
  use_tables();
  open_cpu(cpu);
  arrived.fetch_add(1, kmapper::memory_order_release);
  // A request that comes before a CPU can be interrupted would never be answered.
  while (arrived.load(kmapper::memory_order_acquire) != cpu_count) relax();
  run_others();
  fail("run() returned");
}

extern "C" void on_interrupt(InterruptFrame* frame) {
  constexpr uint32_t kPageFault = 14;
  if (frame->vector == kPageFault && frame->pc == number_of(probe_load)) {
    frame->pc = number_of(probe_failed);
  } else if (frame->vector == kDropVector || frame->vector == kWakeVector) {
    apic(kEndOfInterrupt) = 0;  // a request that comes from now on interrupts again
    if (frame->vector == kDropVector) answer();
  } else {
    uint32_t fault;
    asm volatile("movl %%cr2, %0" : "=r"(fault));
    port::print_hex("interrupt ", frame->vector);
    port::print_hex(", last page fault for ", fault);
    port::print_hex(", at ", frame->pc);
    fail("");
  }
}

// --- machine.hpp ---

uint64_t ram_size() { return memory_size; }
const char* boot_arguments() { return arguments; }
uint32_t cpus() { return cpu_count; }

// Interrupts are on, before and after. In between only idle() lets them in: this CPU answers
// others, misses no answer, and is not interrupted in send(). If the emulator had a CPU for each of
// these, to spin would be faster; if it has fewer, it is many times slower.
void drop_everywhere(const uint32_t* addresses, uint32_t count) {
  if (cpu_count == 1) return drop(addresses, count);
  interrupts_off();
  Request& request = requests[cpu()];
  request.addresses = addresses;
  request.count = count;
  request.unanswered.store(((1U << cpu_count) - 1) & ~(1U << cpu()), kmapper::memory_order_release);
  send(kAllOthers | kDropVector);
  drop(addresses, count);
  while (request.unanswered.load(kmapper::memory_order_acquire) != 0) idle();
  interrupts_on();
}
void drop_range_everywhere(uint32_t /*from*/, uint32_t /*pages*/) { drop_everywhere(nullptr, 0); }

// 8.4.4.
void start_cpus(void (*run)()) {
  constexpr uint32_t kTrampolinePage = 8;
  run_others = run;
  __builtin_memcpy(reinterpret_cast<void*>(kTrampolinePage * kPageSize), trampoline,
                   static_cast<uint32_t>(trampoline_end - trampoline));
  send(kAllOthers | kInit);
  wait(10 * kMillisecond);
  for (int i = 0; i < 2; ++i) {
    send(kAllOthers | kStartUp | kTrampolinePage);
    wait(kMillisecond / 5);
  }
  for (int i = 0; i < 10'000 && arrived.load() != cpu_count; ++i) wait(kMillisecond);
  if (arrived.load() != cpu_count) fail("a CPU does not start");
}

void wake(uint32_t cpu) { send(kLogical | kWakeVector, destination_of(cpu)); }

void* new_stack(void* top, void (*function)()) {
  constexpr uint32_t kSavedRegisters = 4;
  auto* const frame = static_cast<uint32_t*>(top) - kSavedRegisters - 2;
  frame[kSavedRegisters] = number_of(reinterpret_cast<const void*>(function));
  return frame;  // the last word is where the function would return to
}

uint64_t clock() { return (cycles() >> 10) * nanoseconds; }

void put(char character) {
  constexpr uint8_t kTransmitterEmpty = 0x20;
  while ((in(0x3FD) & kTransmitterEmpty) == 0) relax();
  out(0x3F8, static_cast<uint8_t>(character));
}

void end(int code) {
  out(0xF4, code == 0 ? 16 : 17);
  for (;;) asm volatile("cli\n\thlt");
}

}  // namespace machine
