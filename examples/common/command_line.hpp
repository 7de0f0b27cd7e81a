// What the examples share of speaking with people: options, sizes, and the errors of both.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kmapper::examples {

/// The program was called in a way that it does not know: exit code 2. Its text is one line.
class Misuse : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "64M" in bytes: a number, and K, M or G if it is not bytes. Throws Misuse where it is no size,
/// or not from least to most; `what` says whose.
[[nodiscard]] std::int64_t parse_size(const std::string& what, std::string_view text,
                                      std::int64_t least, std::int64_t most);

/// "1.5 GiB"
[[nodiscard]] std::string show_size(std::int64_t bytes);

/// A number of /proc/self/status, in bytes, as "VmHWM"; -1 where the system has none.
[[nodiscard]] std::int64_t status_of_process(std::string_view name);

/// The words of a command line: options, all with a value, and the rest.
class CommandLine {
 public:
  /// Throws Misuse: an option that is not among those known (as "--memory"), or without a value.
  CommandLine(const std::vector<std::string_view>& known, int count, const char* const* words);

  /// The option's value, or what is to be taken where it was not given.
  [[nodiscard]] std::string value(const std::string& option, const std::string& otherwise) const;
  [[nodiscard]] const std::vector<std::string>& rest() const { return rest_; }
  [[nodiscard]] bool wants_help() const { return wants_help_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> rest_;
  bool wants_help_ = false;
};

/// Runs a program, and turns what it throws into a line on standard error and an exit code.
int run(const char* name, int (*program)(int, char**), int count, char** words);

}  // namespace kmapper::examples
