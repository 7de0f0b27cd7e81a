// The screen of a PC in text mode: where the console is seen on a machine whose serial line goes
// nowhere. It is in use from the first line on, as the BIOS's data tell that there is one; when the
// loader's information is read, it may know better.
#pragma once

#include <cstddef>

#include "kernel/boot_info.hpp"

namespace kmapper::kernel {

/// From now on, screen_write() shows what it is given, if the BIOS has left a screen of 80 columns
/// in text mode. Once, at boot, first of all.
void screen_find();
/// Goes on there if that is what the loader says, or elsewhere, or nowhere. Once, at boot, after
/// paging_init().
void screen_init(const TextScreen& screen);
/// Nothing is shown any more: the console's own code has faulted.
void screen_give_up();

/// Shows the text below what is there, as the console's writers come one by one (ConsoleHeld). Any
/// context.
void screen_write(const char* text, std::size_t size);

}  // namespace kmapper::kernel
