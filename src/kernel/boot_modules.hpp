// Which of the loader's modules can be used. Their pages go to the allocator one by one, so each
// page must be memory, and belong to one module alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// A file that the loader put into memory. All or a part of it may lie above the direct map.
struct BootModule {
  PhysRange range;        // begins on a page; the last page may be used in part
  std::string_view name;  // the words that the loader was given with it, blanks included
};

enum class ModuleFault : std::uint8_t {
  ends_before_it_begins,
  begins_within_a_page,
  is_no_memory,
  shares_a_page,  // with an earlier module
};
/// The fault in words.
[[nodiscard]] std::string_view describe(ModuleFault fault);

/// What is wrong with `module`, or nothing. `memory`: where modules may lie. `before`: the earlier
/// modules of the loader's list. An empty module may lie anywhere.
[[nodiscard]] std::optional<ModuleFault> find_fault(const BootModule& module,
                                                    const MemoryMap& memory,
                                                    std::span<const BootModule> before);

}  // namespace kmapper::kernel
