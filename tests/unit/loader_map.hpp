// A memory map as a Multiboot loader leaves it in memory, and the kernel's reading of it; and a
// model that checks every page by itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "kernel/lib/format.hpp"
#include "kernel/multiboot.hpp"

namespace kmapper::kernel {

/// The types that an entry may have (ACPI specification 6.5, table 15.3).
enum : std::uint32_t { kUsable = 1, kReserved = 2, kAcpiTables = 3, kAcpiNvs = 4, kBad = 5 };

/// As boot logs print it: from its first byte to one behind its last.
struct Entry {
  std::uint64_t begin, end;
  std::uint32_t type = kUsable;
};

/// The loader's bytes. They lie at an odd address, as the specification allows.
class LoaderMap {
 public:
  static constexpr std::uint32_t kAddress = 0x7FFF1235;

  LoaderMap() = default;
  explicit LoaderMap(std::span<const Entry> entries) {
    for (const Entry& entry : entries) add(entry.begin, entry.end - entry.begin, entry.type);
  }

  /// `size` is the value of the entry's size field; at least a minimal entry is written.
  void add(std::uint64_t begin, std::uint64_t length, std::uint32_t type,
           std::uint32_t size = kEntrySize) {
    const multiboot::MemoryEntry entry{size, begin, length, type};
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof entry.size + std::max(std::min(size, 4096U), kEntrySize), 0xEE);
    std::memcpy(&bytes_[at], &entry, sizeof entry);
  }
  /// Ends the map in the middle of an entry.
  void cut(std::size_t bytes) {
    bytes_.erase(bytes_.end() - static_cast<std::ptrdiff_t>(bytes), bytes_.end());
  }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_.size()); }

  [[nodiscard]] multiboot::Memory read() const {
    read_by_ = this;
    return multiboot::read_memory_map(copy, kAddress, size());
  }

 private:
  static constexpr std::uint32_t kEntrySize = 20;

  /// Reads only within the map.
  static void copy(PhysAddr from, std::span<unsigned char> to) {
    const std::uint64_t at = to_number(from) - kAddress;
    std::copy_n(&read_by_->bytes_.at(at),
                (void(read_by_->bytes_.at(at + to.size() - 1)), to.size()), to.begin());
  }

  static inline const LoaderMap* read_by_ = nullptr;
  std::vector<unsigned char> bytes_;
};

[[nodiscard]] inline MemoryMap usable_of(std::span<const Entry> entries) {
  return LoaderMap(entries).read().usable;
}

/// "1-3 5-9": the remaining page frames, in hexadecimal.
[[nodiscard]] inline std::string text(const MemoryMap& map) {
  std::string all;
  for (const PfnRange region : map.regions()) {
    char buffer[64];
    if (!all.empty()) all += ' ';
    all += format_to(buffer, "{:x}-{:x}", to_number(region.begin), to_number(region.end));
  }
  return all;
}

/// For each page below `pages`: whether it lies whole in one usable entry, and no other entry
/// touches it.
[[nodiscard]] inline std::vector<bool> model_of(std::span<const Entry> entries,
                                                std::uint64_t pages) {
  std::vector<bool> free(pages);
  const auto set = [&](std::uint64_t begin, std::uint64_t end, bool is_free) {
    for (std::uint64_t page = begin; page < std::min(end, pages); ++page) free[page] = is_free;
  };
  for (const Entry& it : entries) {
    if (it.type == kUsable && it.begin < it.end)
      set((it.begin + kPageSize - 1) / kPageSize, it.end / kPageSize, true);
  }
  for (const Entry& it : entries) {
    if (it.type != kUsable && it.begin < it.end)
      set(it.begin / kPageSize, (it.end - 1) / kPageSize + 1, false);
  }
  return free;
}

/// The same for a map; empty if regions are empty, touch, or are out of order.
[[nodiscard]] inline std::vector<bool> pages_of(const MemoryMap& map, std::uint64_t pages) {
  std::vector<bool> free(pages);
  std::uint64_t last = 0;
  for (const PfnRange region : map.regions()) {
    const std::uint64_t begin = to_number(region.begin);
    const std::uint64_t end = to_number(region.end);
    if (begin >= end || (last != 0 && begin <= last)) return {};
    for (std::uint64_t page = begin; page < std::min(end, pages); ++page) free[page] = true;
    last = end;
  }
  return free;
}

}  // namespace kmapper::kernel
