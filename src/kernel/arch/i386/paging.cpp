// The page tables of the one address space. The four page directories and the tables of the image
// are static; callers provide all other tables. The four directories are contiguous, so directory
// entries are counted through all of them: entry n maps the 2 MiB at n * 2 MiB.
#include "arch/paging.hpp"

#include <algorithm>

#include "arch/tlb.hpp"
#include "boot_stacks.hpp"
#include "kernel/lib/string.hpp"
#include "kernel/mm/layout.hpp"
#include "kernel/mm/page.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {

extern "C" {
extern PageTableEntry page_directories[4 * kEntriesPerTable];
extern unsigned char page_directory_pointers[];
extern const unsigned char image_begin[], image_text_end[], image_rodata_end[], image_end[];
}

alignas(kPageSize) constinit GuardedStack boot_stack{};
alignas(kPageSize) constinit GuardedStack double_fault_stacks[kMaxCpus]{};

constinit std::uint32_t PageTableEntry::no_execute_ = 0;

namespace {

constexpr std::uint32_t kImageBlocks = 4;  // boot.S maps as many, and kernel.ld checks it
alignas(kPageSize) constinit PageTableEntry image_tables[kImageBlocks][kEntriesPerTable]{};

// Maps the devices' addresses.
alignas(kPageSize) constinit PageTableEntry device_table[kEntriesPerTable]{};
constinit std::uint32_t devices = 0;

alignas(kPageSize) constinit PageTableEntry probe_table[kEntriesPerTable]{};
constinit bool high_tables_are_found = true;

PageTableEntry& directory_entry(VirtAddr address) {
  return page_directories[to_number(address) >> kLargePageShift];
}

bool has_no_execute() {
  constexpr std::uint32_t kExtended = 0x80000000;
  constexpr std::uint32_t kEfer = 0xC0000080;
  if (cpuid(kExtended).eax < kExtended + 1) return false;
  const bool has_efer = (cpuid(kExtended + 1).edx & (1U << 20)) != 0;  // it has NX, to be exact
  return has_efer && (read_msr(kEfer) & (1U << 11)) != 0;
}

bool lies_in(VirtAddr address, const unsigned char* begin, const unsigned char* end) {
  return address >= to_virt(begin) && address < to_virt(end);
}

bool is_constant(VirtAddr address) { return lies_in(address, image_text_end, image_rodata_end); }

// The pages below the boot stacks, which are never mapped.
bool is_guard(VirtAddr address) {
  const auto is_guard_of = [address](const GuardedStack& stack) {
    return lies_in(address, stack.guard, stack.stack);
  };
  return is_guard_of(boot_stack) ||
         std::any_of(std::begin(double_fault_stacks), std::end(double_fault_stacks), is_guard_of);
}

bool is_in(std::span<const PfnRange> ranges, Pfn pfn) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [pfn](PfnRange range) { return pfn >= range.begin && pfn < range.end; });
}

bool touches(std::span<const PfnRange> ranges, PfnRange wanted) {
  return std::any_of(ranges.begin(), ranges.end(), [wanted](PfnRange range) {
    return range.begin < wanted.end && wanted.begin < range.end;
  });
}

void map_page_of_image_block(PageTableEntry& entry, VirtAddr page,
                             std::span<const PfnRange> low_memory) {
  const Pfn pfn = to_pfn(direct_to_phys(to_pointer(page)));
  if (is_guard(page)) return;
  if (pfn == to_pfn(kTextScreen)) return entry.set_device(pfn);
  if (is_code(page)) return entry.set(pfn, Access::execute);
  if (is_constant(page)) return entry.set(pfn, Access::read);
  if (lies_in(page, image_rodata_end, image_end) || is_in(low_memory, pfn)) entry.set(pfn);
}

}  // namespace

void PageTableEntry::set_device(Pfn frame) {
  set(frame, kWritable | kDirty | kWriteThrough | kCacheDisable, no_execute_);
}

void PageTableEntry::set(Pfn frame, Access access) {
  set(frame, access == Access::write ? kWritable | kDirty : 0,
      access == Access::execute ? 0 : no_execute_);
}

