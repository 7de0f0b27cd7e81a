// All arenas of the process, for what the operating system tells the process and not one window:
// a SIGBUS at an address of ours, and a fork.
#pragma once

namespace kmapper::process {

class Arena;

/// From now on a fault at one of its addresses is its own, and it hears of forks. Throws
/// std::system_error, std::bad_alloc.
void enlist(Arena& arena);
/// When this returns, no signal handler knows of the arena.
void delist(Arena& arena) noexcept;
/// When this returns, every handler that may have found something before it was taken away from an
/// arena has returned. It may be freed then.
void wait_for_handlers() noexcept;

}  // namespace kmapper::process
