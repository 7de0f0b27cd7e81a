// The kernel boots to test whether the platform keeps its contracts. A port's own test program
// looks like this one.
#include "conformance/conformance.hpp"
#include "platform.hpp"

namespace port {
namespace {

struct Rig {
  using Platform = port::Platform;
  static constexpr bool kSurvivesFaults = false;  // this kernel has no fault handlers

  static Platform platform() { return {}; }
  static uint32_t pages() { return 40; }
  static Platform::Page page(uint32_t number) { return port::pages + kFirstHighPage + number; }
  static Platform::Page low_page() { return port::pages + 1; }
  static uint32_t slots() { return 32; }  // the window is not open yet: all are free
  static kmapper::SlotIndex slot(uint32_t number) { return kmapper::SlotIndex{number}; }
  static kmapper::conformance::Seen read(const void* address) {
    return {true, *static_cast<const volatile uint32_t*>(address)};
  }
  static void write(void* address, uint32_t value) {
    *static_cast<volatile uint32_t*>(address) = value;
  }
  static void print(const char* text) { port::print(text); }
  static bool spawn(kmapper::conformance::Function function, void* argument) {
    return start_thread(function, argument);
  }
  static void yield() { port::yield(); }
  static kmapper::Mapper<Platform>& mapper() {
    if (highmem.slot_count() == 0) highmem.open(16);
    return highmem;
  }
  static uint32_t vmap_pages() { return 8; }
  static kmapper::VmapPage vmap_page(uint32_t number) { return kmapper::VmapPage{number}; }
  static kmapper::VmapRange<Platform>& vmap_range() {
    if (port::vmap_range.usage().largest_run == 0) port::vmap_range.open(64);
    return port::vmap_range;
  }
};

}  // namespace

extern "C" [[noreturn]] void port_main() {
  Rig rig;
  const kmapper::conformance::Tally tally = kmapper::conformance::run(rig);
  print(tally.failed == 0 ? "PASS\n" : "FAIL\n");
  end(tally.failed == 0 ? 0 : 1);
}

}  // namespace port
