// Reads a program file: its segments and its entry point. The file is not trusted: each size and
// place is checked before it is used, and anything unusual is refused. So the result can be loaded
// without further checks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/user/user_addr.hpp"
#include "kmapper/core/result.hpp"

namespace kmapper::kernel {

enum class ElfError : std::uint8_t {
  none,
  truncated,
  not_elf,
  wrong_machine,
  not_static,
  bad_headers,
  too_many_segments,
  outside_file,
  outside_user,
  bad_size,
  misaligned,
  overlap,
  writable_code,
  no_segment,
  bad_entry,
};

/// One line for the user.
[[nodiscard]] std::string_view describe(ElfError error);

/// A part of the program in memory. The bytes behind `content` are zero.
struct ElfSegment {
  UserAddr begin;
  std::uint32_t size;
  std::span<const unsigned char> content;  // no more than size
  bool writable, executable;               // never both

  /// The pages that the segment touches; no two segments share one.
  [[nodiscard]] UserAddr first_page() const {
    return UserAddr{to_number(begin) & ~(kPageSize - 1)};
  }
  [[nodiscard]] UserAddr end_of_pages() const {
    return UserAddr{(to_number(begin) + size + kPageSize - 1) & ~(kPageSize - 1)};
  }
};

class ElfImage {
 public:
  static constexpr std::size_t kMaxSegments = 8;

  /// Reads a static ELF32 executable for the i386 (System V ABI, chapter 5, "Program Header"; its
  /// Intel386 supplement), all of it between kProgramBegin and kProgramEnd. The image points into
  /// the file. Any context.
  [[nodiscard]] static Result<ElfImage, ElfError> read(std::span<const unsigned char> file);

  [[nodiscard]] UserAddr entry() const { return entry_; }
  [[nodiscard]] std::span<const ElfSegment> segments() const { return {segments_.data(), size_}; }

 private:
  [[nodiscard]] ElfError add(const ElfSegment& segment);

  UserAddr entry_{};
  std::array<ElfSegment, kMaxSegments> segments_{};
  std::size_t size_ = 0;
};

}  // namespace kmapper::kernel
