// The screen of a PC in text mode: where the console is seen on a machine whose serial line goes
// nowhere. Only for a loader that says that there is one; see boot_info.hpp.
#pragma once

#include <cstddef>

#include "kernel/boot_info.hpp"

namespace kmapper::kernel {

/// From now on, screen_write() shows what it is given. Once, at boot, after paging_init().
void screen_init(const TextScreen& screen);

/// Shows the text below what is there, as the console's writers come one by one (ConsoleHeld).
/// Before screen_init() it does nothing. Any context.
void screen_write(const char* text, std::size_t size);

}  // namespace kmapper::kernel
