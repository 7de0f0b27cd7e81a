// A file, or a range of it, as a sequence of contiguous parts: for programs that go through it from
// front to back, whatever its size.
//
//     Parts parts(file);
//     for (std::span<const std::byte> part : parts) hash.update(part);
//     if (parts.error() || parts.fault()) return false;
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ranges>
#include <span>
#include <system_error>

#include "kmapper/export.h"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// An input range (std::ranges::input_range, and a view) of spans. Each is what one granule has of
/// the range: all of the granule, but for the first and the last. One granule is held at a time,
/// and it is given back before the next is asked for, so that a loop never waits for itself. The
/// parts may be written to where the window was opened for writing. Used by one thread at a time.
/// Must not outlive its window.
class KMAPPER_API Parts : public std::ranges::view_base {
 public:
  /// The bytes from `begin` to `end`. Maps nothing yet.
  Parts(FileWindow& window, std::int64_t begin, std::int64_t end) noexcept
      : window_(&window), begin_(begin), end_(end) {}
  /// The bytes from `begin` to the file's end, as FileWindow::size() says it now.
  explicit Parts(FileWindow& window, std::int64_t begin = 0) noexcept
      : Parts(window, begin, window.size()) {}

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = std::span<std::byte>;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    /// Valid until the iterator is moved on.
    [[nodiscard]] value_type operator*() const { return parts_->held_.writable(); }
    Iterator& operator++() {
      parts_->move_to(parts_->offset_ + static_cast<std::int64_t>(parts_->held_.size()));
      return *this;
    }
    void operator++(int) { ++*this; }
    [[nodiscard]] bool operator==(std::default_sentinel_t /*end*/) const { return !parts_->held_; }

   private:
    friend class Parts;
    explicit Iterator(Parts* parts) : parts_(parts) {}
    Parts* parts_ = nullptr;
  };

  /// Goes to the first part. May sleep, as FileWindow::map() does, and so may the iterator's ++. A
  /// second call begins again: there is one iterator at a time.
  [[nodiscard]] Iterator begin() noexcept {
    move_to(begin_);
    return Iterator(this);
  }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  /// Where the present part begins in the file; after the last, or after an error, where the next
  /// would.
  [[nodiscard]] std::int64_t offset() const noexcept { return offset_; }
  /// Why the sequence ended before the end of the range; no error: it did not. Errors: as
  /// FileWindow::map(); invalid_range (the end is before the beginning).
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  /// Why an access to a part failed, the first if there were several: see Mapping::fault().
  [[nodiscard]] std::error_code fault() const noexcept { return fault_ ? fault_ : held_.fault(); }

 private:
  void move_to(std::int64_t offset) noexcept;

  FileWindow* window_;
  std::int64_t begin_;
  std::int64_t end_;
  std::int64_t offset_ = 0;
  Mapping held_;
  Error error_;
  std::error_code fault_;  // of what has been given back
};

}  // namespace kmapper::process
