// The shell's commands about the window.
#pragma once

#include <cstdint>

#include "kernel/mm/block_list.hpp"

namespace kmapper::kernel {

/// Prints how many slots are clean, idle and pinned, and the first pinned slots with their holders.
void print_slots();
/// Reports the mappings that have been held for longer than so many milliseconds.
void print_holders(std::uint32_t milliseconds);

/// Pages that stay mapped until let_go().
class HeldPages {
 public:
  HeldPages() = default;
  ~HeldPages() { (void)let_go(); }
  HeldPages(const HeldPages&) = delete;
  HeldPages& operator=(const HeldPages&) = delete;

  /// Maps so many more pages of high memory, or as many as there are slots and memory for. Returns
  /// how many are mapped now.
  std::uint32_t hold(std::uint32_t pages);
  [[nodiscard]] std::uint32_t count() const { return pages_.pages(); }
  /// Unmaps and frees all of them; returns how many there were.
  std::uint32_t let_go();

 private:
  BlockList pages_{};
};

}  // namespace kmapper::kernel
