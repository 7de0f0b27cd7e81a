// A kernel's first lines with kmapper: each page of high memory gets an address for as long as the
// kernel needs one. The machine is ports/i386, and ports/common/platform.hpp is what you write for
// yours: docs/PORTING.md. In the root of the repository:
//
//     ports/run.sh i386 examples/starter/kernel.cpp --memory 300M  # builds and boots it
#include "platform.hpp"
#include "program.hpp"

bool port::program() {
  highmem.open(16);  // once, at boot: 16 slots, for thousands of pages
  for (uint32_t number = 0; number < high_page_count(); ++number) {
    void* const address = highmem.kmap(high_page(number));  // may sleep; try_kmap() does not
    *static_cast<volatile uint32_t*>(address) = number;
    highmem.kunmap(high_page(number));  // the page may stay mapped, for the next kmap() of it
  }
  bool right = true;
  for (uint32_t number = 0; number < high_page_count(); ++number) {
    void* const address = highmem.kmap(high_page(number));
    right = right && *static_cast<volatile uint32_t*>(address) == number;
    highmem.kunmap(high_page(number));
  }
  print(right ? "all high pages hold what was written\n" : "a page was mapped wrongly\n");
  return right;
}
