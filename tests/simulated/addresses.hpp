// The simulated machine's kernel addresses: a direct map of low memory, the window, the CPUs' local
// slots, and the vmap range. All are numbers that Machine translates, and are never dereferenced:
// on 64-bit hosts they are not canonical, so that an access that bypasses the machine faults at
// once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kmapper/core/local_stack.hpp"
#include "kmapper/core/platform.hpp"
#include "kmapper/core/slot.hpp"

namespace kmapper::simulated {

/// A frame of the machine's memory, counted from 0; low frames first.
enum class FrameIndex : std::uint32_t {};
[[nodiscard]] constexpr std::uint32_t to_number(FrameIndex frame) {
  return static_cast<std::uint32_t>(frame);
}

/// A simulated CPU, counted from 0.
enum class CpuIndex : std::uint32_t {};
[[nodiscard]] constexpr std::uint32_t to_number(CpuIndex cpu) {
  return static_cast<std::uint32_t>(cpu);
}

inline constexpr std::size_t kMaxCpus = 8;
inline constexpr std::size_t kMaxSlots = 16'384;
inline constexpr std::size_t kPageSize = 4096;

inline constexpr std::uintptr_t kNotCanonical =
    sizeof(void*) == 8 ? std::uintptr_t{1} << (sizeof(void*) * 8 - 2) : 0;
inline constexpr std::uintptr_t kDirectMap = kNotCanonical + 0xC000'0000U;
inline constexpr std::uintptr_t kWindow = kNotCanonical + 0xF000'0000U;
inline constexpr std::uintptr_t kLocal = kNotCanonical + 0xF800'0000U;
inline constexpr std::uintptr_t kVmap = kNotCanonical + 0xFC00'0000U;
inline constexpr std::size_t kMaxVmapPages = 4096;
inline constexpr std::uint32_t kMaxLowFrames = (kWindow - kDirectMap) / kPageSize;

[[nodiscard]] inline void* window_address(SlotIndex slot) {
  return reinterpret_cast<void*>(kWindow + to_number(slot) * kPageSize);
}
/// `address` lies in the window.
[[nodiscard]] inline SlotIndex slot_at(const void* address) {
  return SlotIndex{static_cast<std::uint32_t>(
      (reinterpret_cast<std::uintptr_t>(address) - kWindow) / kPageSize)};
}
/// Local slots do not touch: a page that maps nothing lies between them.
inline constexpr std::uint32_t kLocalStride = 2;
[[nodiscard]] inline void* local_slot_address(LocalSlot slot) {
  return reinterpret_cast<void*>(kLocal + to_number(slot) * kLocalStride * kPageSize);
}
[[nodiscard]] inline bool is_in_local_slots(const void* address) {
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  return number >= kLocal && number < kVmap;
}
[[nodiscard]] inline void* vmap_page_address(VmapPage page) {
  return reinterpret_cast<void*>(kVmap + to_number(page) * kPageSize);
}
[[nodiscard]] inline void* direct_address(FrameIndex frame) {
  return reinterpret_cast<void*>(kDirectMap + to_number(frame) * kPageSize);
}
[[nodiscard]] inline bool is_in_direct_map(const void* address) {
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  return number >= kDirectMap && number < kWindow;
}

}  // namespace kmapper::simulated
