// Prefetches that tell when they are done.
#include "kmapper/process/prefetch.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "fuse_server.hpp"
#include "in_a_child.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;
constexpr int kSkipped = 77;

class Prefetching : public testing::TestWithParam<Placement> {
 protected:
  static constexpr std::int64_t kSize = 500 * kGranule + 10;
  static constexpr std::int64_t kSlots = 60;  // of 64 granules, four are for spans
  ScratchFile file_{ScratchFile::on_disk, kSize};
  Budget budget_{{.bytes = 64 * kGranule, .granule = kGranule, .placement = GetParam()}};
  FileWindow window_{file_.descriptor(), Access::read_only, budget_};
};
INSTANTIATE_TEST_SUITE_P(Placements, Prefetching,
                         testing::Values(Placement::automatic, Placement::copies));

TEST_P(Prefetching, BringsARangeIntoTheWindow) {
  auto prefetch = start_prefetch(window_, 10 * kGranule + 7, 12 * kGranule);
  ASSERT_TRUE(prefetch) << prefetch.error().message();
  EXPECT_FALSE(prefetch->wait());
  EXPECT_TRUE(prefetch->is_done());
  EXPECT_EQ(prefetch->bytes(), 12 * kGranule);
  const Stats before = budget_.stats();
  EXPECT_EQ(before.misses, 13U);
  EXPECT_EQ(before.pinned, 0);
  if (before.populated >= 0) {
    EXPECT_GE(before.populated, 13 * kGranule);
  }
  for (std::int64_t i = 10; i < 23; ++i) {
    const auto mapping = window_.map(i * kGranule, kGranule);
    ASSERT_TRUE(mapping);
    EXPECT_TRUE(shows(mapping->bytes(), i * kGranule));
  }
  EXPECT_EQ(budget_.stats().misses, before.misses);
  EXPECT_EQ(budget_.stats().hits, before.hits + 13);
}

TEST_P(Prefetching, IsOfAQuarterOfTheBudgetAtMost) {
  auto prefetch = start_prefetch(window_, 0, kSize);
  ASSERT_TRUE(prefetch);
  EXPECT_FALSE(prefetch->wait());
  EXPECT_EQ(prefetch->bytes(), kSlots / 4 * kGranule);
  EXPECT_EQ(budget_.stats().misses, static_cast<std::uint64_t>(kSlots / 4));
}

TEST_P(Prefetching, OfTheFilesEnd) {
  auto prefetch = start_prefetch(window_, kSize - 15, 15);
  ASSERT_TRUE(prefetch);
  EXPECT_FALSE(prefetch->wait());
  EXPECT_EQ(prefetch->bytes(), 15);
}

TEST_P(Prefetching, TakesNothingFromThoseWhoHoldIt) {
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < kSlots - 3; ++i)
    held.push_back(std::move(*window_.map((100 + i) * kGranule, 1)));
  auto some = start_prefetch(window_, 0, 10 * kGranule);
  ASSERT_TRUE(some);
  EXPECT_FALSE(some->wait());
  EXPECT_EQ(some->bytes(), 3 * kGranule);
  for (std::int64_t i = 0; i < 3; ++i) {
    auto mapping = window_.try_map((300 + i) * kGranule, 1);
    ASSERT_TRUE(mapping);
    held.push_back(std::move(*mapping));
  }
  auto none = start_prefetch(window_, 0, 10 * kGranule);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->wait());
  EXPECT_EQ(none->bytes(), 0);
}

