// Keeps this code in memory although somebody closes the library that it is in.
#pragma once

namespace kmapper::system {

/// From now on dlclose() leaves the code where it is: a signal's handler cannot be taken back, for
/// others may have put theirs in front of it; and threads call it when they end. The shared library
/// says the same to the linker; this is for a plugin that has the static one in it. False: the
/// loader does not do it.
[[nodiscard]] bool stay_loaded() noexcept;

}  // namespace kmapper::system
