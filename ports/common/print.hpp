// Text for the console.
#pragma once

#include <stdint.h>

namespace port {

void print(const char* text);
void print(uint32_t number);
void print_hex(const char* what, uint32_t number);
template <class First, class Second, class... More>
void print(First first, Second second, More... more) {
  print(first);
  print(second, more...);
}

}  // namespace port
