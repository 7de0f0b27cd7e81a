#include "system/stay_loaded.hpp"

#include <dlfcn.h>

#ifdef __GLIBC__

#include <link.h>

namespace kmapper::system {
namespace {

/// The loader's name for the object of this code; "" for the program itself; null: unknown.
const char* own_name() {
  Dl_info info{};
  void* object = nullptr;
  const void* const code = reinterpret_cast<const void*>(&own_name);
  if (dladdr1(code, &info, &object, RTLD_DL_LINKMAP) == 0 || object == nullptr) return nullptr;
  return static_cast<const link_map*>(object)->l_name;
}

}  // namespace

// Not by calling dlopen(): the linker would warn for a static program, which cannot be closed
// anyway.
bool stay_loaded() noexcept {
  const char* const name = own_name();
  if (name == nullptr || *name == '\0') return true;
  auto* const open = reinterpret_cast<decltype(&dlopen)>(dlsym(RTLD_DEFAULT, "dlopen"));
  return open != nullptr && open(name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
}

}  // namespace kmapper::system

#else

// The other C libraries for Linux never unload anything.
bool kmapper::system::stay_loaded() noexcept { return true; }

#endif
