// A process whose files may not be longer than a limit (RLIMIT_FSIZE, `ulimit -f`): a call that
// would make one longer returns an error, and there is no signal.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <system_error>

#include "in_a_child.hpp"
#include "kmapper/linux/highmem.h"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/named_pages.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"
#include "start_anew.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kLimit = 1 << 20;

bool set_limit(std::int64_t bytes) {
  const rlimit limit{static_cast<rlim_t>(bytes), static_cast<rlim_t>(bytes)};
  return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

/// The result of run(budget) in a process with the limit, where SIGXFSZ ends the process, as is its
/// default.
template <class Run>
int within_limit(Run run) {
  return in_a_child([&] {
    if (signal(SIGXFSZ, SIG_DFL) == SIG_ERR || !set_limit(kLimit)) return 99;
    return run(Budget({.bytes = 32 * kPage, .granule = kPage}));
  });
}

bool is_pending() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGXFSZ) == 1;
}

int resize_beyond(const ScratchFile& file, const Budget& budget) {
  FileWindow window(file.descriptor(), Access::read_write, budget);
  const Error error = window.resize(kLimit + 1);
  if (error.code() != std::errc::file_too_large) return 1;
  return !window.resize(kLimit) && window.size() == kLimit ? 0 : 2;
}

class SizeLimit : public testing::TestWithParam<ScratchFile::Kind> {
 protected:
  const ScratchFile file_{GetParam(), kPage};
};
INSTANTIATE_TEST_SUITE_P(Files, SizeLimit,
                         testing::Values(ScratchFile::on_disk, ScratchFile::in_memory));

TEST_P(SizeLimit, AResizeBeyondItIsAnError) {
  EXPECT_EQ(within_limit([this](const Budget& budget) { return resize_beyond(file_, budget); }), 0);
}

TEST_P(SizeLimit, AProgramsHandlerHearsNothingOfIt) {
  EXPECT_EQ(within_limit([this](const Budget& budget) {
              static volatile std::sig_atomic_t heard = 0;
              signal(SIGXFSZ, [](int) { heard = 1; });
              const int ended = resize_beyond(file_, budget);
              return heard != 0 ? 3 : ended;
            }),
            0);
}

TEST_P(SizeLimit, ASignalThatAProgramHoldsBackIsStillThere) {
  EXPECT_EQ(within_limit([this](const Budget& budget) {
              sigset_t own;
              sigemptyset(&own);
              sigaddset(&own, SIGXFSZ);
              pthread_sigmask(SIG_BLOCK, &own, nullptr);
              if (const int ended = resize_beyond(file_, budget); ended != 0) return ended;
              if (is_pending()) return 3;
              raise(SIGXFSZ);
              if (const int ended = resize_beyond(file_, budget); ended != 0) return ended;
              return is_pending() ? 0 : 4;
            }),
            0);
}

TEST(SizeLimitOfHighMemory, IsAnErrorOfAllocate) {
  EXPECT_EQ(within_limit([](const Budget& budget) {
              HighMemory memory(budget);
              for (std::int64_t pages = 0; pages <= kLimit / kPage; ++pages) {
                const Expected<HighPage> page = memory.allocate();
                if (page) continue;
                if (page.error().code() != std::errc::file_too_large) return 1;
                return memory.allocated() == pages ? 0 : 2;
              }
              return 3;
            }),
            0);
}

/// The limit has come down since the file was opened.
TEST(SizeLimitOfNamedPages, IsAnErrorOfName) {
  const ScratchFile file(ScratchFile::on_disk, 0);
  EXPECT_EQ(within_limit([&](const Budget& budget) {
              NamedPages pages(file.path(), budget);
              const HighPage page = *pages.allocate();
              if (pages.name("first", std::span(&page, 1))) return 1;
              if (!set_limit(kPage)) return 99;
              const Error error = pages.name("second", std::span(&page, 1));
              if (error.code() != std::errc::file_too_large) return 2;
              return pages.find("first") && !pages.find("second") ? 0 : 3;
            }),
            0);
}

TEST(SizeLimitOfNamedPages, IsAnErrorOfANewFile) {
  const ScratchFile file(ScratchFile::on_disk, 0);
  EXPECT_EQ(within_limit([&](const Budget& budget) {
              if (!set_limit(0)) return 99;
              try {
                const NamedPages pages(file.path(), budget);
              } catch (const std::system_error& error) {
                return error.code() == std::errc::file_too_large ? 0 : 1;
              }
              return 2;
            }),
            0);
}

TEST(SizeLimitOfKernelPages, IsNamed) {
  start_death_tests_anew();
  const auto allocate_in_limit = [] {
    if (!set_limit(kLimit)) std::exit(0);
    std::exit(alloc_page(GFP_HIGHUSER) != nullptr ? 0 : 1);
  };
  EXPECT_EXIT(
      allocate_in_limit(), [](int status) { return status != 0; },
      "kmapper: a memory file .*: File too large");
}

}  // namespace
}  // namespace kmapper::process