void PageTableEntry::set_user(Pfn frame, Access access, bool owned) {
  const std::uint32_t writable = access == Access::write ? kWritable | kDirty : 0;
  set(frame, kUser | writable | (owned ? kOwned : 0), access == Access::execute ? 0 : no_execute_);
}

Access PageTableEntry::access() const {
  if ((low_.load(std::memory_order_relaxed) & kWritable) != 0) return Access::write;
  const bool forbids = (high_.load(std::memory_order_relaxed) & 1U << 31) != 0;
  return forbids || no_execute_ == 0 ? Access::read : Access::execute;
}

Pfn PageTableEntry::frame_of(std::uint32_t low) const {
  const std::uint32_t high = high_.load(std::memory_order_relaxed) & 0xFFFFF;
  return Pfn{high << (32 - kPageShift) | low >> kPageShift};
}

Pfn PageTableEntry::frame() const { return frame_of(low_.load(std::memory_order_relaxed)); }

std::optional<Pfn> PageTableEntry::frame_if_present() const {
  const std::uint32_t low = low_.load(std::memory_order_acquire);
  return (low & kPresent) != 0 ? std::optional(frame_of(low)) : std::nullopt;
}

void paging_init(std::span<const PfnRange> low_memory) {
  PageTableEntry::no_execute_ = has_no_execute() ? 1U << 31 : 0;
  for (VirtAddr page = kDirectMapBase; page < kDirectMapBase + kImageBlocks * kLargePageSize;
       page = page + kPageSize) {
    const std::uint32_t index = (page - kDirectMapBase) / kPageSize;
    map_page_of_image_block(image_tables[index / kEntriesPerTable][index % kEntriesPerTable], page,
                            low_memory);
  }
  for (std::uint32_t block = 0; block < kLowMemorySize / kLargePageSize; ++block) {
    const VirtAddr address = kDirectMapBase + block * kLargePageSize;
    const PhysAddr physical{std::uint64_t{block} * kLargePageSize};
    if (block < kImageBlocks) {
      set_page_table(address, to_pfn(direct_to_phys(image_tables[block])));
    } else if (touches(low_memory, {to_pfn(physical), to_pfn(physical + kLargePageSize)})) {
      map_block(address, physical);
    }
  }
  flush_all();
}

bool can_forbid_execution() { return PageTableEntry::no_execute_ != 0; }

void PageDirectoryPointers::set(std::uint32_t index, Pfn directory) {
  constexpr std::uint64_t kPresent = 1;  // no other bit is permitted
  entries_[index] = to_number(to_phys(directory)) | kPresent;
}

void PageDirectoryPointers::share_kernel() {
  set(kOfUser, to_pfn(direct_to_phys(page_directories + kOfUser * kEntriesPerTable)));
}

void load_page_directories(const PageDirectoryPointers* pointers) {
  const void* const table =
      pointers != nullptr ? static_cast<const void*>(pointers) : page_directory_pointers;
  const auto cr3 = static_cast<std::uint32_t>(to_number(direct_to_phys(table)));
  asm volatile("movl %0, %%cr3" ::"r"(cr3) : "memory");
}

Pfn probe_table_frame() { return to_pfn(direct_to_phys(probe_table)); }
bool finds_high_tables() { return high_tables_are_found; }

// Two tables whose addresses differ by 4 GiB map different pages: which one does the CPU find?
void probe_high_tables(Pfn twin) {
  alignas(kPageSize) static constinit std::uint32_t found_low[kEntriesPerTable]{1};
  alignas(kPageSize) static constinit std::uint32_t found_high[kEntriesPerTable]{2};
  probe_table[0].set(to_pfn(direct_to_phys(found_low)));
  map_block(kBootWindowBase,
            PhysAddr{to_number(to_phys(twin)) & ~std::uint64_t{kLargePageSize - 1}});
  invalidate_page(kBootWindowBase);
  const VirtAddr high = kBootWindowBase + to_number(to_phys(twin)) % kLargePageSize;
  static_cast<PageTableEntry*>(to_pointer(high))->set(to_pfn(direct_to_phys(found_high)));
  set_page_table(kBootWindowBase, twin);
  flush_all();
  high_tables_are_found = *static_cast<volatile std::uint32_t*>(to_pointer(kBootWindowBase)) == 2;
  directory_entry(kBootWindowBase).take();
  invalidate_page(kBootWindowBase);
}

