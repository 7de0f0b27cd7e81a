#include "kmapper/process/view.hpp"

#include <algorithm>

#include "process/api/internals.hpp"
#include "process/file/file.hpp"

namespace kmapper::process {
namespace {

/// The product, or the largest number. The factors are not below 0.
std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? INT64_MAX : result;
}

}  // namespace

Error layout_error(const FileWindow& window, const Layout& layout, std::int64_t index,
                   std::int64_t count) noexcept {
  const File& file = *Internals::file_of(window);
  const auto size = static_cast<std::int64_t>(layout.size);
  const auto alignment = static_cast<std::int64_t>(layout.alignment);
  if (layout.begin < 0)
    return file.error(WindowErrc::invalid_range, layout.begin, size, {}, "an offset below 0");
  if (layout.begin % alignment != 0) {
    return file.error(WindowErrc::invalid_range, layout.begin, size, alignment,
                      "the offset is not a multiple of the alignment that the elements need");
  }
  if (index < 0) {
    return file.error(WindowErrc::invalid_range, layout.begin, size, {},
                      "an element with a number below 0");
  }
  if (count < 1) {
    return file.error(WindowErrc::invalid_range, layout.begin, size, {}, "less than one element");
  }
  const std::int64_t before = product(index, size);
  const std::int64_t offset = layout.begin > INT64_MAX - before ? INT64_MAX : layout.begin + before;
  return file.error(WindowErrc::beyond_end, offset, product(count, size), file.size());
}

}  // namespace kmapper::process
