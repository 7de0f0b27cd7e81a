// What the program of README.md for kernels is booted with: it fills more pages than the window has
// slots, and looks at every byte.
#include <cstdint>

#include "kmapper/core/mapper.hpp"
#include "platform.hpp"

extern kmapper::Mapper<port::Platform> window;
void fill_page(port::Platform::Page page, int value);

namespace {

constexpr int kPages = 100;
constexpr int kSlots = 16;

port::Platform::Page page(int number) { return port::pages + port::kFirstHighPage + number; }

bool is_filled(int number) {
  const auto* const bytes = static_cast<const unsigned char*>(window.kmap(page(number)));
  bool is = bytes != nullptr;
  for (std::size_t i = 0; is && i < port::Platform::kPageSize; ++i) is = bytes[i] == number;
  window.kunmap(page(number));
  return is;
}

}  // namespace

extern "C" [[noreturn]] void port_main() {
  window.open(kSlots);
  for (int i = 0; i < kPages; ++i) fill_page(page(i), i);
  bool all = true;
  for (int i = 0; i < kPages; ++i) all = is_filled(i) && all;
  port::print(all ? "PASS\n" : "FAIL: a page has other bytes\n");
  port::end(all ? 0 : 1);
}
