// How much of its address space this process uses.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace kmapper::process {

/// The mapped addresses, in bytes; 0: the kernel does not say.
[[nodiscard]] inline std::int64_t address_bytes() {
  long pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld", &pages) != 1) pages = 0;
  std::fclose(file);
  return std::int64_t{pages} * sysconf(_SC_PAGESIZE);
}

}  // namespace kmapper::process
