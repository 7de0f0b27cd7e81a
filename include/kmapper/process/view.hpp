// A file as an array of elements of one type, such as numbers or records.
//
//     View<const Trade> trades(file, sizeof(Header));
//     for (std::int64_t i = 0; i < trades.size(); ++i) {
//       const Trade* trade = trades.at(i);
//       if (trade == nullptr) return puts(trades.error().message().c_str());
//       sum += trade->price;
//     }
//     if (auto some = trades.map(first, 1000)) print(some->span());
//
// The elements are the file's bytes themselves. So the type must be trivially copyable, and the
// file must have been written by a machine with the same byte order, and the same layout of T.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include "kmapper/export.h"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// A part of a file that is mapped until the destructor, as elements. Move-only; see Mapping.
template <class T>
class [[nodiscard]] MappedSpan {
 public:
  MappedSpan() = default;
  /// Of a mapping that begins at an address where a T may lie.
  explicit MappedSpan(Mapping mapping) noexcept : mapping_(std::move(mapping)) {}

  [[nodiscard]] std::span<T> span() const {
    if constexpr (std::is_const_v<T>)  // data() would count as writing
      return {reinterpret_cast<T*>(mapping_.bytes().data()), mapping_.size() / sizeof(T)};
    else
      return {reinterpret_cast<T*>(mapping_.data()), mapping_.size() / sizeof(T)};
  }
  [[nodiscard]] T* begin() const { return span().data(); }
  [[nodiscard]] T* end() const { return span().data() + span().size(); }
  [[nodiscard]] std::size_t size() const { return span().size(); }
  [[nodiscard]] T& operator[](std::size_t i) const { return span()[i]; }
  /// For Mapping::bad() and fault().
  [[nodiscard]] const Mapping& mapping() const { return mapping_; }

 private:
  Mapping mapping_;
};

/// What an element is, and where the first lies: for texts of errors.
struct Layout {
  std::int64_t begin;
  std::size_t size;
  std::size_t alignment;
};
/// Why there is no element `index`, or no `count` elements from there on.
[[nodiscard]] KMAPPER_API Error layout_error(const FileWindow& window, const Layout& layout,
                                             std::int64_t index, std::int64_t count) noexcept;

/// The elements of a file from a byte on. Of `const T` where the window was opened for reading. An
/// element may lie across granules: then it is mapped across them (FileWindow::map()), which needs
/// a system call. Sizes that divide the granule have no such elements. Used by one thread at a
/// time, except map(). Must not outlive its window.
template <class T>
class View {
  static_assert(std::is_trivially_copyable_v<T>, "a file holds bytes, which a T must consist of");

 public:
  /// The first element lies at byte `begin`, which must be a multiple of alignof(T): otherwise all
  /// calls fail with invalid_range.
  explicit View(FileWindow& window, std::int64_t begin = 0) noexcept
      : window_(&window),
        begin_(begin),
        most_(is_possible(begin) ? (INT64_MAX - begin) / kSize : 0),
        cursor_(window) {}

  /// How many elements lie in the file, as FileWindow::size() says now.
  [[nodiscard]] std::int64_t size() const noexcept {
    const std::int64_t bytes = window_->size();
    return bytes > begin_ && most_ != 0 ? (bytes - begin_) / kSize : 0;
  }

  /// Element `i`. Valid until the next call. The granule is held, so that an access to one near it
  /// costs a few comparisons. May sleep, as FileWindow::map() does. Null: see error().
  [[nodiscard]] T* at(std::int64_t i) noexcept {
    if (static_cast<std::uint64_t>(i) >= static_cast<std::uint64_t>(most_)) [[unlikely]] {
      refused_ = layout_error(*window_, layout(), i, 1);
      return nullptr;
    }
    refused_ = {};
    return reinterpret_cast<T*>(cursor_.at(begin_ + i * kSize, sizeof(T)));
  }
  /// Why the last at() returned null. Errors: as FileWindow::map(); invalid_range (the text names
  /// the offset and the alignment).
  [[nodiscard]] const Error& error() const { return refused_ ? refused_ : cursor_.error(); }
  /// Why an access to an element of at() failed, the first if there were several: see
  /// Cursor::fault().
  [[nodiscard]] std::error_code fault() const noexcept { return cursor_.fault(); }
  /// Gives back what at() holds.
  void release() noexcept { cursor_.release(); }

  /// Maps `count` elements from `first` on, which may lie across granules: at most
  /// FileWindow::longest() bytes. As FileWindow::map(). Any thread.
  [[nodiscard]] Expected<MappedSpan<T>> map(std::int64_t first, std::int64_t count,
                                            const Patience& patience = {}) const noexcept {
    if (count < 1 || first < 0 || count > most_ || first > most_ - count)
      return layout_error(*window_, layout(), first, count);
    Expected<Mapping> mapping = window_->map(begin_ + first * kSize, count * kSize, patience);
    if (!mapping) return mapping.error();
    return MappedSpan<T>(std::move(*mapping));
  }

 private:
  static constexpr auto kSize = static_cast<std::int64_t>(sizeof(T));
  [[nodiscard]] Layout layout() const { return {begin_, sizeof(T), alignof(T)}; }
  /// Granules begin at borders of pages, so an offset is as well aligned as its address.
  [[nodiscard]] static constexpr bool is_possible(std::int64_t begin) {
    return begin >= 0 && static_cast<std::uint64_t>(begin) % alignof(T) == 0;
  }

  FileWindow* window_;
  std::int64_t begin_;
  std::int64_t most_;  // elements that an offset can name; 0: none, because `begin_` is wrong
  Cursor cursor_;
  Error refused_;
};

}  // namespace kmapper::process
