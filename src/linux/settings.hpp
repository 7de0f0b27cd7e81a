// What the environment says of the machine. A wrong value ends the process with status 2.
#pragma once

#include <cstddef>

#include "kmapper/linux/mm_types.h"
#include "system/page_size.hpp"

namespace kmapper::linux_face {

/// Of each kind. A thread's view takes up twice as much: in 32 bits, there are some threads.
inline constexpr unsigned long kMostPages = sizeof(std::size_t) == 8 ? 1UL << 20 : 1UL << 16;

/// How many high pages there are, unless the environment says otherwise. On machines with larger
/// pages each takes up more addresses, of which a 32-bit process has few.
[[nodiscard]] inline unsigned long usual_high_pages() {
  constexpr unsigned long kUsual = 16'384;
  return sizeof(std::size_t) == 8 ? kUsual : kUsual * PAGE_SIZE / system::page_size();
}

/// A number from 1 to `most`; `usual`: the variable is not set.
[[nodiscard]] unsigned long setting(const char* name, unsigned long usual, unsigned long most);
/// KMAPPER_CHECK: one mapping in so many is checked.
[[nodiscard]] unsigned long check_setting();
/// KMAPPER_LEAKS.
[[nodiscard]] bool reports_leaks();

}  // namespace kmapper::linux_face
