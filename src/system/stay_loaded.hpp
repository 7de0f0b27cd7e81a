// Keeps this code in memory when the program closes the library that contains it.
#pragma once

namespace kmapper::system {

/// From now on dlclose() leaves the code in memory. It must stay there: a signal handler cannot be
/// removed, because other handlers may be in front of it, and ending threads call it. The shared
/// library is linked with an option to the same effect; this function is for a plugin that contains
/// the static library. False: the loader does not support it.
[[nodiscard]] bool stay_loaded() noexcept;

}  // namespace kmapper::system
