#include "machine.hpp"

#include "platform.hpp"

// switch_stack(from, to): saves the running thread's registers on its stack, and restores another
// thread's.
#ifdef __x86_64__
asm("switch_stack: push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret");
#else
asm("switch_stack: push %ebp\n push %ebx\n push %esi\n push %edi\n"
    "mov 20(%esp), %eax\n mov %esp, (%eax)\n mov 24(%esp), %esp\n"
    "pop %edi\n pop %esi\n pop %ebx\n pop %ebp\n ret");
#endif
extern "C" void switch_stack(void** from, void* to);

// Functions that a compiler calls by itself. (GCC manual, 2.1: "GCC requires the freestanding
// environment provide memcpy, memmove, memset and memcmp".)
extern "C" {
void* memset(void* to, int value, size_t size) {
  auto* at = static_cast<volatile unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) at[i] = static_cast<unsigned char>(value);
  return to;
}
void* memcpy(void* to, const void* from, size_t size) {
  auto* at = static_cast<volatile unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) at[i] = static_cast<const unsigned char*>(from)[i];
  return to;
}
}

namespace port {

Page pages[kPages];
alignas(kPageSize) kmapper::Atomic<Entry> window_table[kTableSize];
alignas(kPageSize) kmapper::Atomic<Entry> local_table[kTableSize];
alignas(kPageSize) kmapper::Atomic<Entry> vmap_table[kTableSize];

namespace {

constexpr size_t kMaxThreads = 8;
constexpr size_t kStackWords = 2048;
constexpr size_t kSavedRegisters = sizeof(void*) == 8 ? 6 : 4;

Thread threads[kMaxThreads];
alignas(16) uintptr_t stacks[kMaxThreads][kStackWords];

void out(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
uint8_t in(uint16_t port) {
  uint8_t value = 0;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
uint64_t cycles() {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return uint64_t{high} << 32 | low;
}

// How many nanoseconds 1,024 cycles take, counted during 10 ms of the timer's channel 2 (Intel
// 8254).
uint32_t measure_cycles() {
  constexpr uint32_t kNanoseconds = 10'000'000;
  constexpr uint16_t kTimerTicks = 11'932;
  out(0x61, (in(0x61) & 0xFC) | 1);  // the gate open, the speaker off
  out(0x43, 0xB0);                   // count down once
  out(0x42, kTimerTicks & 0xFF);
  out(0x42, kTimerTicks >> 8);
  const uint64_t begin = cycles();
  while ((in(0x61) & 0x20) == 0) {
  }
  const auto passed = static_cast<uint32_t>((cycles() - begin) >> 10);
  return kNanoseconds / (passed == 0 ? 1 : passed);
}

void run_thread() {
  interrupts_on();  // yield() has turned them off
  current_thread->function(current_thread->argument);
  current_thread->alive = false;
  for (;;) yield();
}

}  // namespace

Thread* current_thread = threads;

uint32_t number_of(const Thread& thread) { return static_cast<uint32_t>(&thread - threads); }

bool start_thread(void (*function)(void*), void* argument) {
  for (Thread& thread : threads) {
    if (thread.alive || &thread == threads) continue;
    uintptr_t* const top = stacks[number_of(thread)] + kStackWords - 2;
    *top = reinterpret_cast<uintptr_t>(&run_thread);
    thread.stack = top - kSavedRegisters;
    thread.function = function;
    thread.argument = argument;
    thread.alive = true;
    return true;
  }
  return false;
}

void yield() {
  Thread* const from = current_thread;
  Thread* to = from;
  do {
    to = to + 1 == threads + kMaxThreads ? threads : to + 1;
  } while (!to->alive && to != threads);  // the first one never ends
  if (to == from) return;
  const bool were_on = interrupts_are_on();
  interrupts_off();
  local_maps.switch_stacks(from->local_stack, to->local_stack);
  current_thread = to;
  switch_stack(&from->stack, to->stack);
  if (were_on) interrupts_on();
}

uint64_t clock() {
  static const uint32_t nanoseconds = measure_cycles();
  return (cycles() >> 10) * nanoseconds;
}

void print(const char* text) {
  for (; *text != 0; ++text) {
    while ((in(0x3FD) & 0x20) == 0) {  // the line's transmitter is full
    }
    out(0x3F8, static_cast<uint8_t>(*text));
  }
}

void print_hex(const char* what, uintptr_t number) {
  print(what);
  char digits[2 * sizeof number + 3];
  char* at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = "0123456789abcdef"[number % 16];
    number /= 16;
  } while (number != 0);
  *--at = 'x';
  *--at = '0';
  print(at);
}

void end(uint8_t code) {
  out(0xF4, code);
  for (;;) asm volatile("cli\n\thlt");
}

}  // namespace port
