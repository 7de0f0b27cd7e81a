// Text to the first serial port, and the two ways in which the machine ends.
#include "kernel.h"

enum { COM1 = 0x3F8, EXIT_PORT = 0xF4 };  // the second is QEMU's isa-debug-exit

static struct spinlock console_lock;  // held for a whole line, so that lines do not mix

void console_init(void) {
  out8(COM1 + 1, 0);     // no interrupts
  out8(COM1 + 3, 0x80);  // the divisor: 115,200 baud
  out8(COM1 + 0, 1);
  out8(COM1 + 1, 0);
  out8(COM1 + 3, 0x03);  // 8 bits, no parity, one stop bit
}

static void put(char c) {
  while (!(in8(COM1 + 5) & 0x20)) relax();
  out8(COM1, (uint8_t)c);
}

static void put_text(const char* text) {
  while (*text) put(*text++);
}

static void put_number(uint32_t number, uint32_t base) {
  char digits[10];
  uint32_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number);
  while (count) put(digits[--count]);
}

static void put_formatted(const char* format, va_list arguments) {
  for (; *format; ++format) {
    if (*format != '%') {
      put(*format);
      continue;
    }
    if (*++format == 's')
      put_text(va_arg(arguments, const char*));
    else
      put_number(va_arg(arguments, uint32_t), *format == 'x' ? 16 : 10);
  }
}

void console_write(const char* text, uint32_t length) {
  spin_lock(&console_lock);
  while (length--) put(*text++);
  spin_unlock(&console_lock);
}

void print(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  spin_lock(&console_lock);
  put_formatted(format, arguments);
  spin_unlock(&console_lock);
  va_end(arguments);
}

void power_off(int result) {
  out8(EXIT_PORT, (uint8_t)result);  // QEMU ends with 2 * result + 1
  for (;;) asm volatile("cli; hlt");
}

void panic(const char* format, ...) {
  asm volatile("cli");
  va_list arguments;  // without the lock: this CPU may hold it
  va_start(arguments, format);
  put_text("\npanic: ");
  put_formatted(format, arguments);
  put('\n');
  va_end(arguments);
  power_off(1);
}
