// A sign of life once a second while something takes long, and its speed at the end.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/lib/format.hpp"

namespace kmapper::kernel {

class Progress {
 public:
  /// Time runs from here. `what` is a past participle: "copied".
  Progress(std::string_view what, std::uint64_t bytes);

  /// Says that this much is done; prints a line if it is time for one.
  void at(std::uint64_t done);

  [[nodiscard]] std::uint64_t elapsed_ns() const;
  /// Mebibytes a second: all the bytes in the time since the beginning.
  [[nodiscard]] Hundredths speed() const;

 private:
  std::string_view what_;
  std::uint64_t bytes_;
  std::uint64_t begin_ns_;
  std::uint64_t next_line_ns_;
};

}  // namespace kmapper::kernel
