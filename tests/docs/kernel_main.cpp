// What the program of README.md for kernels is booted with: it fills more pages than the window has
// slots, and looks at every byte.
#include "kmapper/core/mapper.hpp"
#include "platform.hpp"
#include "program.hpp"

extern kmapper::Mapper<port::Platform> window;
void fill_page(port::Platform::Page page, int value);

namespace {

constexpr int kPages = 100;
constexpr int kSlots = 16;

port::Platform::Page page(int number) { return port::high_page(static_cast<uint32_t>(number)); }

bool is_filled(int number) {
  const auto* const bytes = static_cast<const unsigned char*>(window.kmap(page(number)));
  bool is = bytes != nullptr;
  for (size_t i = 0; is && i < port::Platform::kPageSize; ++i) is = bytes[i] == number;
  window.kunmap(page(number));
  return is;
}

}  // namespace

bool port::program() {
  window.open(kSlots);
  for (int i = 0; i < kPages; ++i) fill_page(page(i), i);
  bool all = true;
  for (int i = 0; i < kPages; ++i) all = is_filled(i) && all;
  return all;
}