void map_block(VirtAddr address, PhysAddr block) {
  directory_entry(address).set_block(to_pfn(block));
}

void set_page_table(VirtAddr address, Pfn table) { directory_entry(address).set_table(table); }

PageTableEntry* find_entry(VirtAddr address) {
  const PageTableEntry& directory = directory_entry(address);
  if (!directory.is_present() || directory.is_large()) return nullptr;
  auto* const table = static_cast<PageTableEntry*>(phys_to_direct(to_phys(directory.frame())));
  return table + (to_number(address) >> kPageShift) % kEntriesPerTable;
}

std::optional<PhysAddr> translate(VirtAddr address) {
  const PageTableEntry& directory = directory_entry(address);
  if (!directory.is_present()) return std::nullopt;
  if (directory.is_large()) {
    return to_phys(directory.frame()) + to_number(address) % kLargePageSize;
  }
  const std::optional<Pfn> frame = find_entry(address)->frame_if_present();
  if (!frame) return std::nullopt;
  return to_phys(*frame) + to_number(address) % kPageSize;
}

bool split_blocks() {
  for (PageTableEntry& block : page_directories) {
    if (!block.is_present() || !block.is_large()) continue;
    Page* const page = alloc_pages(GFP_KERNEL, 0);
    if (page == nullptr) return false;
    auto* const table = static_cast<PageTableEntry*>(page_to_direct(page));
    memset(table, 0, kPageSize);
    for (std::uint32_t i = 0; i < kEntriesPerTable; ++i) table[i].set(block.frame() + i);
    (void)block.take();
    block.set_table(page_to_pfn(page));
  }
  flush_all();
  return true;
}

void* map_device(Pfn registers) {
  const VirtAddr address = kDevicesBase + devices * kPageSize;
  if (address >= kDevicesEnd) panic("there is no room for the registers of another device");
  device_table[devices++].set_device(registers);
  set_page_table(kDevicesBase, to_pfn(direct_to_phys(device_table)));
  return to_pointer(address);
}

ImageMappedLow::ImageMappedLow() {
  set_page_table(VirtAddr{0}, to_pfn(direct_to_phys(image_tables[0])));
}

ImageMappedLow::~ImageMappedLow() {
  directory_entry(VirtAddr{0}).take();
  flush_all();
}

PhysAddr physical_end() {
  constexpr std::uint32_t kExtended = 0x80000000;
  constexpr std::uint32_t kAddressSizes = kExtended + 8;
  constexpr std::uint32_t kBitsOfPae = 36;
  const bool says = cpuid(kExtended).eax >= kAddressSizes;
  const std::uint32_t bits = says ? cpuid(kAddressSizes).eax & 0xFF : kBitsOfPae;
  return PhysAddr{std::uint64_t{1} << bits};
}

void read_physical(PhysAddr from, std::span<unsigned char> to) {
  while (!to.empty()) {
    const auto offset = static_cast<std::uint32_t>(to_number(from) % kLargePageSize);
    const std::size_t size = std::min<std::size_t>(to.size(), kLargePageSize - offset);
    map_block(kBootWindowBase, PhysAddr{to_number(from) - offset});
    invalidate_page(kBootWindowBase);
    memcpy(to.data(), to_pointer(kBootWindowBase + offset), size);
    from = from + size;
    to = to.subspan(size);
  }
  directory_entry(kBootWindowBase).take();
  invalidate_page(kBootWindowBase);
}

PhysRange image_range() { return {direct_to_phys(image_begin), direct_to_phys(image_end)}; }
bool is_code(VirtAddr address) { return lies_in(address, image_begin, image_text_end); }

std::string_view describe_image(VirtAddr address) {
  if (is_code(address)) return "the kernel's code";
  if (is_constant(address)) return "the kernel's constants";
  if (is_guard(address)) return "the guard page below a boot stack";
  return lies_in(address, image_rodata_end, image_end) ? "the kernel's data" : "";
}

}  // namespace kmapper::kernel
