// The layout of the kernel's address space. The borders are constants, so that "is this page high?"
// is one comparison, and a slot's address one addition.
//
//   0xC0000000  direct map of low memory, 640 MiB
//   0xE8000000  mem_map: a Page of 8 bytes for each page frame below 76 GiB; present where RAM is
//   0xF1800000  boot memory: what the page allocator itself needs, 8 MiB
//   0xF2000000  kernel stacks, each above an unmapped guard page
//   0xFBFFF000  guard page, never mapped
//   0xFC000000  pkmap: the window, 1 to 8,192 slots; the page after the last slot is a guard
//   0xFE000000  guard, never mapped
//   0xFE200000  kmap_local: of each CPU 32 slots, each below an unmapped guard page
//   0xFE400000  vmap: areas of pages in a row, each below an unmapped guard page
//   0xFFA00000  devices' registers
//   0xFFC00000  the boot window: how physical memory is read before anything is allocated
#pragma once

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

inline constexpr VirtAddr kDirectMapBase{0xC0000000};
inline constexpr VirtAddr kDirectMapEnd{0xE8000000};
inline constexpr VirtAddr kMemMapBase{0xE8000000};
inline constexpr VirtAddr kMemMapEnd{0xF1800000};
inline constexpr VirtAddr kBootMemoryBase{0xF1800000};
inline constexpr VirtAddr kBootMemoryEnd{0xF2000000};
inline constexpr VirtAddr kStackAreaBase{0xF2000000};
inline constexpr VirtAddr kStackAreaEnd{0xFBFFE000};
inline constexpr VirtAddr kPkmapBase{0xFC000000};
inline constexpr VirtAddr kPkmapEnd{0xFE000000};
inline constexpr VirtAddr kLocalBase{0xFE200000};
inline constexpr VirtAddr kLocalEnd{0xFE400000};
inline constexpr VirtAddr kVmapBase{0xFE400000};
inline constexpr VirtAddr kVmapEnd{0xFFA00000};
inline constexpr VirtAddr kDevicesBase{0xFFA00000};
inline constexpr VirtAddr kDevicesEnd{0xFFC00000};
inline constexpr VirtAddr kBootWindowBase{0xFFC00000};
inline constexpr VirtAddr kBootWindowEnd{0xFFE00000};

/// A PC's screen in text mode, one page. The direct map has it from the first instruction on, for
/// panics.
inline constexpr PhysAddr kTextScreen{0xB8000};

/// Low memory is what the direct map covers; high memory is the rest.
inline constexpr std::uint32_t kLowMemorySize = kDirectMapEnd - kDirectMapBase;
inline constexpr Pfn kFirstHighPfn{kLowMemorySize >> kPageShift};

inline constexpr std::uint32_t kSizeOfPage = 8;
/// One past the last page frame that mem_map has room for: 76 GiB.
inline constexpr Pfn kMaxPfn{(kMemMapEnd - kMemMapBase) / kSizeOfPage};

inline constexpr std::uint32_t kMaxSlots = (kPkmapEnd - kPkmapBase) / kPageSize;

inline constexpr std::uint32_t kLocalStride = 2 * kPageSize;  // a guard page behind each slot
inline constexpr std::uint32_t kLocalSlots = (kLocalEnd - kLocalBase) / kLocalStride;

inline constexpr std::uint32_t kStackSize = 2 * kPageSize;
inline constexpr std::uint32_t kStackStride =
    kPageSize + kStackSize;  // a guard page below each stack
inline constexpr std::uint32_t kMaxStacks = (kStackAreaEnd - kStackAreaBase) / kStackStride;

static_assert(kMaxSlots == 8192 && kLocalSlots == 256);
static_assert(to_number(kMaxPfn) == (76ULL << 30) / kPageSize);

}  // namespace kmapper::kernel
