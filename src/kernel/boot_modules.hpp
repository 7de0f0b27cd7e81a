// Which of the modules that a loader left can be used. Their pages become the allocator's one by
// one, so each page must be memory, and one module's alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// A file that the loader put into memory. May lie, in part or whole, above the direct map.
struct BootModule {
  PhysRange range;        // begins on a page; the last page may be used in part
  std::string_view name;  // the words the loader was given with it, blanks and all
};

enum class ModuleFault : std::uint8_t {
  ends_before_it_begins,
  begins_within_a_page,
  is_no_memory,
  shares_a_page,  // with one of those before it
};
/// The fault in words.
[[nodiscard]] std::string_view describe(ModuleFault fault);

/// What is wrong with `module`, or nothing. `memory`: where modules may lie. `before`: the modules
/// before it in the loader's list. A module without a byte may lie anywhere.
[[nodiscard]] std::optional<ModuleFault> find_fault(const BootModule& module,
                                                    const MemoryMap& memory,
                                                    std::span<const BootModule> before);

}  // namespace kmapper::kernel
