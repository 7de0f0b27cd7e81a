// A library or a plugin that contains the library's handlers, and is closed by dlclose().
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "in_a_child.hpp"
#include "kmapper/kmapper.h"

namespace kmapper::process {
namespace {

constexpr int kHandled = 42;

void end_process(int /*number*/) { _exit(kHandled); }

/// A SIGBUS that only the system handles.
void touch_what_no_file_has() {
  const int file = memfd_create("empty", MFD_CLOEXEC);
  void* const page = mmap(nullptr, 1, PROT_READ, MAP_SHARED, file, 0);
  (void)*static_cast<volatile char*>(page);
}

int use_plugin(void* library) {
  auto* const use = reinterpret_cast<int (*)()>(dlsym(library, "use_kmapper"));
  return use != nullptr ? use() : 10;
}

int use_shared_library(void* library) {
  auto* const create =
      reinterpret_cast<decltype(&kmapper_budget_create)>(dlsym(library, "kmapper_budget_create"));
  auto* const destroy =
      reinterpret_cast<decltype(&kmapper_budget_destroy)>(dlsym(library, "kmapper_budget_destroy"));
  kmapper_budget* budget = nullptr;
  if (create == nullptr || destroy == nullptr || create(nullptr, &budget) != KMAPPER_OK) return 10;
  destroy(budget);
  return 0;
}

/// What happens to a process that has used the library, closed it, and then forks and faults.
int use_close_and_fault(const char* path, int (*use)(void*)) {
  return in_a_child_within(60, [&] {
    std::signal(SIGBUS, end_process);
    void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return 1;
    int used = 0;
    // In a thread that ends: its destructors for the end of a thread keep a library loaded, too.
    std::thread([&] { used = use(library); }).join();
    if (used != 0 || dlclose(library) != 0) return 2 + used;
    if (in_a_child([] { return 0; }) != 0) return 20;
    touch_what_no_file_has();
    return 21;
  });
}

TEST(Unload, TheSharedLibrarysHandlerStays) {
  EXPECT_EQ(use_close_and_fault(KMAPPER_SHARED_LIBRARY, use_shared_library), kHandled);
}

TEST(Unload, APluginWithTheStaticLibraryStays) {
  EXPECT_EQ(use_close_and_fault(KMAPPER_PLUGIN, use_plugin), kHandled);
}

// A library that was never used may be unloaded.
TEST(Unload, APluginThatHasUsedNothingMayGo) {
  void* const library = dlopen(KMAPPER_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr);
  EXPECT_EQ(dlclose(library), 0);
  EXPECT_EQ(in_a_child([] { return 0; }), 0);
}

}  // namespace
}  // namespace kmapper::process
