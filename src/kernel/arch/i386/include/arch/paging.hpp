// PAE page tables (SDM 3A 4.4): entries of 64 bits, 512 of them in a table of one page. The
// directories are those that boot.S made; what is mapped by blocks of 2 MiB, what by pages, is the
// caller's choice. There is no permission to write and to execute the same page.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

enum class Access : std::uint8_t { execute, read, write };

/// One entry of a page table. The halves are accessed one by one: the low half holds Present, so
/// the high half must be right whenever Present is set.
class PageTableEntry {
 public:
  /// Fills an empty entry: writable, never executable, Accessed clear. Dirty is set already, which
  /// spares the CPU from setting it at the first write.
  void set(Pfn frame) { set(frame, kWritable | kDirty, no_execute_); }
  void set(Pfn frame, Access access);

  /// The same for the registers of a device: neither reads nor writes go to a cache.
  void set_device(Pfn frame);

  /// For a process: the code of ring 3 may use the page as `access` says. An owned page goes back
  /// to the allocator with the entry.
  void set_user(Pfn frame, Access access, bool owned);
  /// A directory's entry in a process's part of the address space.
  void set_user_table(Pfn table) { set(table, kWritable | kUser, 0); }
  /// The CPU finds nothing here from now on; frame() and is_owned() still say what was here.
  void hide() { low_.fetch_and(~kPresent, std::memory_order_acq_rel); }
  /// Whether there is, or was until hide(), a page. Not of an entry that take() has emptied.
  [[nodiscard]] bool has_frame() const { return low_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] bool is_owned() const {
    return (low_.load(std::memory_order_relaxed) & kOwned) != 0;
  }
  /// What ring 3 may do with the page. The entry must be present.
  [[nodiscard]] Access access() const;

  /// A directory's entries: a table, which permits all that its own entries permit; or 2 MiB of
  /// memory.
  void set_table(Pfn table) { set(table, kWritable, 0); }
  void set_block(Pfn first) { set(first, kWritable | kDirty | kLarge, no_execute_); }

  /// Empties the entry by an atomic exchange; the answer is whether the page was accessed through
  /// it. What the CPU sets afterwards it can only set through a TLB that did not see the exchange.
  bool take() {
    // The high half stays: without Present the CPU looks at nothing else (SDM 3A 4.8), and set()
    // writes it first.
    return (low_.exchange(0, std::memory_order_acq_rel) & kAccessed) != 0;
  }

  /// Empties an entry that only this CPU uses. The high half stays, as in take().
  void clear() { low_.store(0, std::memory_order_relaxed); }

  /// All that the entry holds, present or not: for an entry that only this CPU uses, to be kept
  /// while others use it.
  struct Value {
    std::uint32_t low, high;
  };
  [[nodiscard]] Value value() const {
    return {low_.load(std::memory_order_relaxed), high_.load(std::memory_order_relaxed)};
  }
  void set(Value value) {
    high_.store(value.high, std::memory_order_relaxed);
    low_.store(value.low, std::memory_order_release);  // as in the other set()
  }

  [[nodiscard]] bool is_present() const {
    return (low_.load(std::memory_order_relaxed) & kPresent) != 0;
  }
  /// Of a directory entry: maps 2 MiB, and no table.
  [[nodiscard]] bool is_large() const {
    return (low_.load(std::memory_order_relaxed) & kLarge) != 0;
  }
  [[nodiscard]] Pfn frame() const;
  /// For an entry that another CPU may empty at the same time.
  [[nodiscard]] std::optional<Pfn> frame_if_present() const;

 private:
  static constexpr std::uint32_t kPresent = 1U << 0;
  static constexpr std::uint32_t kWritable = 1U << 1;
  static constexpr std::uint32_t kUser = 1U << 2;
  static constexpr std::uint32_t kWriteThrough = 1U << 3;
  static constexpr std::uint32_t kCacheDisable = 1U << 4;
  static constexpr std::uint32_t kAccessed = 1U << 5;
  static constexpr std::uint32_t kDirty = 1U << 6;
  static constexpr std::uint32_t kLarge = 1U << 7;
  static constexpr std::uint32_t kOwned = 1U << 9;  // ours: the CPU looks at none of bits 9 to 11

  void set(Pfn frame, std::uint32_t flags, std::uint32_t no_execute) {
    // Release: the CPU's page walk must not see Present before the high half.
    high_.store(to_number(frame) >> (32 - kPageShift) | no_execute, std::memory_order_relaxed);
    low_.store(to_number(frame) << kPageShift | kPresent | flags, std::memory_order_release);
  }

