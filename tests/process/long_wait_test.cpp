// Calls that sleep long: they are reported once, with the mappings in their way. If no thread is
// left to release anything, they fail.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/kmapper.h"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kGranule = 65536;
constexpr std::int64_t kSlots = 14;  // and two granules for spans
constexpr int kSkipped = 77;

Options small(OnLongWait on_long_wait = OnLongWait::report) {
  return {.bytes = 16 * kGranule, .granule = kGranule, .on_long_wait = on_long_wait};
}

/// As the kernel counts them; 0: it does not say, or an emulator answers in its place.
int threads_of_process() {
  std::ifstream stat("/proc/self/stat");
  const std::string all((std::istreambuf_iterator<char>(stat)), {});
  std::size_t at = all.rfind(')');
  for (int field = 2; at != std::string::npos && field < 20; ++field) at = all.find(' ', at + 1);
  return at != std::string::npos ? std::atoi(all.c_str() + at) : 0;
}

/// Whether the library can see that the process has so many threads: a sanitizer has a thread of
/// its own, and an emulator may have one.
bool sees_threads(int threads) { return threads_of_process() == threads; }

std::vector<Mapping> hold_all(FileWindow& window) {
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < kSlots; ++i) held.push_back(std::move(*window.map(i * kGranule, 1)));
  return held;
}

