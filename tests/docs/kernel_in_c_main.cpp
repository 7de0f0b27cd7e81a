// What the wrappers of docs/PORTING.md are booted with: kernel_in_c.c calls them.
#include "platform.hpp"

extern "C" bool fill_pages_in_c();
extern "C" port::Page* high_page(int number) { return port::pages + port::kFirstHighPage + number; }

extern "C" [[noreturn]] void port_main() {
  const bool right = fill_pages_in_c();
  port::print(right ? "PASS\n" : "FAIL: kmap or try_kmap in C\n");
  port::end(right ? 0 : 1);
}
