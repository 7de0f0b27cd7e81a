// What the firmware's ACPI tables tell about the machine: its CPUs.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "arch/cpu.hpp"
#include "local_apic.hpp"

namespace kmapper::kernel {

/// CPUs by their local APICs; kMaxCpus of them, and a count of those beyond.
class CpuList {
 public:
  void add(ApicId id) {
    if (size_ == ids_.size()) {
      ++left_out_;
    } else {
      ids_[size_++] = id;
    }
  }
  [[nodiscard]] std::span<const ApicId> all() const { return {ids_.data(), size_}; }
  [[nodiscard]] std::uint32_t left_out() const { return left_out_; }

 private:
  std::array<ApicId, kMaxCpus> ids_{};
  std::size_t size_ = 0;
  std::uint32_t left_out_ = 0;
};

/// All CPUs but this one that can be started. Says so and finds none where the firmware left no
/// tables, or broken ones. At boot.
[[nodiscard]] CpuList find_other_cpus();

}  // namespace kmapper::kernel
