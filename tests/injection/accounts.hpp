// The resources of a process: descriptors, and mappings by kind, without the heap and the stack.
#pragma once

#include <dirent.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "known_file.hpp"

namespace kmapper::injection {

/// Bytes by protection and file; and the number of descriptors, as a kind of its own.
using Accounts = std::map<std::string, std::int64_t>;

[[nodiscard]] inline Accounts accounts_now() {
  Accounts accounts;
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) throw Wrong("the test needs /proc/self/maps");
  char line[4096];
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    char protection[5] = "";
    int at_path = 0;
    if (std::sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &begin, &end, protection,
                    &at_path) != 3) {
      continue;
    }
    std::string path = line + at_path;
    if (path.ends_with('\n')) path.pop_back();
    if (path.starts_with("[heap]") || path.starts_with("[stack]")) continue;
    accounts[protection + (" " + path)] += static_cast<std::int64_t>(end - begin);
  }
  std::fclose(maps);
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++accounts["descriptors"];
  closedir(folder);
  return accounts;
}

/// What has increased.
[[nodiscard]] inline Accounts operator-(Accounts after, const Accounts& before) {
  for (const auto& [kind, count] : before) after[kind] -= count;
  std::erase_if(after, [](const auto& it) { return it.second == 0; });
  return after;
}

[[nodiscard]] inline Accounts operator+(Accounts one, const Accounts& other) {
  for (const auto& [kind, count] : other) one[kind] += count;
  return one;
}

/// The resources beyond the expected ones, in words; empty if there are none.
[[nodiscard]] inline std::string surplus(const Accounts& expected, const Accounts& left) {
  for (const auto& [kind, count] : left) {
    const std::int64_t usual = expected.contains(kind) ? expected.at(kind) : 0;
    if (count > usual)
      return std::to_string(count) + " instead of " + std::to_string(usual) + " of " + kind;
  }
  return "";
}

}  // namespace kmapper::injection
