// All arenas of the process, for what the operating system tells the process and not one window:
// a SIGBUS at an address of ours, and a fork.
#pragma once

namespace kmapper::process {

class Arena;

/// From now on a fault at one of its addresses is its own, and it hears of forks. Throws
/// std::system_error, std::bad_alloc.
void enlist(Arena& arena);
void delist(Arena& arena) noexcept;

}  // namespace kmapper::process
