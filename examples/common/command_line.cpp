#include "command_line.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>

namespace kmapper::examples {

std::int64_t parse_size(const std::string& what, std::string_view text, std::int64_t least,
                        std::int64_t most) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view units = "KMG";
  int shift = 0;
  if (error == std::errc() && rest + 1 == end && units.find(*rest) != std::string_view::npos)
    shift = 10 * (1 + static_cast<int>(units.find(*rest)));
  else if (error != std::errc() || rest != end)
    throw Misuse(what + " " + std::string(text) + ": not a size; write it like 100, 64M or 8G");
  if (number > most >> shift || number << shift < least)
    throw Misuse(what + " " + std::string(text) + ": out of range, it may be " + show_size(least) +
                 " to " + show_size(most));
  return number << shift;
}

std::string show_size(std::int64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  auto size = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* const next : {"KiB", "MiB", "GiB", "TiB"}) {
    unit = next;
    size /= 1024;
    if (size < 1024) break;
  }
  char text[40];
  std::snprintf(text, sizeof text, "%.1f %s", size, unit);
  return text;
}

std::int64_t status_of_process(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return std::stoll(line.substr(name.size() + 1)) * 1024;
  }
  return -1;
}

CommandLine::CommandLine(const std::vector<std::string_view>& known, int count,
                         const char* const* words) {
  bool options = true;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (!options || word.size() < 2 || word[0] != '-') {
      rest_.push_back(word);
    } else if (word == "--") {
      options = false;
    } else if (word == "--help" || word == "-h") {
      wants_help_ = true;
    } else {
      const std::size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      if (std::ranges::find(known, name) == known.end())
        throw Misuse("there is no option " + name + "; --help lists them");
      if (equals == std::string::npos && i + 1 == count) throw Misuse(name + " needs a value");
      values_[name] = equals == std::string::npos ? words[++i] : word.substr(equals + 1);
    }
  }
}

std::string CommandLine::value(const std::string& option, const std::string& otherwise) const {
  const auto found = values_.find(option);
  return found != values_.end() ? found->second : otherwise;
}

int run(const char* name, int (*program)(int, char**), int count, char** words) {
  try {
    return program(count, words);
  } catch (const Misuse& misuse) {
    std::fprintf(stderr, "%s: %s\n", name, misuse.what());
    return 2;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: the system has no memory left for it\n", name);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
  }
  return 1;
}

}  // namespace kmapper::examples
