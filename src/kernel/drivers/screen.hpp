// The screen of a PC in text mode: it shows the console on a machine whose serial line is not
// connected. If the BIOS's data name such a screen, it is used from the first line on. The loader's
// information is read later; where it says otherwise, it is believed.
#pragma once

#include <cstddef>

#include "kernel/boot_info.hpp"

namespace kmapper::kernel {

/// If the BIOS has left a screen of 80 columns in text mode, screen_write() shows its text from now
/// on. Once, at boot, before all else.
void screen_find();
/// Continues on the screen that the loader names, or on none if the loader says so. Once, at boot,
/// after paging_init().
void screen_init(const TextScreen& screen);
/// Turns the screen off: the console's own code has faulted.
void screen_give_up();

/// Shows the text below the text that is there. The callers take turns (ConsoleHeld). Any context.
void screen_write(const char* text, std::size_t size);

}  // namespace kmapper::kernel
