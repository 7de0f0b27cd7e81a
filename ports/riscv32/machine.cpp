#include "machine.hpp"

#include "fdt.hpp"
#include "print.hpp"

extern "C" {
extern const char probe_load[];
extern const char probe_failed[];
void start_other();
void trap();
[[noreturn]] void kernel_main();
}

namespace machine {

alignas(kPageSize) kmapper::Atomic<Entry> ranges_table[kTableEntries];

namespace {

constexpr uint32_t kMostCpus = 4;
constexpr uint32_t kUart = 0x1000'0000;        // an NS16550A
constexpr uint32_t kNanosecondsPerTick = 100;  // of `time`: it goes at 10 MHz
constexpr uint32_t kBlock = 1 << 22;           // what an entry of the root maps (Sv32: 4.3.1)

alignas(kPageSize) Entry root_table[kTableEntries];
port::Hardware hardware;
uint32_t boot_hart;
void (*run_others)();

// --- SBI (RISC-V SBI specification 1.0) ---

constexpr uint32_t kHsm = 0x48534D;
constexpr uint32_t kHartStart = 0;
constexpr uint32_t kIpi = 0x735049;
constexpr uint32_t kSendIpi = 0;
constexpr uint32_t kRfence = 0x52464E43;
constexpr uint32_t kRemoteSfenceVma = 1;
constexpr uint32_t kSrst = 0x53525354;
constexpr uint32_t kSystemReset = 0;

int32_t sbi(uint32_t extension, uint32_t function, uint32_t first, uint32_t second,
            uint32_t third = 0, uint32_t fourth = 0) {
  register uint32_t a0 asm("a0") = first;
  register uint32_t a1 asm("a1") = second;
  register uint32_t a2 asm("a2") = third;
  register uint32_t a3 asm("a3") = fourth;
  register uint32_t a6 asm("a6") = function;
  register uint32_t a7 asm("a7") = extension;
  asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
  return static_cast<int32_t>(a0);
}

/// The boot hart is CPU 0, whatever its number is; the others follow in their order.
uint32_t hart_of(uint32_t cpu) {
  if (cpu == 0) return boot_hart;
  return cpu <= boot_hart ? cpu - 1 : cpu;
}

void tell_others(uint32_t from, uint32_t to) {
  uint32_t harts = 0;
  for (uint32_t other = 0; other < cpus(); ++other) {
    if (other != cpu()) harts |= 1U << hart_of(other);
  }
  if (harts == 0) return;
  if (sbi(kRfence, kRemoteSfenceVma, harts, 0, from, to - from) != 0) {
    port::print("remote_sfence_vma failed\n");
    end(1);
  }
}

// --- Page tables ---

Entry block(uint32_t address) { return make_entry(address) | kExecute; }

void fill_root() {
  root_table[kUart / kBlock] = block(kUart);
  const uint64_t direct = ram_size() < kDirectSize ? ram_size() : kDirectSize;
  for (uint32_t offset = 0; offset < direct; offset += kBlock)
    root_table[(kDirect + offset) / kBlock] = block(kDirect + offset);
  const auto table = reinterpret_cast<uintptr_t>(ranges_table);
  root_table[kRanges / kBlock] = table >> 12 << 10 | kValid;
}

void use_root() {
  constexpr uint32_t kSv32 = 1U << 31;
  asm volatile("csrw stvec, %0" ::"r"(&trap));
  asm volatile(
      "csrw satp, %0\n\tsfence.vma" ::"r"(kSv32 | reinterpret_cast<uintptr_t>(root_table) >> 12)
      : "memory");
}

}  // namespace

// --- From boot.S ---

extern "C" [[noreturn]] void machine_start(uint32_t hart, const void* device_tree) {
  boot_hart = hart;
  port::read_device_tree(device_tree,
                         hardware);  // it may lie in high memory: now it has an address
  fill_root();
  use_root();
  kernel_main();
}

extern "C" [[noreturn]] void machine_start_other() {
  use_root();
  run_others();
  for (;;) relax();
}

extern "C" uintptr_t on_fault(uint32_t cause, uint32_t address, uintptr_t pc) {
  constexpr uint32_t kLoadPageFault = 13;
  constexpr uint32_t kStorePageFault = 15;
  if (cause == kLoadPageFault || cause == kStorePageFault) {
    const bool in_ranges = address - kRanges < kTableEntries * kPageSize;
    // What valid entries map may be read and written, so the fault came too early: see
    // after_write().
    if (in_ranges && (entry_at(address).load(kmapper::memory_order_relaxed) & kValid) != 0) {
      drop(address);
      return pc;
    }
    if (pc == reinterpret_cast<uintptr_t>(probe_load))
      return reinterpret_cast<uintptr_t>(probe_failed);
  }
  port::print_hex("fault ", cause);
  port::print_hex(", address ", address);
  port::print_hex(", at ", pc);
  port::print("\n");
  end(1);
}

// --- machine.hpp ---

uint64_t ram_size() { return hardware.ram_size; }
const char* boot_arguments() { return hardware.arguments; }
uint32_t cpus() { return hardware.cpus < kMostCpus ? hardware.cpus : kMostCpus; }

void drop_everywhere(const uint32_t* addresses, uint32_t count) {
  uint32_t first = addresses[0];
  uint32_t last = addresses[0];
  for (uint32_t i = 0; i < count; ++i) {
    drop(addresses[i]);
    if (addresses[i] < first) first = addresses[i];
    if (addresses[i] > last) last = addresses[i];
  }
  tell_others(first, last + kPageSize);  // one call, even if it drops more than it has to
}

void drop_range_everywhere(uint32_t from, uint32_t pages) {
  for (uint32_t i = 0; i < pages; ++i) drop(from + i * kPageSize);
  tell_others(from, from + pages * kPageSize);
}

void start_cpus(void (*run)()) {
  run_others = run;
  for (uint32_t cpu = 1; cpu < cpus(); ++cpu) {
    if (sbi(kHsm, kHartStart, hart_of(cpu), reinterpret_cast<uintptr_t>(&start_other), cpu) == 0)
      continue;
    port::print("hart_start failed\n");
    end(1);
  }
}

void wake(uint32_t cpu) { (void)sbi(kIpi, kSendIpi, 1U << hart_of(cpu), 0); }

void* new_stack(void* top, void (*function)()) {
  constexpr uint32_t kSavedWords = 16;  // as boot.S saves them: ra first
  auto* const frame = static_cast<uintptr_t*>(top) - kSavedWords;
  frame[0] = reinterpret_cast<uintptr_t>(function);
  return frame;
}

uint64_t clock() {
  uint32_t high;
  uint32_t low;
  uint32_t again;
  do {
    asm volatile("rdtimeh %0\n\trdtime %1\n\trdtimeh %2" : "=&r"(high), "=&r"(low), "=&r"(again));
  } while (high != again);
  return (uint64_t{high} << 32 | low) * kNanosecondsPerTick;
}

void put(char character) {
  constexpr uint32_t kLineStatus = 5;
  constexpr uint8_t kTransmitterEmpty = 0x20;
  auto* const uart = reinterpret_cast<volatile uint8_t*>(kUart);
  while ((uart[kLineStatus] & kTransmitterEmpty) == 0) {
  }
  uart[0] = static_cast<uint8_t>(character);
}

void end(int code) {
  (void)sbi(kSrst, kSystemReset, 0, code == 0 ? 0 : 1);
  for (;;) relax();
}

}  // namespace machine
