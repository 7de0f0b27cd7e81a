// How much more memory the process may take before the kernel kills a process to get some (the OOM
// killer): what the machine has left, and what each control group (cgroup) of the process leaves.
// Simply allocating the memory would not tell: the kernel returns no error, but kills.
#pragma once

#include <cstdint>
#include <string>

namespace kmapper::process {

/// In bytes; INT64_MAX if the system does not say. An estimate; other processes may take the memory
/// meanwhile. Reads a few files of /proc and /sys, which takes some ten microseconds. Throws
/// std::bad_alloc.
[[nodiscard]] std::int64_t available_memory();

/// The same, with other folders in place of /proc and /sys/fs/cgroup, for tests.
[[nodiscard]] std::int64_t available_memory(const std::string& proc, const std::string& cgroups);

}  // namespace kmapper::process
