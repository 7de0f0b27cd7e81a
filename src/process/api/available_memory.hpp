// How much more memory the process may take before the kernel ends a process to get some (the OOM
// killer): what the machine has left, and what each control group (cgroup) leaves that the process
// is in. Asking for memory does not tell: the kernel gives none of its errors, but kills.
#pragma once

#include <cstdint>
#include <string>

namespace kmapper::process {

/// In bytes; INT64_MAX where the system does not say. An estimate, and others may take it
/// meanwhile. Reads a few files of /proc and /sys, which takes some ten microseconds. Throws
/// std::bad_alloc.
[[nodiscard]] std::int64_t available_memory();

/// The same, of a system whose files lie in other folders, as a test's.
[[nodiscard]] std::int64_t available_memory(const std::string& proc, const std::string& cgroups);

}  // namespace kmapper::process
