#include "linux/vm_area.hpp"

namespace kmapper::linux_face {

VmArea& VmAreas::add(VmArea area) {
  const std::byte* const begin = area.range.begin();
  return areas_.emplace(begin, std::move(area)).first->second;
}

VmArea* VmAreas::find(const void* address) {
  auto found = areas_.upper_bound(static_cast<const std::byte*>(address));
  if (found == areas_.begin()) return nullptr;
  VmArea& area = (--found)->second;
  return area.range.contains(address) ? &area : nullptr;
}

void VmAreas::retire(VmArea& area, const void* caller) {
  area.unmapped_by = caller;
  retired_.push_back(area.range.begin());
  retired_bytes_ += area.range.size();
  forget_retired(kMostRetired, kMostRetiredBytes);
}

void VmAreas::forget_retired(std::size_t most, std::size_t most_bytes) {
  while (retired_.size() > most || retired_bytes_ > most_bytes) {
    const auto oldest = areas_.find(retired_.front());
    retired_bytes_ -= oldest->second.range.size();
    areas_.erase(oldest);
    retired_.pop_front();
  }
}

}  // namespace kmapper::linux_face
