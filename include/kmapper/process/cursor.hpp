// A position in a file, for one thread whose accesses are near each other: an access within the
// granule that the cursor holds costs two comparisons, and no atomic operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>

#include "kmapper/export.h"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// Keeps one granule pinned: the last that it moved to. Used by one thread at a time; must not
/// outlive its window. It gives back what it holds before it asks for another granule, so it never
/// waits for itself.
class KMAPPER_API Cursor {
 public:
  explicit Cursor(FileWindow& window) : file_(window.file_.get()) {}

  /// The address of the file's bytes from `offset` on, at least `length` contiguous bytes; valid
  /// until the next call. May sleep, as FileWindow::map() does. Null: see error().
  [[nodiscard]] std::byte* at(std::int64_t offset, std::size_t length = 1) noexcept {
    const auto within = static_cast<std::uint64_t>(offset) - static_cast<std::uint64_t>(begin_);
    if (within < held_.size() && length <= held_.size() - within) [[likely]]
      return held_.data_ + within;
    return move_to(offset, length);
  }
  /// Why the last at() returned null.
  [[nodiscard]] const Error& error() const { return error_; }
  /// Why an access to what at() returned failed, the first if there were several: see
  /// Mapping::fault(). A caller that goes through a file need ask only once, at the end.
  [[nodiscard]] std::error_code fault() const noexcept { return fault_ ? fault_ : held_.fault(); }
  /// Gives back the granule that it holds.
  void release() noexcept {
    fault_ = fault();
    held_ = {};
  }

 private:
  std::byte* move_to(std::int64_t offset, std::size_t length) noexcept;

  File* file_;
  std::int64_t begin_ = 0;  // of what is held
  Mapping held_;
  Error error_;
  std::error_code fault_;  // of what it has given back
};

}  // namespace kmapper::process
