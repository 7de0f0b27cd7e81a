// Finds the firmware's ACPI tables (ACPI specification 6.4, chapter 5): the root pointer (5.2.5)
// leads to one or two root tables (5.2.7, 5.2.8), and these to all others. They lie anywhere in
// physical memory, so each piece is read through a function.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "kernel/multiboot.hpp"

namespace kmapper::kernel::acpi {

using Reader = multiboot::Reader;
using multiboot::read;

using Signature = std::array<char, 4>;
inline constexpr Signature kControllers{'A', 'P', 'I', 'C'};  // 5.2.12: lists the CPUs, too
inline constexpr Signature kFixed{'F', 'A', 'C', 'P'};        // 5.2.9
inline constexpr Signature kHpet{'H', 'P', 'E', 'T'};

struct [[gnu::packed]] Header {
  Signature signature;
  std::uint32_t length;  // of the whole table
  std::uint8_t revision, checksum;
  char oem[6], oem_table[8];
  std::uint32_t oem_revision, creator, creator_revision;
};
static_assert(sizeof(Header) == 36);

/// A valid table.
struct Table {
  PhysAddr begin{};
  std::uint32_t size = 0;
};

/// Tables with a wrong length or checksum, which are not read: the first few.
class Broken {
 public:
  struct One {
    Signature signature{};
    PhysAddr address{};
    std::string_view name() const { return {signature.data(), signature.size()}; }
  };
  static constexpr std::size_t kMost = 4;

  void add(Signature signature, PhysAddr address);
  [[nodiscard]] std::span<const One> all() const { return {all_.data(), size_}; }

 private:
  std::array<One, kMost> all_{};
  std::size_t size_ = 0;
};

/// The tables with one signature that one root table lists.
class Found {
 public:
  static constexpr std::size_t kMost = 4;

  void add(Table table);
  [[nodiscard]] const Table* begin() const { return all_.data(); }
  [[nodiscard]] const Table* end() const { return all_.data() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::array<Table, kMost> all_{};
  std::size_t size_ = 0;
};

/// The valid root tables. A table is looked up first in the XSDT, whose addresses have 64 bits, and
/// then in the RSDT: some firmware fills only one of them.
class Tables {
 public:
  /// Searches the extended BIOS data area, then the BIOS's ROM, for the root pointer.
  explicit Tables(Reader reader);

  [[nodiscard]] Found find(Signature signature);
  /// The broken tables among all that have been read so far.
  [[nodiscard]] const Broken& broken() const { return broken_; }

 private:
  bool take_root_pointer(std::uint32_t begin, std::uint32_t end);
  void take_root_tables(PhysAddr pointer);
  std::optional<Table> check(PhysAddr address, Signature signature);
  Found find_in(const std::optional<Table>& root, std::uint32_t entry_size, Signature signature);

  Reader reader_;
  std::optional<Table> rsdt_, xsdt_;
  Broken broken_;
};

}  // namespace kmapper::kernel::acpi
