// Prints a line each second during a long step, and knows its speed at the end.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/lib/format.hpp"

namespace kmapper::kernel {

class Progress {
 public:
  /// Time starts here. `what` is a past participle: "copied".
  Progress(std::string_view what, std::uint64_t bytes);

  /// Notes that so many bytes are done; prints a line if a second has passed.
  void at(std::uint64_t done);

  [[nodiscard]] std::uint64_t elapsed_ns() const;
  /// Mebibytes a second: all bytes, over the time since the start.
  [[nodiscard]] Hundredths speed() const;

 private:
  std::string_view what_;
  std::uint64_t bytes_;
  std::uint64_t begin_ns_;
  std::uint64_t next_line_ns_;
};

}  // namespace kmapper::kernel
