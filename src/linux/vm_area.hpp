// Areas of addresses at which vmap() and vmalloc() map pages in a row.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "system/memory.hpp"

namespace kmapper::linux_face {

struct VmArea {
  enum class Kind { vmap, vm_map_ram, vmalloc };

  system::AddressRange range;  // ends in an inaccessible page
  std::vector<unsigned long> pages;
  Kind kind;
  const void* mapped_by;
  const void* unmapped_by;  // null: it is mapped
};

/// Guarded by the machine's mutex.
class VmAreas {
 public:
  VmArea& add(VmArea area);
  /// Null: the address is in none, or in one that was forgotten.
  [[nodiscard]] VmArea* find(const void* address);
  /// The area has been unmapped. Its addresses stay inaccessible for a while, so that late uses of
  /// them are noticed.
  void retire(VmArea& area, const void* caller);
  /// Gives the addresses of all unmapped areas back.
  void forget_retired() { forget_retired(0, 0); }
  [[nodiscard]] auto begin() const { return areas_.begin(); }
  [[nodiscard]] auto end() const { return areas_.end(); }

 private:
  static constexpr std::size_t kMostRetired = 256;
  static constexpr std::size_t kMostRetiredBytes = std::size_t{64} << 20;

  void forget_retired(std::size_t most, std::size_t most_bytes);

  std::map<const std::byte*, VmArea> areas_;  // by their first address
  std::deque<const std::byte*> retired_;      // the oldest first
  std::size_t retired_bytes_ = 0;
};

}  // namespace kmapper::linux_face
