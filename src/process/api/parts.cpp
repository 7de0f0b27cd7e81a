#include "kmapper/process/parts.hpp"

#include <algorithm>

#include "process/api/internals.hpp"
#include "process/file/file.hpp"

namespace kmapper::process {

void Parts::move_to(std::int64_t offset) noexcept {
  fault_ = fault();
  held_ = {};
  error_ = {};
  offset_ = offset;
  if (offset == end_) return;
  const File& file = *Internals::file_of(*window_);
  const std::int64_t length = std::min(file.rest_of_granule(offset), end_ - offset);
  Expected<Mapping> mapping = window_->map(offset, length);
  if (!mapping) {
    error_ = mapping.error();
    return;
  }
  held_ = std::move(*mapping);
}

}  // namespace kmapper::process