  [[nodiscard]] Pfn frame_of(std::uint32_t low) const;

  friend void paging_init(std::span<const PfnRange> low_memory);
  friend bool can_forbid_execution();
  // Bit 31 where the CPU knows NX (EFER.NXE is set), else 0.
  static constinit std::uint32_t no_execute_;

  std::atomic<std::uint32_t> low_;
  std::atomic<std::uint32_t> high_;
};
static_assert(sizeof(PageTableEntry) == 8);

inline constexpr std::uint32_t kEntriesPerTable = kPageSize / sizeof(PageTableEntry);

/// What CR3 points to: the four page directories, of 1 GiB each (SDM 3A 4.4.1). The last one is the
/// kernel's in every address space, so that what is mapped there is mapped in all. Lies below 4
/// GiB.
class alignas(32) PageDirectoryPointers {
 public:
  static constexpr std::uint32_t kOfUser = 3;

  /// `directory`: of the addresses from `index` GiB on, below kOfUser. Loaded nowhere, as CPUs keep
  /// what they have read here.
  void set(std::uint32_t index, Pfn directory);
  /// The last directory becomes the kernel's.
  void share_kernel();

 private:
  std::uint64_t entries_[4]{};
};

/// This CPU translates by these from now on, and forgets all other translations; null: by the
/// kernel's own, which have no user's part. Interrupts must be disabled.
void load_page_directories(const PageDirectoryPointers* pointers);

/// Whether the CPU finds page tables above 4 GiB. One that emulates 32-bit page walks may cut their
/// addresses short.
[[nodiscard]] bool finds_high_tables();
/// Finds that out. `twin`: the page frame 4 GiB behind probe_table_frame(), which must be RAM and
/// nobody's. Once, at boot.
void probe_high_tables(Pfn twin);
[[nodiscard]] Pfn probe_table_frame();

/// Whether there is NX: pages that are not to be executed cannot be.
[[nodiscard]] bool can_forbid_execution();

/// The final page tables: the image by pages, each part with its own permissions and the boot
/// stacks' guards left out; low memory by blocks, readable and writable, where there is RAM. Once,
/// at boot.
void paging_init(std::span<const PfnRange> low_memory);

/// Maps 2 MiB, both addresses multiples of it, readable and writable.
void map_block(VirtAddr address, PhysAddr block);

/// Maps by pages what is mapped by blocks of 2 MiB. False: no memory for the tables. Once, at boot.
/// A real CPU is the slower for it. QEMU's, though, drops its whole TLB at every INVLPG as long as
/// any block is mapped anywhere near; so only without blocks does it show a translation that should
/// have been dropped and was not.
[[nodiscard]] bool split_blocks();

/// Puts a page table below `address`, a multiple of 2 MiB. The table must be empty or right
/// already.
void set_page_table(VirtAddr address, Pfn table);

/// Maps a page of a device's registers, uncached, for good, and returns its address. At boot.
[[nodiscard]] void* map_device(Pfn registers);

/// While one lives, the image is mapped where it lies in physical memory too, with the same
/// permissions: for CPUs that turn paging on. At boot.
class ImageMappedLow {
 public:
  ImageMappedLow();
  ~ImageMappedLow();
  ImageMappedLow(const ImageMappedLow&) = delete;
  ImageMappedLow& operator=(const ImageMappedLow&) = delete;
};

/// The entry that maps `address`, or null where no page table is. For addresses that are mapped by
/// pages.
[[nodiscard]] PageTableEntry* find_entry(VirtAddr address);

/// Where `address` leads, or nothing. Any context.
[[nodiscard]] std::optional<PhysAddr> translate(VirtAddr address);

/// No page-table entry of this CPU's reaches beyond. (SDM 3A 4.1.4, MAXPHYADDR)
[[nodiscard]] PhysAddr physical_end();

/// Copies physical memory, wherever it lies, through the boot window. At boot only: one caller at a
/// time.
void read_physical(PhysAddr from, std::span<unsigned char> to);

/// The bytes of the image, physical.
[[nodiscard]] PhysRange image_range();
/// Whether `address` lies in the image's code.
[[nodiscard]] bool is_code(VirtAddr address);
/// The part of the image that `address` lies in, in words; empty if in none.
[[nodiscard]] std::string_view describe_image(VirtAddr address);

}  // namespace kmapper::kernel
