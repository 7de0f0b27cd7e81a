#include "kernel/mm/describe_address.hpp"

#include "arch/paging.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/kernel_stack.hpp"
#include "kernel/mm/layout.hpp"
#include "kernel/mm/page.hpp"
#include "kernel/mm/vmap.hpp"

namespace kmapper::kernel {
namespace {

std::string_view describe_direct(std::span<char> buffer, VirtAddr address) {
  const std::string_view image = describe_image(address);
  const std::string_view part = image.empty() ? "the direct map" : image;
  return format_to(buffer, "{}, page frame {}", part, to_pfn(direct_to_phys(to_pointer(address))));
}

std::string_view describe_stack(std::span<char> buffer, VirtAddr address) {
  const StackNumber stack = stack_at(address);
  const bool guard = address < stack_begin(stack);
  return format_to(buffer, "{} stack of thread {} \"{}\"",
                   guard ? "the guard page below the" : "the", stack,
                   name_of_thread(to_number(stack)));
}

std::string_view describe_slot(std::span<char> buffer, SlotIndex slot) {
  const auto view = highmem.inspect(slot);
  const std::uint32_t holder = thread_number(view.holder);
  if (!word::is_live(view.word) && view.page == nullptr)
    return format_to(buffer, "slot {}, which has mapped no page yet", slot);
  if (!word::is_live(view.word)) {
    return format_to(buffer,
                     "slot {}, which maps no page: use after kunmap of page {}, last taken by "
                     "thread {} \"{}\"; {}",
                     slot, page_to_pfn(view.page), holder, name_of_thread(holder),
                     describe(Misuse::use_after_kunmap).advice);
  }
  return format_to(buffer, "slot {}, which maps page {}, {} users, taken by thread {} \"{}\"", slot,
                   page_to_pfn(view.page), word::users(view.word) - 1, holder,
                   name_of_thread(holder));
}

std::string_view describe_window(std::span<char> buffer, VirtAddr address) {
  const std::uint32_t index = (address - kPkmapBase) / kPageSize;
  const std::uint32_t slots = highmem.slot_count();
  if (index < slots) return describe_slot(buffer, SlotIndex{index});
  if (index == slots) return "the guard page above the window";
  return "above the window";
}

std::string_view describe_local(std::span<char> buffer, VirtAddr address) {
  const std::uint32_t slot = (address - kLocalBase) / kLocalStride;
  const bool guard = (address - kLocalBase) % kLocalStride >= kPageSize;
  return format_to(buffer, "{}local slot {} of CPU {}", guard ? "the guard page behind " : "",
                   slot % kLocalDepth, slot / kLocalDepth);
}

std::string_view describe_vmap(std::span<char> buffer, VirtAddr address) {
  const std::uint32_t page = (address - kVmapBase) / kPageSize;
  for (std::uint32_t first = page + 1; first-- != 0;) {
    const std::uint32_t size = vmap_range.area_at(VmapPage{first});
    if (size == 0) continue;
    if (page - first >= size) break;
    const bool guard = page - first == size - 1;
    return format_to(buffer, "{} vmap area of {} pages at {}",
                     guard ? "the guard page behind the" : "the", size - 1,
                     kVmapBase + first * kPageSize);
  }
  return "the vmap range, where no area is";
}

}  // namespace

std::string_view describe_address(std::span<char> buffer, VirtAddr address) {
  if (address < VirtAddr{kPageSize}) return "a null pointer";
  if (address < kDirectMapBase) return "below the kernel";
  if (address < kDirectMapEnd) return describe_direct(buffer, address);
  if (address < kMemMapEnd) {
    const auto* const page = static_cast<const Page*>(to_pointer(address));
    return format_to(buffer, "mem_map, the descriptor of page {}", page_to_pfn(page));
  }
  if (address < kBootMemoryEnd) return "boot memory";
  if (address < kStackAreaEnd) return describe_stack(buffer, address);
  if (address < kPkmapBase) return "the guard page below the window";
  if (address < kPkmapEnd) return describe_window(buffer, address);
  if (address < kLocalBase) return "the guard page above the window";
  if (address < kLocalEnd) return describe_local(buffer, address);
  if (address < kVmapEnd) return describe_vmap(buffer, address);
  if (address >= kDevicesBase && address < kDevicesEnd) return "a device's registers";
  return "no region";
}

}  // namespace kmapper::kernel
