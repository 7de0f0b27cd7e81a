// operator new, as the library calls it. libstdc++ allocates much for the library, so a call counts
// as the library's if any of its return addresses lies in the library.
#include <execinfo.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>

#include "injection.h"

namespace {

void* allocate(std::size_t size) {
  std::array<void*, 8> callers{};
  thread_local bool looking = false;  // backtrace() allocates in its first call
  if (!looking) {
    looking = true;
    const int count = backtrace(callers.data(), static_cast<int>(callers.size()));
    looking = false;
    for (int i = 2; i < count; ++i) {
      if (injection_is_library(callers[static_cast<std::size_t>(i)]) == 0) continue;
      if (injection_error(CALL_NEW, callers[static_cast<std::size_t>(i)]) != 0) return nullptr;
      break;
    }
  }
  return std::malloc(size != 0 ? size : 1);
}

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
// Not inlined: g++ would warn about free().
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
