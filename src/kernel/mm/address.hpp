// The three ways to name memory, as types that do not mix: a page frame by its number, a byte of
// physical memory, a byte of the kernel's address space. Each costs as little as the integer in it.
// to_number() returns the integer; only hardware access and arithmetic need it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kmapper::kernel {

inline constexpr std::uint32_t kPageShift = 12;
inline constexpr std::uint32_t kPageSize = 1U << kPageShift;
inline constexpr std::uint32_t kLargePageShift = 21;  // what a page directory entry maps under PAE
inline constexpr std::uint32_t kLargePageSize = 1U << kLargePageShift;

/// The number of a page frame: its physical address divided by the page size.
enum class Pfn : std::uint32_t {};
/// A physical address. 64 bits: a 32-bit CPU with PAE reaches beyond 4 GiB.
enum class PhysAddr : std::uint64_t {};
/// An address in the kernel's address space.
enum class VirtAddr : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t to_number(Pfn pfn) { return static_cast<std::uint32_t>(pfn); }
[[nodiscard]] constexpr std::uint64_t to_number(PhysAddr address) {
  return static_cast<std::uint64_t>(address);
}
[[nodiscard]] constexpr std::uint32_t to_number(VirtAddr address) {
  return static_cast<std::uint32_t>(address);
}

[[nodiscard]] constexpr Pfn operator+(Pfn pfn, std::uint32_t pages) {
  return Pfn{to_number(pfn) + pages};
}
[[nodiscard]] constexpr std::uint32_t operator-(Pfn end, Pfn begin) {
  return to_number(end) - to_number(begin);
}
[[nodiscard]] constexpr PhysAddr operator+(PhysAddr address, std::uint64_t bytes) {
  return PhysAddr{to_number(address) + bytes};
}
[[nodiscard]] constexpr std::uint64_t operator-(PhysAddr end, PhysAddr begin) {
  return to_number(end) - to_number(begin);
}
[[nodiscard]] constexpr VirtAddr operator+(VirtAddr address, std::uint32_t bytes) {
  return VirtAddr{to_number(address) + bytes};
}
[[nodiscard]] constexpr std::uint32_t operator-(VirtAddr end, VirtAddr begin) {
  return to_number(end) - to_number(begin);
}

/// The first byte of a page frame.
[[nodiscard]] constexpr PhysAddr to_phys(Pfn pfn) {
  return PhysAddr{std::uint64_t{to_number(pfn)} << kPageShift};
}
/// The page frame that holds a byte.
[[nodiscard]] constexpr Pfn to_pfn(PhysAddr address) {
  return Pfn{static_cast<std::uint32_t>(to_number(address) >> kPageShift)};
}
/// The first page frame that begins at or after a byte.
[[nodiscard]] constexpr Pfn to_pfn_up(PhysAddr address) {
  return to_pfn(address + (kPageSize - 1));
}

[[nodiscard]] inline void* to_pointer(VirtAddr address) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));  // NOLINT
}
[[nodiscard]] inline VirtAddr to_virt(const volatile void* pointer) {
  return VirtAddr{static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(pointer))};
}

/// Bytes from begin up to end, without end.
struct PhysRange {
  PhysAddr begin{};
  PhysAddr end{};
  [[nodiscard]] constexpr std::uint64_t size() const { return begin < end ? end - begin : 0; }
};

/// Page frames from begin up to end, without end.
struct PfnRange {
  Pfn begin{};
  Pfn end{};
  [[nodiscard]] constexpr std::uint32_t size() const { return begin < end ? end - begin : 0; }
};

}  // namespace kmapper::kernel
