#include "process/api/available_memory.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

namespace kmapper::process {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// Calls line(text) for each line of a file, without its line end; for none if there is no file.
template <class Line>
void for_each_line(const std::string& path, Line line) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  char text[512];
  while (file != nullptr && std::fgets(text, sizeof text, file.get()) != nullptr) {
    text[std::strcspn(text, "\n")] = '\0';
    line(text);
  }
}

/// The number that a file gives for that name ("name 12"); or, without a name, its only number.
std::int64_t number_in(const std::string& path, const std::string& name = "") {
  std::int64_t number = kUnknown;
  for_each_line(path, [&](const char* text) {
    long long found = 0;
    if (std::strncmp(text, name.c_str(), name.size()) == 0 &&
        std::sscanf(text + name.size(), " %lld", &found) == 1) {
      number = found;
    }
  });
  return number;
}

/// The sum; an unknown `b` counts as 0.
std::int64_t sum(std::int64_t a, std::int64_t b) {
  return b == kUnknown ? a : a + std::min(b, kUnknown - a);
}

/// The names of control groups' files, which differ between the two versions.
struct Names {
  const char* limit;
  const char* usage;
  const char* inactive;  // cached file pages, which can be given up
  const char* active;
};
constexpr Names kFirst{"/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file ",
                       "total_active_file "};
constexpr Names kSecond{"/memory.max", "/memory.current", "inactive_file ", "active_file "};

/// What one control group leaves.
std::int64_t left_in(const std::string& folder, const Names& names) {
  const std::int64_t limit = number_in(folder + names.limit);
  const std::int64_t usage = number_in(folder + names.usage);
  if (limit == kUnknown || usage == kUnknown) return kUnknown;
  std::int64_t left = limit - usage;
  for (const char* const name : {names.inactive, names.active}) {
    const std::int64_t cached = number_in(folder + "/memory.stat", name);
    if (cached != kUnknown) left = sum(left, cached);
  }
  return std::max<std::int64_t>(left, 0);
}

/// The least that the group at that path, and each group around it, leaves. In a container the path
/// may be one of the machine's, which does not exist there. Then the topmost folder is the
/// container's own group.
std::int64_t left_in_all(const std::string& root, std::string path, const Names& names) {
  std::int64_t left = kUnknown;
  for (;;) {
    left = std::min(left, left_in(root + path, names));
    const std::size_t slash = path.find_last_of('/');
    if (path.empty() || slash == std::string::npos) return left;
    path.resize(slash);
  }
}

}  // namespace

std::int64_t available_memory(const std::string& proc, const std::string& cgroups) {
  std::int64_t left = number_in(proc + "/meminfo", "MemAvailable:");
  if (left != kUnknown) {
    constexpr std::int64_t kKiB = 1024;
    left = sum(left, number_in(proc + "/meminfo", "SwapFree:")) * kKiB;
  }
  for_each_line(proc + "/self/cgroup", [&](const char* text) {
    // hierarchy:controllers:path. The second version has hierarchy 0, and names no controllers.
    const std::string line(text);
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) return;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      left = std::min(left, left_in_all(cgroups, path, kSecond));
    } else if (controllers.find(",memory,") != std::string::npos) {
      left = std::min(left, left_in_all(cgroups + "/memory", path, kFirst));
    }
  });
  return left;
}

std::int64_t available_memory() { return available_memory("/proc", "/sys/fs/cgroup"); }

}  // namespace kmapper::process