/// Captures what is written to standard error.
class StandardError {
 public:
  StandardError() : saved_(dup(2)), file_(memfd_create("standard error", 0)) { dup2(file_, 2); }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;
  ~StandardError() {
    dup2(saved_, 2);
    close(saved_);
    close(file_);
  }
  [[nodiscard]] std::string text() const {
    std::string text(65536, '\0');
    const ssize_t got = pread(file_, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  /// Waits a few seconds for a line that contains `part`.
  [[nodiscard]] bool comes_to_say(const std::string& part) const {
    for (int i = 0; i < 1000; ++i) {
      if (text().find(part) != std::string::npos) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

 private:
  const int saved_;
  const int file_;
};

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

// alarm() ends a child that hangs, which fails the test.
TEST(LongWait, TheOnlyThreadThatHoldsAllSpansIsToldSoAtOnce) {
  const int ended = in_a_child([] {
    alarm(20);
    if (!sees_threads(1)) return kSkipped;
    const ScratchFile file(32 * kGranule);
    FileWindow window(file.descriptor(), Access::read_only, Budget(small()));
    const auto held = window.map(kGranule - 1, 2);
    if (!held) return 1;
    const auto second = window.map(3 * kGranule - 1, 2);
    if (second.error().code() != WindowErrc::would_deadlock) return 2;
    if (second.error().code() != std::errc::resource_deadlock_would_occur) return 3;
    // A call with a limit ends, and says why.
    if (window.map_for(3 * kGranule - 1, 2, 1ms).error().code() != WindowErrc::timed_out) return 4;
    if (window.try_map(3 * kGranule - 1, 2).error().code() != WindowErrc::would_sleep) return 5;
    return 0;
  });
  if (ended == kSkipped) GTEST_SKIP() << "an emulator or a sanitizer has threads in the process";
  EXPECT_EQ(ended, 0);
}

TEST(LongWait, TheOnlyThreadThatHoldsAllGranulesIsToldSoAtOnce) {
  const int ended = in_a_child([] {
    alarm(20);
    if (!sees_threads(1)) return kSkipped;
    const ScratchFile file(32 * kGranule);
    const Budget budget(small());
    FileWindow window(file.descriptor(), Access::read_only, budget);
    std::vector<Mapping> held = hold_all(window);
    if (window.map(20 * kGranule, 1).error().code() != WindowErrc::would_deadlock) return 1;
    Range ranges[] = {{&window, 20 * kGranule, 1}, {&window, 21 * kGranule, 1}};
    if (map_all(budget, ranges).code() != WindowErrc::would_deadlock) return 2;
    if (reserve(budget, 1).error().code() != WindowErrc::would_deadlock) return 3;
    if (window.map_for(20 * kGranule, 1, 1ms).error().code() != WindowErrc::timed_out) return 4;
    held.pop_back();
    return window.map(20 * kGranule, 1) ? 0 : 5;
  });
  if (ended == kSkipped) GTEST_SKIP() << "an emulator or a sanitizer has threads in the process";
  EXPECT_EQ(ended, 0);
}

TEST(LongWait, OfThreadsThatAllWaitOneIsToldSo) {
  const int ended = in_a_child([] {
    alarm(20);
    const ScratchFile file(32 * kGranule);
    FileWindow window(file.descriptor(), Access::read_only, Budget(small(OnLongWait::quiet)));
    std::vector<Mapping> held = hold_all(window);
    auto span = window.map(kGranule - 1, 2);
    std::atomic<int> deadlocks{0};
    std::atomic<bool> skipped{false};
    {
      std::jthread other([&] {
        if (!sees_threads(2)) {
          skipped = true;
        } else if (!window.map(20 * kGranule, 1)) {
          ++deadlocks;
          span = Error();  // for the first thread
        }
      });
      while (!skipped && threads_of_process() != 2) std::this_thread::yield();
      if (!skipped) {
        const auto mapping = window.map(3 * kGranule - 1, 2);
        if (mapping.error().code() == WindowErrc::would_deadlock) {
          ++deadlocks;
          held.clear();  // for the second
        }
      } else {
        held.clear();
      }
    }
    if (skipped) return kSkipped;
    return deadlocks >= 1 ? 0 : 1;
  });
  if (ended == kSkipped) GTEST_SKIP() << "an emulator or a sanitizer has threads in the process";
  EXPECT_EQ(ended, 0);
}

/// One thread waits for more than a second; another releases once the report has come.
template <class Hold>
std::string report_of(const Options& options, std::int64_t offset, std::int64_t length, Hold hold) {
  const StandardError standard_error;
  const ScratchFile file(32 * kGranule);
  FileWindow window(file.descriptor(), Access::read_only, Budget(options));
  auto held = hold(window);
  std::jthread waiter([&] { EXPECT_TRUE(window.map(offset, length)); });
  EXPECT_TRUE(standard_error.comes_to_say("has slept for"));
  held.clear();
  waiter.join();
  return standard_error.text();
}

TEST(LongWait, ForAGranuleIsReportedOnceWithTheHolders) {
  const std::string text = report_of(small(), 20 * kGranule + 5, 7, hold_all);
  EXPECT_EQ(count(text, "has slept for"), 1) << text;
  EXPECT_NE(text.find("needs 1 of the 14 granules of the budget"), std::string::npos) << text;
  EXPECT_EQ(count(text, "taken by thread " + std::to_string(gettid()) + " at least"), 14) << text;
  EXPECT_NE(text.find("descriptor "), std::string::npos) << text;
}

TEST(LongWait, ForASpanIsReportedOnceWithTheHolders) {
  const std::string text = report_of(small(), 5 * kGranule - 1, 2, [](FileWindow& window) {
    std::vector<Mapping> held;
    held.push_back(std::move(*window.map(kGranule - 1, 2)));
    return held;
  });
  EXPECT_EQ(count(text, "has slept for"), 1) << text;
  EXPECT_NE(text.find("needs 2 granules in a row; of the 2 that are kept"), std::string::npos)
      << text;
  EXPECT_EQ(count(text, " at 65535, 2 bytes; taken by thread " + std::to_string(gettid())), 1)
      << text;
}

TEST(LongWait, IsAnErrorOrQuietWhereTheBudgetSaysSo) {
  const StandardError standard_error;
  const ScratchFile file(32 * kGranule);
  for (const OnLongWait what : {OnLongWait::quiet, OnLongWait::error}) {
    FileWindow window(file.descriptor(), Access::read_only, Budget(small(what)));
    std::vector<Mapping> held = hold_all(window);
    auto span = window.map(kGranule - 1, 2);
    std::atomic<int> ended{0};
    std::vector<std::jthread> waiters;
    for (const std::int64_t length : {1, 2}) {
      waiters.emplace_back([&, length] {
        const auto mapping = window.map(20 * kGranule - 1, length);
        EXPECT_EQ(mapping.error().code(), what == OnLongWait::error
                                              ? make_error_code(WindowErrc::timed_out)
                                              : std::error_code());
        ++ended;
      });
    }
    if (what == OnLongWait::quiet) std::this_thread::sleep_for(1100ms);
    while (what == OnLongWait::error && ended != 2) std::this_thread::yield();
    held.clear();
    span = Error();
  }
  EXPECT_EQ(standard_error.text(), "");
}

TEST(LongWait, StatisticsTellOfTheSpans) {
  const ScratchFile file(32 * kGranule);
  const Budget budget({.bytes = 32 * kGranule, .granule = kGranule, .span_bytes = 5 * kGranule});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const auto first = window.map(kGranule - 1, 2);
  auto second = window.map(3 * kGranule - 1, 2);
  const auto third = window.map(5 * kGranule - 1, 2);
  second = Error();
  Stats stats = budget.stats();
  EXPECT_EQ(stats.span_bytes, 6 * kGranule);
  EXPECT_EQ(stats.span_bytes_in_use, 4 * kGranule);
  EXPECT_EQ(stats.span_longest_free, 2 * kGranule);
  EXPECT_EQ(stats.span_waiters, 0U);
  EXPECT_EQ(stats.longest_holder, gettid());
  EXPECT_GT(stats.longest_hold_ns, 0U);
  std::jthread waiter([&](const std::stop_token& stop) {
    EXPECT_FALSE(window.map(0, 3 * kGranule, {.stop = stop}));
  });
  while (budget.stats().span_waiters == 0) std::this_thread::yield();
  waiter.request_stop();
}

TEST(LongWait, HoldersOfSpansAreReported) {
  const ScratchFile file(32 * kGranule);
  const Budget budget(small());
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const auto span = window.map(3 * kGranule - 1, 2);
  const StandardError standard_error;
  EXPECT_EQ(budget.report_holders(0ns), 1);
  EXPECT_NE(standard_error.text().find(" at 196607, 2 bytes; taken by thread " +
                                       std::to_string(gettid())),
            std::string::npos)
      << standard_error.text();
  EXPECT_EQ(budget.report_holders(1h), 0);
}

}  // namespace
}  // namespace kmapper::process
