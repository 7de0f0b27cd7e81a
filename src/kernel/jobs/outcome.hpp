// How a job, or a step of it, ended.
#pragma once

#include <string_view>

namespace kmapper::kernel {

class [[nodiscard]] Outcome {
 public:
  enum class Kind { passed, failed, skipped };

  constexpr Outcome(Kind kind, std::string_view why) : kind_(kind), why_(why) {}
  [[nodiscard]] constexpr Kind kind() const { return kind_; }
  [[nodiscard]] constexpr bool has_failed() const { return kind_ == Kind::failed; }
  /// Why it failed or was skipped.
  [[nodiscard]] constexpr std::string_view why() const { return why_; }

 private:
  Kind kind_;
  std::string_view why_;
};

[[nodiscard]] constexpr Outcome passed() { return {Outcome::Kind::passed, {}}; }
/// `why` must outlive the outcome. The code that finds an error prints its details.
[[nodiscard]] constexpr Outcome failed(std::string_view why) {
  return {Outcome::Kind::failed, why};
}
[[nodiscard]] constexpr Outcome skipped(std::string_view why) {
  return {Outcome::Kind::skipped, why};
}

}  // namespace kmapper::kernel
