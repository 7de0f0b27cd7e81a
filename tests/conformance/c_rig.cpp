// The conformance suite for a kernel in C: compile it in place of kmapper/kernel.cpp. The platform
// of that file is in an unnamed namespace, so the suite is in the same file and the same namespace.
// c_rig.h says what the kernel has to have.
#include "kmapper/kernel.cpp"

#include "conformance/c_rig.h"

namespace {

#include "conformance/conformance.hpp"

namespace here {

/// Has the members for which the kernel has a function: the suite looks for them (rig.hpp).
class Rig {
 public:
  using Platform = here::Platform;
  using Function = kmapper::conformance::Function;

  static Platform platform() { return {}; }
  static uint32_t pages() { return kmapper_rig_pages(); }
  static kmapper_page page(uint32_t number) { return kmapper_rig_page(number); }
  static uint32_t slots() { return kmapper_rig_slots(); }
  static SlotIndex slot(uint32_t number) { return SlotIndex{number}; }
  static void write(void* address, uint32_t value) {
    *static_cast<volatile uint32_t*>(address) = value;
  }
  static void print(const char* text) { kmapper_rig_print(text); }
  static kmapper::Mapper<Platform>& mapper() { return window(); }

#ifdef KMAPPER_RIG_READ
  static constexpr bool kSurvivesFaults = true;
  static kmapper::conformance::Seen read(const void* address) {
    uint32_t value = 0;
    const bool mapped = kmapper_rig_read(address, &value);
    return {mapped, value};
  }
#else
  static constexpr bool kSurvivesFaults = false;
  static kmapper::conformance::Seen read(const void* address) {
    return {true, *static_cast<const volatile uint32_t*>(address)};
  }
#endif
#ifdef KMAPPER_RIG_LOW_PAGE
  static kmapper_page low_page() { return kmapper_rig_low_page(); }
#endif
#ifdef KMAPPER_RIG_SPAWN
  static bool spawn(Function function, void* argument) {
    return kmapper_rig_spawn(function, argument);
  }
  static void yield() { kmapper_rig_yield(); }
#endif
#ifdef KMAPPER_RIG_RUN_ON
  static bool run_on(uint32_t cpu, Function function, void* argument) {
    return kmapper_rig_run_on(cpu, function, argument);
  }
#endif
#ifdef KMAPPER_RIG_INTERRUPT
  static void interrupt(Function function, void* argument) {
    kmapper_rig_interrupt(function, argument);
  }
#endif
#ifdef KMAPPER_MAX_VMAP_PAGES
  // As with slots, the suite writes the PTEs of the first ones before it uses the range.
  static uint32_t vmap_pages() { return 8; }
  static kmapper::VmapPage vmap_page(uint32_t number) { return kmapper::VmapPage{number}; }
  static auto& vmap_range() { return range; }
#endif
};

}  // namespace here
}  // namespace

int kmapper_run_conformance() {
  here::Rig rig;
  return static_cast<int>(kmapper::conformance::run(rig).failed);
}
