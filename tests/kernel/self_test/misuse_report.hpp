// What a test expects in the report of a misuse.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

#include "kernel/lib/format.hpp"
#include "kernel/mm/kernel_platform.hpp"
#include "kernel/mm/page.hpp"
#include "kmapper/core/report.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {

/// "page 0x28001", "slot 5": the names in reports.
class Name {
 public:
  explicit Name(Page* page) : text_(format_to(buffer_, "page {},", page_to_pfn(page))) {}
  explicit Name(SlotIndex slot) : text_(format_to(buffer_, "slot {},", slot)) {}
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  char buffer_[32];
  std::string_view text_;
};

/// What the report of a misuse must say: what happened, what to do, the call site (only a checked
/// build knows a holder's), and these names.
class Words {
 public:
  Words(Misuse what, std::initializer_list<std::string_view> names) {
    add(describe(what).what);
    add(describe(what).advice);
    if (what != Misuse::held_too_long || KernelPlatform::kChecked) add("called from 0xc");
    for (const std::string_view name : names) add(name);
  }
  [[nodiscard]] std::span<const std::string_view> all() const { return {words_.data(), size_}; }

 private:
  void add(std::string_view word) { words_[size_++] = word; }

  std::array<std::string_view, 8> words_{};
  std::size_t size_ = 0;
};

/// Passes if the thread died of the misuse, and its report names it and the right call of its
/// function.
[[nodiscard]] inline Outcome dies_of(Misuse what, const Sacrifice& thread,
                                     std::initializer_list<std::string_view> names) {
  const Outcome outcome = thread.expect_death(Words(what, names).all());
  if (outcome.has_failed() || thread.names_its_call()) return outcome;
  return failed("the report names another call");
}

/// Keeps a call from being its caller's last act: the compiler would make it a jump, which leaves
/// no return address.
inline void go_on() { asm volatile(""); }

/// Passes if the misuse was reported, and the thread has returned.
[[nodiscard]] inline Outcome is_told(Misuse what, const Sacrifice& thread,
                                     std::initializer_list<std::string_view> names) {
  return thread.expect_return(Words(what, names).all());
}

}  // namespace kmapper::kernel
