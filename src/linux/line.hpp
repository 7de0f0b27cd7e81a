// A line of a report. May be used in a signal handler.
#pragma once

#include <array>
#include <cstddef>

#include "linux/frame.hpp"

namespace kmapper::linux_face {

/// Written by one system call; a line that is too long is cut off.
class Line {
 public:
  Line() { add("kmapper: "); }
  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...);
  /// Adds the call that returns to `caller`; null: unknown.
  void add_call(const char* before, const void* caller);
  void add_call(const char* before, const Call& call);
  /// Adds an instruction's place, so that `addr2line -ife FILE OFFSET` gives its line; null:
  /// unknown.
  void add_place(const char* before, const void* place);
  /// Adds the last calls that had to do with a page.
  void add_history(const Frame& frame);
  void write();

 private:
  std::array<char, 4096> text_{};
  std::size_t size_ = 0;
};

/// The instruction of the program that called the C library, where an instruction of that faulted;
/// else the instruction itself. Called in the handler of the signal.
[[nodiscard]] const void* instruction_outside_of_libc(const void* instruction);

}  // namespace kmapper::linux_face
