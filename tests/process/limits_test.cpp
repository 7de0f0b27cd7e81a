// What the system refuses: addresses, and mappings. Each in a process of its own.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>
#include <vector>

#include "kmapper/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;

template <class Function>
int in_a_child(Function function) {
  const pid_t child = fork();
  if (child == 0) _exit(function());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Makes mappings until the system refuses one, and returns whether it did.
bool use_all_mappings_up() {
  constexpr std::size_t kPages = 200'000;
  auto* const begin = static_cast<std::byte*>(
      mmap(nullptr, kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  for (std::size_t i = 1; i < kPages; i += 2) {
    if (mprotect(begin + i * kPage, kPage, PROT_READ) != 0) return errno == ENOMEM;
  }
  return false;
}

// The budget's slots each have a mapping of their own, and the process gets no other.
TEST(SystemLimits, IdleSlotsAreGivenBackWhereNoMoreMappingsAreAllowed) {
  const int ended = in_a_child([] {
    const ScratchFile file(2048 * kPage);
    const Budget budget({.bytes = 512 * kPage, .granule = kPage});
    FileWindow window(file.descriptor(), Access::read_only, budget);
    const Expected<Mapping> held = window.map(kPage, 1);
    for (std::int64_t i = 0; i < 300; ++i) {
      if (!window.map(2 * i * kPage, 1)) return 1;
    }
    if (!use_all_mappings_up()) return 2;
    for (std::int64_t i = 0; i < 1000; ++i) {
      const std::int64_t offset = (i * 7 % 2048) * kPage;
      const Expected<Mapping> mapping = window.map(offset, 1);
      if (!mapping || !shows(mapping->bytes(), offset)) return 3;
    }
    return shows(held->bytes(), kPage) ? 0 : 4;
  });
  EXPECT_EQ(ended, 0);
}

TEST(SystemLimits, ABudgetThatGetsNoAddressesThrows) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs addresses of its own";
#endif
  const int ended = in_a_child([] {
    const rlimit limit{.rlim_cur = rlim_t{256} << 20, .rlim_max = rlim_t{256} << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
    try {
      const Budget budget({.bytes = std::int64_t{512} << 20});
    } catch (const std::system_error& error) {
      return error.code() == std::errc::not_enough_memory ? 0 : 2;
    }
    return 3;
  });
  EXPECT_EQ(ended, 0);
}

TEST(SystemLimits, AFileThatGetsNoAddressesAtHomeIsMappedInSlots) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs addresses of its own";
#endif
  const int ended = in_a_child([] {
    const ScratchFile file(100 * kPage);
    const rlimit limit{.rlim_cur = rlim_t{512} << 20, .rlim_max = rlim_t{512} << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
    FileWindow window(file.descriptor(), Access::read_write,
                      Budget({.bytes = 64 * kPage, .granule = kPage}));
    const Expected<Mapping> mapping = window.map(50 * kPage, 100);
    return mapping && shows(mapping->bytes(), 50 * kPage) ? 0 : 2;
  });
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace kmapper::process