TEST_P(Prefetching, SaysWhatIsWrong) {
  EXPECT_EQ(start_prefetch(window_, kSize - 1, 2).error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(start_prefetch(window_, -1, 2).error().code(), WindowErrc::invalid_range);
  Prefetch nothing;
  EXPECT_TRUE(nothing.is_done());
  EXPECT_FALSE(nothing.wait());
  EXPECT_EQ(nothing.bytes(), 0);
}

TEST_P(Prefetching, EndsWithItsObject) {
  std::vector<std::thread> threads;
  for (std::int64_t number = 0; number < 3; ++number) {
    threads.emplace_back([this, number] {
      std::optional<Prefetch> kept;
      for (std::int64_t i = 0; i < 300; ++i) {
        auto prefetch =
            start_prefetch(window_, (i * 7 + number * 50) % 400 * kGranule, 20 * kGranule);
        ASSERT_TRUE(prefetch);
        if (i % 3 == 0) {
          ASSERT_FALSE(prefetch->wait());
        }
        if (i % 5 == 0) kept = std::move(*prefetch);
        const std::int64_t at = (i * 11) % 500 * kGranule;
        const auto mapping = window_.map(at, kGranule);
        ASSERT_TRUE(mapping);
        ASSERT_TRUE(shows(mapping->bytes(), at));
      }
    });
  }
  for (std::thread& it : threads) it.join();
  for (std::int64_t i = 0; i < 20; ++i) {  // nothing comes after its end
    { ASSERT_TRUE(start_prefetch(window_, i * 20 * kGranule, 15 * kGranule)); }
    const std::uint64_t misses = budget_.stats().misses;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ASSERT_EQ(budget_.stats().misses, misses);
    ASSERT_EQ(budget_.stats().pinned, 0);
  }
}

TEST_P(Prefetching, IsTheParentsAfterAFork) {
  std::optional<Prefetch> prefetch = std::move(*start_prefetch(window_, 0, kSize));
  ASSERT_FALSE(prefetch->wait());
  auto budget = std::make_optional<Budget>(Options{.bytes = 64 * kGranule, .granule = kGranule});
  auto window = std::make_optional<FileWindow>(file_.descriptor(), Access::read_only, *budget);
  std::optional<Prefetch> other = std::move(*start_prefetch(*window, 0, kSize));
  EXPECT_EQ(
      in_a_child_within(60,
                        [&] {
                          if (!other->is_done() || other->wait().code() != WindowErrc::forked)
                            return 1;
                          if (start_prefetch(*window, 0, 1).error().code() != WindowErrc::forked)
                            return 2;
                          other.reset();
                          window.reset();
                          budget.reset();
// A child of several threads cannot start one: ThreadSanitizer refuses it, and another
// thread may have held a lock of AddressSanitizer's allocator.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
                          return 0;
#endif
                          // The child may have prefetches of its own.
                          const Budget own({.bytes = 64 * kGranule, .granule = kGranule});
                          FileWindow mine(file_.descriptor(), Access::read_only, own);
                          auto again = start_prefetch(mine, 0, kGranule);
                          return again && !again->wait() && again->bytes() == kGranule ? 0 : 3;
                        }),
      0);
  EXPECT_FALSE(other->wait());
}

TEST_P(Prefetching, DoesNotHideADeadlock) {
#if !defined(__SANITIZE_THREAD__)  // it has a thread of its own
  EXPECT_EQ(in_a_child_within(60,
                              [&] {
                                const Budget budget({.bytes = 64 * kGranule, .granule = kGranule});
                                FileWindow window(file_.descriptor(), Access::read_only, budget);
                                auto prefetch = start_prefetch(window, 0, kGranule);
                                if (!prefetch || prefetch->wait()) return 1;
                                std::vector<Mapping> held;
                                for (std::int64_t i = 0; i < kSlots; ++i)
                                  held.push_back(std::move(*window.map(i * kGranule, 1)));
                                return window.map(100 * kGranule, 1).error().code() ==
                                               WindowErrc::would_deadlock
                                           ? 0
                                           : 2;
                              }),
            0);
#endif
}

TEST_P(Prefetching, RunsNoHandlersOfTheProgram) {
  EXPECT_EQ(in_a_child_within(60,
                              [&] {
                                sigset_t one;
                                sigemptyset(&one);
                                sigaddset(&one, SIGUSR1);
                                const Budget budget({.bytes = 64 * kGranule, .granule = kGranule});
                                FileWindow window(file_.descriptor(), Access::read_only, budget);
                                auto prefetch = start_prefetch(window, 0, kGranule);
                                if (!prefetch || prefetch->wait()) return 1;
                                pthread_sigmask(SIG_BLOCK, &one, nullptr);
                                kill(getpid(), SIGUSR1);  // ends the process if any thread takes it
                                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                                sigset_t pending;
                                sigpending(&pending);
                                return sigismember(&pending, SIGUSR1) == 1 ? 0 : 2;
                              }),
            0);
}

TEST_P(Prefetching, OfADiskThatCannotBeRead) {
  const int ended = in_a_child_within(60, [] {
    FuseServer server(64 * kGranule);
    if (!server.is_mounted()) return kSkipped;
    server.break_range(4 * kGranule, 5 * kGranule);
    const Budget budget({.bytes = 64 * kGranule, .granule = kGranule, .placement = GetParam()});
    FileWindow window(server.path(), Access::read_only, budget);
    auto prefetch = start_prefetch(window, 0, 10 * kGranule);
    if (!prefetch) return 1;
    const Error error = prefetch->wait();
    if (error.code() != std::errc::io_error) return 2;
    if (error.offset() != 4 * kGranule || error.length() != kGranule) return 3;
    if (prefetch->bytes() != 4 * kGranule) return 4;
    const auto good = window.map(3 * kGranule, kGranule);
    return good && shows(good->bytes(), 3 * kGranule) && !good->bad() ? 0 : 5;
  });
  if (ended == kSkipped) GTEST_SKIP() << "FUSE may not be used here";
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace kmapper::process
