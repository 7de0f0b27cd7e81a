// Runs programs for the tests.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/jobs/free_pages.hpp"
#include "kernel/user/process.hpp"

namespace kmapper::kernel {

/// A program from its start to its end, and what was printed in that time.
class ProgramRun {
 public:
  ProgramRun(std::string_view program, std::string_view arguments);

  [[nodiscard]] bool ended(ProcessEnd::How how, std::uint32_t code) const {
    return error_ == StartError::none && end_.how == how && end_.code == code;
  }
  [[nodiscard]] StartError error() const { return error_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] bool said(std::string_view words) const {
    return text_.find(words) != std::string_view::npos;
  }

 private:
  StartError error_;
  ProcessEnd end_{ProcessEnd::How::died, 0};
  std::string_view text_{};  // valid until the next ProgramRun
};

/// A process with pages from kFirst on, all of them written, while the object exists.
class HeldMemory {
 public:
  static constexpr UserAddr kFirst{0x10001000};

  explicit HeldMemory(std::uint32_t pages);
  ~HeldMemory();
  HeldMemory(const HeldMemory&) = delete;
  HeldMemory& operator=(const HeldMemory&) = delete;

  [[nodiscard]] bool is_held() const { return held_; }
  [[nodiscard]] Process& process() const { return *process_; }
  /// A byte of its memory, found through its page tables.
  [[nodiscard]] unsigned char byte(UserAddr address) const;

 private:
  Process* process_ = nullptr;
  bool held_ = false;
};

}  // namespace kmapper::kernel
