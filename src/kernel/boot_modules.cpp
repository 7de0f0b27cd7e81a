#include "kernel/boot_modules.hpp"

#include <algorithm>

namespace kmapper::kernel {
namespace {

PfnRange pages_of(PhysRange range) {
  if (range.size() == 0) return {};
  return {to_pfn(range.begin), to_pfn_up(range.end)};
}

}  // namespace

std::string_view describe(ModuleFault fault) {
  switch (fault) {
    case ModuleFault::ends_before_it_begins:
      return "it ends before it begins";
    case ModuleFault::begins_within_a_page:
      return "it does not begin on a page";
    case ModuleFault::is_no_memory:
      return "it does not lie in memory that the loader's map has and the kernel leaves";
    case ModuleFault::shares_a_page:
      return "it shares a page with another module";
  }
  return "there is nothing wrong with it";
}

std::optional<ModuleFault> find_fault(const BootModule& module, const MemoryMap& memory,
                                      std::span<const BootModule> before) {
  const PhysRange range = module.range;
  if (range.end < range.begin) return ModuleFault::ends_before_it_begins;
  if (range.size() == 0) return std::nullopt;
  if (to_number(range.begin) % kPageSize != 0) return ModuleFault::begins_within_a_page;
  const PfnRange pages = pages_of(range);
  if (memory.pages(pages) != pages.size()) return ModuleFault::is_no_memory;
  const bool shares = std::any_of(before.begin(), before.end(), [pages](const BootModule& other) {
    return intersect(pages, pages_of(other.range)).size() != 0;
  });
  return shares ? std::optional(ModuleFault::shares_a_page) : std::nullopt;
}

}  // namespace kmapper::kernel
