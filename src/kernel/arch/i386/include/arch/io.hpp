// I/O ports.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

enum class Port : std::uint16_t {};

inline void out8(Port port, std::uint8_t value) {
  asm volatile("outb %0, %1" ::"a"(value), "Nd"(static_cast<std::uint16_t>(port)) : "memory");
}
[[nodiscard]] inline std::uint8_t in8(Port port) {
  std::uint8_t value = 0;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(static_cast<std::uint16_t>(port)) : "memory");
  return value;
}

[[nodiscard]] inline std::uint32_t in32(Port port) {
  std::uint32_t value = 0;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(static_cast<std::uint16_t>(port)) : "memory");
  return value;
}

}  // namespace kmapper::kernel
