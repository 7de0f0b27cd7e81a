// All arenas of the process, for events that concern the process and not one window: a SIGBUS at an
// address of an arena, and a fork.
#pragma once

namespace kmapper::process {

class Arena;

/// From now on the arena handles the faults at its addresses, and is told of forks. Throws
/// std::system_error, std::bad_alloc.
void enlist(Arena& arena);
/// When this returns, no signal handler can find the arena.
void delist(Arena& arena) noexcept;
/// When this returns, every handler that may have found an object before it was removed from an
/// arena has returned. Then the object may be freed.
void wait_for_handlers() noexcept;

}  // namespace kmapper::process
