// The CPUs that the firmware lists (ACPI specification 6.4, 5.2.12, "Multiple APIC Description
// Table"). Some firmware lists CPUs that are not there, CPUs twice, and CPUs that a local APIC in
// xAPIC mode cannot call; so the entries that are left out are counted by their kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/firmware/acpi.hpp"
#include "kernel/firmware/apic_id.hpp"

namespace kmapper::kernel {

/// All CPUs except one, each once, in the firmware's order, whether they are there or not.
class CpuList {
 public:
  /// `self`: the running CPU.
  explicit CpuList(ApicId self) : self_(self) {}

  /// Adds the CPUs of a table that are not known yet.
  void add_all(acpi::Reader reader, acpi::Table madt);

  [[nodiscard]] std::span<const ApicId> ids() const { return {ids_.data(), size_}; }

  /// Entries of CPUs that are known already.
  [[nodiscard]] std::uint32_t repeated() const { return repeated_; }
  /// Entries with the id that means all CPUs.
  [[nodiscard]] std::uint32_t unnamed() const { return unnamed_; }
  /// CPUs that have an id of more than 8 bits.
  [[nodiscard]] std::uint32_t unreachable() const { return unreachable_; }
  /// Tables that end in the middle of an entry.
  [[nodiscard]] std::uint32_t cut() const { return cut_; }

 private:
  void add(std::uint32_t id, std::uint32_t flags);

  ApicId self_;
  bool self_is_listed_ = false;
  std::array<ApicId, 255> ids_{};
  std::size_t size_ = 0;
  std::uint32_t repeated_ = 0;
  std::uint32_t unnamed_ = 0;
  std::uint32_t unreachable_ = 0;
  std::uint32_t cut_ = 0;
};

}  // namespace kmapper::kernel
