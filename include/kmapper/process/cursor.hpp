// A place in a file, for one thread that reads or writes near where it just did: what the cursor
// holds costs two comparisons, and no atomic operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>

#include "kmapper/export.h"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// Keeps one granule pinned, the last. One thread at a time; it must not outlive its window. It
/// gives back what it holds before it asks for another, so that it never waits for itself.
class KMAPPER_API Cursor {
 public:
  explicit Cursor(FileWindow& window) : file_(window.file_.get()) {}

  /// Where the file's bytes from `offset` on are, at least so many in one piece; good until the
  /// next call. May sleep, as FileWindow::map() does. Null: see error().
  [[nodiscard]] std::byte* at(std::int64_t offset, std::size_t length = 1) noexcept {
    const auto within = static_cast<std::uint64_t>(offset) - static_cast<std::uint64_t>(begin_);
    if (within < held_.size() && length <= held_.size() - within) [[likely]]
      return held_.data() + within;
    return move_to(offset, length);
  }
  /// Why the last at() returned null.
  [[nodiscard]] const Error& error() const { return error_; }
  /// Why an access to what at() returned could not be carried out, the first if there were several:
  /// see Mapping::fault(). Who goes through a file need ask only once, at its end.
  [[nodiscard]] std::error_code fault() const noexcept { return fault_ ? fault_ : held_.fault(); }
  /// Gives back what it holds.
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
