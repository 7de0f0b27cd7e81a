// Protection keys: each page of memory has a key, and each thread a register that says for each key
// whether it may access such pages. A thread changes its register without a system call. Intel 64
// and IA-32 Architectures Software Developer's Manual, volume 3, "Protection Keys"; pkeys(7).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kmapper::linux_face {

/// The keys of this process, on CPUs that have them. Keys are numbers from 1 on.
class ProtectionKeys {
 public:
  static constexpr unsigned kMost = 13;  // of 15: the program may want some
  static constexpr int kForAll = 0;      // the key of all pages that have been given no other

  /// Takes keys that the process has left: none, where the CPU or the system has no keys. Threads
  /// that do so at the same time take them for each other.
  ProtectionKeys();

  [[nodiscard]] unsigned count() const { return count_.load(std::memory_order_acquire); }
  [[nodiscard]] int operator[](unsigned i) const {
    return keys_[i].load(std::memory_order_relaxed);
  }

  /// Of the calling thread, which has access to no key at first.
  static void allow(int key) { set_register(get_register() & ~bits(key)); }
  static void deny(int key) { set_register(get_register() | bits(key)); }
  /// A new thread begins with the register of the thread that made it.
  void deny_all() const;

  /// Makes pages accessible for the threads that may access the key. An errno, or 0.
  [[nodiscard]] static int open(std::byte* begin, std::size_t size, int key);

 private:
  /// Access and writing are disabled.
  static std::uint32_t bits(int key) { return 3U << (2 * key); }
#ifdef __x86_64__
  static std::uint32_t get_register() {
    std::uint32_t value = 0;
    std::uint32_t high = 0;
    asm volatile("rdpkru" : "=a"(value), "=d"(high) : "c"(0));
    return value;
  }
  static void set_register(std::uint32_t value) {
    asm volatile("wrpkru" : : "a"(value), "d"(0), "c"(0) : "memory");
  }
#else
  static std::uint32_t get_register() { return 0; }
  static void set_register(std::uint32_t /*value*/) {}
#endif

  // Of the process, which keeps them. The first `count_`, at least, are there.
  static inline constinit std::atomic<int> keys_[kMost] = {};
  static inline constinit std::atomic<unsigned> count_{0};  // release, and acquire: the keys
};

}  // namespace kmapper::linux_face
