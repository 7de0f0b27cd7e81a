// The suite of tests/conformance on this machine.
#include "conformance/conformance.hpp"

#include "platform.hpp"
#include "program.hpp"

namespace port {
namespace {

struct Rig {
  using Platform = port::Platform;
  static constexpr bool kSurvivesFaults = machine::kSurvivesFaults;

  static Platform platform() { return {}; }
  static uint32_t pages() { return 40; }
  static Page* page(uint32_t number) { return high_page(number); }
  static Page* low_page() { return port::pages + kFirstHighPage - 1; }
  static uint32_t slots() { return 32; }  // the window is not open yet: all are free
  static kmapper::SlotIndex slot(uint32_t number) { return kmapper::SlotIndex{number}; }
  static kmapper::conformance::Seen read(const void* address) {
    uint32_t value = 0;
    const bool mapped = machine::probe(address, value);
    return {mapped, value};
  }
  static void write(void* address, uint32_t value) {
    *static_cast<volatile uint32_t*>(address) = value;
  }
  static void print(const char* text) { port::print(text); }
  static bool spawn(kmapper::conformance::Function function, void* argument) {
    return start_thread(function, argument);
  }
  static void yield() { port::yield(); }
  static bool run_on(uint32_t cpu, kmapper::conformance::Function function, void* argument) {
    return port::run_on(cpu, function, argument);
  }
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

bool program() {
  Rig rig;
  return kmapper::conformance::run(rig).failed == 0;
}

}  // namespace port
