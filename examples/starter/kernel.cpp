// A kernel's first lines with kmapper: each page of high memory gets an address for as long as the
// kernel needs one. The machine is examples/port, whose platform.hpp is what you write for yours:
// docs/PORTING.md. In the root of the repository:
//
//     mkdir -p build
//     examples/port/build.sh c++ -m32 build/starter.elf examples/starter/kernel.cpp
//     machine="-display none -serial stdio -device isa-debug-exit,iobase=0xf4"
//     qemu-system-i386 -kernel build/starter.elf $machine  # ends with 2 * code + 1: 1, of end(0)
#include "platform.hpp"

extern "C" [[noreturn]] void port_main() {
  using namespace port;
  highmem.open(16);  // once, at boot: 16 slots, for 4,096 pages
  for (std::size_t number = kFirstHighPage; number < kPages; ++number) {
    void* const address = highmem.kmap(&pages[number]);  // may sleep; try_kmap() does not
    *static_cast<volatile std::size_t*>(address) = number;
    highmem.kunmap(&pages[number]);  // the page may stay mapped, for the next kmap() of it
  }
  bool right = true;
  for (std::size_t number = kFirstHighPage; number < kPages; ++number) {
    void* const address = highmem.kmap(&pages[number]);
    right = right && *static_cast<volatile std::size_t*>(address) == number;
    highmem.kunmap(&pages[number]);
  }
  print(right ? "4,096 pages hold what was written\n" : "a page was mapped wrongly\n");
  end(right ? 0 : 1);
}
