// A plugin that contains the static library, for unload_test.cpp.
#include <sys/mman.h>
#include <unistd.h>

#include <exception>

#include "kmapper/process/process.hpp"

/// Makes a budget and a window, and destroys them. 0: all went well.
extern "C" __attribute__((visibility("default"))) int use_kmapper() {
  using namespace kmapper::process;  // NOLINT(google-build-using-namespace)
  const int file = memfd_create("plugin", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, 1 << 20) != 0) return 1;
  try {
    FileWindow window(file, Access::read_only, Budget({.bytes = 1 << 20}));
    close(file);
    return window.map(0, 1) ? 0 : 2;
  } catch (const std::exception&) {
    return 3;
  }
}
