// Physical memory for code that reads it through a function: some pieces, and zeros elsewhere.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <vector>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

class PhysicalMemory {
 public:
  PhysicalMemory() { now_ = this; }

  template <class T>
  void put(std::uint64_t address, const T& value) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(&value);
    for (std::size_t i = 0; i < sizeof value; ++i) bytes_[address + i] = bytes[i];
  }
  void put_all(std::uint64_t address, std::span<const unsigned char> bytes) {
    for (const unsigned char byte : bytes) bytes_[address++] = byte;
  }

  /// Reads the object that was made last.
  static void read(PhysAddr from, std::span<unsigned char> to) {
    std::uint64_t at = to_number(from);
    for (unsigned char& byte : to) {
      const auto found = now_->bytes_.find(at++);
      byte = found == now_->bytes_.end() ? static_cast<unsigned char>(0) : found->second;
    }
  }

 private:
  static inline PhysicalMemory* now_ = nullptr;
  std::map<std::uint64_t, unsigned char> bytes_;
};

}  // namespace kmapper::kernel
