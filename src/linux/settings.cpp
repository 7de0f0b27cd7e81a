#include "linux/settings.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kmapper::linux_face {
namespace {

constexpr unsigned long kMostSkipped = 1'000'000;
constexpr unsigned long kUsuallySampled = 200;

/// 0: it is not a number from 1 to `most`.
unsigned long number(const char* text, unsigned long most) {
  if (*text < '0' || *text > '9') return 0;
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  return *end == '\0' && value <= most ? value : 0;
}

const char* variable(const char* name) {
  return std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
}

[[noreturn]] void refuse(const char* name, const char* text, const char* wanted) {
  std::fprintf(stderr, "kmapper: %s=%s is not %s\n", name, text, wanted);
  std::_Exit(2);
}

}  // namespace

unsigned long setting(const char* name, unsigned long usual, unsigned long most) {
  const char* const text = variable(name);
  if (text == nullptr) return usual;
  if (const unsigned long value = number(text, most); value != 0) return value;
  char wanted[64];
  std::snprintf(wanted, sizeof wanted, "a number from 1 to %lu", most);
  refuse(name, text, wanted);
}

unsigned long check_setting() {
  constexpr const char* kName = "KMAPPER_CHECK";
  constexpr const char kSampled[] = "sampled";
  constexpr std::size_t kLength = sizeof kSampled - 1;
  const char* const text = variable(kName);
  if (text == nullptr || std::strcmp(text, "full") == 0) return 1;
  if (std::strcmp(text, kSampled) == 0) return kUsuallySampled;
  if (std::strncmp(text, kSampled, kLength) == 0 && text[kLength] == ':') {
    if (const unsigned long value = number(text + kLength + 1, kMostSkipped); value != 0)
      return value;
  }
  refuse(kName, text, "full, sampled, or sampled:N with N from 1 to 1000000");
}

bool reports_leaks() {
  constexpr const char* kName = "KMAPPER_LEAKS";
  const char* const text = variable(kName);
  if (text == nullptr || std::strcmp(text, "0") == 0) return false;
  if (std::strcmp(text, "1") == 0) return true;
  refuse(kName, text, "0 or 1");
}

}  // namespace kmapper::linux_face
