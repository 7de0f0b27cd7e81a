// What the examples share: the options of their command lines, sizes as text, and error messages.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kmapper::examples {

/// A wrong command line: exit code 2. Its text is one line.
class Misuse : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "64M" in bytes: a number, followed by K, M or G unless it is in bytes. Throws Misuse if the text
/// is not a size from `least` to `most`; `what` names it in the message.
[[nodiscard]] std::int64_t parse_size(const std::string& what, std::string_view text,
                                      std::int64_t least, std::int64_t most);

/// "1.5 GiB"
[[nodiscard]] std::string show_size(std::int64_t bytes);

/// A number from /proc/self/status, such as "VmHWM", in bytes; -1 if the system does not have it.
[[nodiscard]] std::int64_t status_of_process(std::string_view name);

/// The words of a command line: options, each with a value, and the rest.
class CommandLine {
 public:
  /// Throws Misuse for an option that is not in `known` (such as "--memory"), or has no value.
  CommandLine(const std::vector<std::string_view>& known, int count, const char* const* words);

  /// The option's value, or `otherwise` if it was not given.
  [[nodiscard]] std::string value(const std::string& option, const std::string& otherwise) const;
  [[nodiscard]] const std::vector<std::string>& rest() const { return rest_; }
  [[nodiscard]] bool wants_help() const { return wants_help_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> rest_;
  bool wants_help_ = false;
};

/// Runs a program, and turns an exception into a line on standard error and an exit code.
int run(const char* name, int (*program)(int, char**), int count, char** words);

}  // namespace kmapper::examples
