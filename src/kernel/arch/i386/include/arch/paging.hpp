// PAE page tables (SDM 3A 4.4): entries of 64 bits, 512 in a table of one page. boot.S makes the
// directories; the caller chooses between blocks of 2 MiB and pages. No page can be both written
// and executed.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

enum class Access : std::uint8_t { execute, read, write };

/// One entry of a page table. Its halves are accessed one by one: the low half holds Present, so
/// the high half must be valid whenever Present is set.
class PageTableEntry {
 public:
  /// Fills an empty entry: writable, never executable, Accessed clear. Dirty is set already, so the
  /// CPU need not set it at the first write.
  void set(Pfn frame) { set(frame, kWritable | kDirty, no_execute_); }
  void set(Pfn frame, Access access);

  /// The same for a device's registers: uncached.
  void set_device(Pfn frame);

  /// For a process: code in ring 3 may use the page as `access` says. An owned page goes back to
  /// the allocator with the entry.
  void set_user(Pfn frame, Access access, bool owned);
  /// A directory's entry in a process's part of the address space.
  void set_user_table(Pfn table) { set(table, kWritable | kUser, 0); }
  /// take(), but frame() and is_owned() still work.
  bool hide() {  // NOLINT(modernize-use-nodiscard): not every caller needs the answer
    return (low_.fetch_and(~kPresent, std::memory_order_acq_rel) & kAccessed) != 0;
  }
  /// Whether there is a page, or was one until hide(). False after take().
  [[nodiscard]] bool has_frame() const { return low_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] bool is_owned() const {
    return (low_.load(std::memory_order_relaxed) & kOwned) != 0;
  }
  /// What ring 3 may do with the page. The entry must be present.
  [[nodiscard]] Access access() const;

  /// The entries of a directory: a table, which permits all that its own entries permit; or 2 MiB
  /// of memory.
  void set_table(Pfn table) { set(table, kWritable, 0); }
  void set_block(Pfn first) { set(first, kWritable | kDirty | kLarge, no_execute_); }

  /// Empties the entry by an atomic exchange. Returns whether the page was accessed through it.
  /// Afterwards the CPU can set a bit only through a TLB that did not see the exchange.
  bool take() {
    // The high half stays: without Present the CPU ignores the rest (SDM 3A 4.8), and set() writes
    // the high half first.
    return (low_.exchange(0, std::memory_order_acq_rel) & kAccessed) != 0;
  }

  /// Empties an entry that no other thread uses. The high half stays, as in take().
  void clear() { low_.store(0, std::memory_order_relaxed); }

  /// The whole entry, present or not: to save an entry that only this CPU uses, while other threads
  /// use it.
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
  /// Of a directory entry: whether it maps 2 MiB instead of a table.
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
  static constexpr std::uint32_t kOwned = 1U
                                          << 9;  // the kernel's own: the CPU ignores bits 9 to 11

  void set(Pfn frame, std::uint32_t flags, std::uint32_t no_execute) {
    // Release: the CPU's page walk must not see Present before the high half.
    high_.store(to_number(frame) >> (32 - kPageShift) | no_execute, std::memory_order_relaxed);
    low_.store(to_number(frame) << kPageShift | kPresent | flags, std::memory_order_release);
  }

  [[nodiscard]] Pfn frame_of(std::uint32_t low) const;

  friend void paging_init(std::span<const PfnRange> low_memory);
  friend bool can_forbid_execution();
  // Bit 31 if the CPU supports NX (EFER.NXE is set), else 0.
  static constinit std::uint32_t no_execute_;

  std::atomic<std::uint32_t> low_;
  std::atomic<std::uint32_t> high_;
};
static_assert(sizeof(PageTableEntry) == 8);

inline constexpr std::uint32_t kEntriesPerTable = kPageSize / sizeof(PageTableEntry);

/// CR3 points to this: the four page directories, of 1 GiB each (SDM 3A 4.4.1). The last one is the
/// kernel's in every address space, so a mapping there is in all of them. Lies below 4 GiB.
class alignas(32) PageDirectoryPointers {
 public:
  static constexpr std::uint32_t kOfUser = 3;

  /// `directory`: for the addresses from `index` GiB on, below kOfUser. No CPU may have the
  /// pointers loaded, because CPUs cache them.
  void set(std::uint32_t index, Pfn directory);
  /// Makes the last directory the kernel's.
  void share_kernel();

 private:
  std::uint64_t entries_[4]{};
};

/// Loads the pointers on this CPU, which drops all other translations; null: the kernel's own
/// pointers, which have no user part. Interrupts must be disabled.
void load_page_directories(const PageDirectoryPointers* pointers);

/// Whether the CPU finds page tables above 4 GiB. An emulator of 32-bit page walks may truncate
/// their addresses.
[[nodiscard]] bool finds_high_tables();
/// Tests that. `twin`: the page frame 4 GiB above probe_table_frame(), which must be unused RAM.
/// Once, at boot.
void probe_high_tables(Pfn twin);
[[nodiscard]] Pfn probe_table_frame();

/// Whether the CPU has NX, which forbids to execute data.
[[nodiscard]] bool can_forbid_execution();

/// The final page tables: the image by pages, each part with its own permissions, without the
/// guards of the boot stacks; low memory by blocks, readable and writable, where there is RAM.
/// Once, at boot.
void paging_init(std::span<const PfnRange> low_memory);

/// Maps 2 MiB, readable and writable. Both addresses are multiples of 2 MiB.
void map_block(VirtAddr address, PhysAddr block);

/// Maps by pages what is mapped by blocks of 2 MiB. False: no memory for the tables. Once, at boot.
/// It makes a real CPU slower. But QEMU's CPU drops its whole TLB at every INVLPG while any block
/// is mapped nearby, so only without blocks does it show a translation that was not dropped.
[[nodiscard]] bool split_blocks();

/// Installs a page table for `address`, a multiple of 2 MiB. The table must be empty or filled
/// already.
void set_page_table(VirtAddr address, Pfn table);

/// Maps a page of a device's registers, uncached and permanent, and returns its address. At boot.
[[nodiscard]] void* map_device(Pfn registers);

/// While an object exists, the image is also mapped at its physical address, with the same
/// permissions: for CPUs that turn paging on. At boot.
class ImageMappedLow {
 public:
  ImageMappedLow();
  ~ImageMappedLow();
  ImageMappedLow(const ImageMappedLow&) = delete;
  ImageMappedLow& operator=(const ImageMappedLow&) = delete;
};

/// The entry that maps `address`, or null if there is no page table. For addresses that are mapped
/// by pages.
[[nodiscard]] PageTableEntry* find_entry(VirtAddr address);

/// The physical address of `address`, or nothing. Any context.
[[nodiscard]] std::optional<PhysAddr> translate(VirtAddr address);

/// The end of this CPU's physical addresses. (SDM 3A 4.1.4, MAXPHYADDR)
[[nodiscard]] PhysAddr physical_end();

/// Copies physical memory from any address. At boot only: one caller at a time.
void read_physical(PhysAddr from, std::span<unsigned char> to);

/// The bytes of the image, physical.
[[nodiscard]] PhysRange image_range();
/// Whether `address` lies in the image's code.
[[nodiscard]] bool is_code(VirtAddr address);
/// The name of the image's part that contains `address`; empty if there is none.
[[nodiscard]] std::string_view describe_image(VirtAddr address);

}  // namespace kmapper::kernel
