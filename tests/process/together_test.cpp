// Copies in several places that are read at the same time, by map_all().
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fuse_server.hpp"
#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"
#include "system/page_size.hpp"
#include "system/read_ring.hpp"

namespace kmapper::process {
namespace {

const std::int64_t page = static_cast<std::int64_t>(system::page_size());
constexpr int kSkipped = 77;

bool all_show(std::span<const Range> ranges) {
  return std::ranges::all_of(ranges, [](const Range& it) {
    return it.mapping.size() == static_cast<std::size_t>(it.length) &&
           shows(it.mapping.bytes(), it.offset);
  });
}

/// Refuses io_uring to the calling thread from now on, and to those that it starts.
bool refuse_rings() {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog all{.len = program.size(), .filter = program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}

/// Whether the file system can read without waiting for what is not there.
bool reads_at_once(const ScratchFile& file) {
  char byte = 0;
  iovec piece{&byte, 1};
  return preadv2(file.descriptor(), &piece, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
}

class Together : public testing::TestWithParam<std::int64_t> {
 protected:
  const std::int64_t granule_ = GetParam() * page;
  const Budget budget_{
      {.bytes = 128 * granule_, .granule = granule_, .placement = Placement::copies}};
  const ScratchFile first_file_{ScratchFile::on_disk, 200 * granule_ + page / 2};
  const ScratchFile second_file_{ScratchFile::on_disk, 50 * granule_};
  FileWindow first_{first_file_.descriptor(), Access::read_only, budget_};
  FileWindow second_{second_file_.descriptor(), Access::read_only, budget_};

  /// Ranges in every third granule.
  std::vector<Range> scattered(std::int64_t count) {
    std::vector<Range> ranges;
    for (std::int64_t i = 0; i < count; ++i)
      ranges.push_back({&first_, 3 * i * granule_ + i % 7, page / 4});
    return ranges;
  }
  [[nodiscard]] std::uint64_t calls() const { return budget_.stats().map_calls; }
};

INSTANTIATE_TEST_SUITE_P(Pages, Together, testing::Values(1, 16));

TEST_P(Together, AreReadByOneCallWhereTheKernelHasRings) {
  std::vector<Range> ranges = scattered(40);
  for (std::int64_t i = 0; i < 20; ++i) ranges.push_back({&second_, 2 * i * granule_, 64});
  const std::uint64_t before = calls();
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_TRUE(all_show(ranges));
  const std::uint64_t each = calls() - before;
  if (!system::ReadRing().is_there()) GTEST_SKIP() << "no io_uring here: read by " << each;
  if (!reads_at_once(first_file_)) GTEST_SKIP() << "not on this file system: read by " << each;
  // One for each 64 reads; of which there may be more in one copy.
  EXPECT_LE(each, 2U);
}

TEST_P(Together, AreReadWithoutRings) {
  const int ended = in_a_child([this] {
    if (!refuse_rings()) return kSkipped;
    if (system::ReadRing().is_there()) return 1;
    const Budget budget(
        {.bytes = 128 * granule_, .granule = granule_, .placement = Placement::copies});
    FileWindow window(first_file_.descriptor(), Access::read_only, budget);
    std::vector<Range> ranges = scattered(60);
    for (Range& it : ranges) it.window = &window;
    if (map_all(budget, ranges)) return 2;
    return all_show(ranges) && budget.stats().map_calls == 60 ? 0 : 3;
  });
  if (ended == kSkipped) GTEST_SKIP() << "no filter for system calls can be set here";
  EXPECT_EQ(ended, 0);
}

TEST_P(Together, SeveralPartsOfOneCopy) {
  if (granule_ == page) return;
  std::vector<Range> ranges;
  for (std::int64_t i = 0; i < 10; ++i) {
    for (std::int64_t at = 0; at < 16; at += 2 + i % 3)
      ranges.push_back({&first_, 5 * i * granule_ + at * page + 9, 100});
  }
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_TRUE(all_show(ranges));
  const std::uint64_t before = calls();
  ASSERT_TRUE(first_.map(page, page));  // it lies between them, and has not been read
  EXPECT_EQ(calls(), before + 1);
}

TEST_P(Together, OnlyWhatIsMissingIsRead) {
  std::vector<Range> ranges = scattered(30);
  for (std::size_t i = 0; i < ranges.size(); i += 2) {
    ASSERT_TRUE(first_.map(ranges[i].offset, ranges[i].length));
    ranges[i].length = granule_ - ranges[i].offset % granule_;  // and more of the same copy
  }
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_TRUE(all_show(ranges));
  const std::uint64_t before = calls();
  for (Range& it : ranges) it.mapping = {};
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_EQ(calls(), before);
}

TEST_P(Together, TheLastOneEndsWithTheFile) {
  Range ranges[] = {
      {&first_, 0, 1}, {&first_, 20 * granule_, granule_}, {&first_, 200 * granule_, page / 2}};
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_TRUE(all_show(ranges));
  for (Range& it : ranges) it.mapping = {};
  ASSERT_EQ(ftruncate(first_file_.descriptor(), 200 * granule_ + 5), 0);
  (void)first_.trim();
  const Error error = map_all(budget_, ranges);
  EXPECT_EQ(error.code(), WindowErrc::beyond_end) << error.message();
}

TEST_P(Together, ThreadsReadTheSameCopiesAtOnce) {
  for (int round = 0; round < 10; ++round) {
    (void)first_.trim();
    std::vector<std::thread> threads;
    for (std::int64_t thread = 0; thread < 12; ++thread) {
      threads.emplace_back([&, thread] {
        std::vector<Range> ranges;
        for (std::int64_t i = 0; i < 8; ++i)
          ranges.push_back({&first_, (thread / 4 + 3 * i) * granule_ + thread % 2, page / 2});
        EXPECT_FALSE(map_all(budget_, ranges));
        EXPECT_TRUE(all_show(ranges));
      });
    }
    for (std::thread& it : threads) it.join();
  }
}

TEST_P(Together, AnErrorIsThatOfTheRangeThatHasIt) {
  const std::int64_t granule = granule_;
  const int ended = in_a_child([granule] {
    FuseServer server(64 * granule);
    if (!server.is_mounted()) return kSkipped;
    server.break_range(40 * granule, 40 * granule + page);
    const Budget budget(
        {.bytes = 32 * granule, .granule = granule, .placement = Placement::copies});
    FileWindow window(server.path(), Access::read_only, budget);
    std::vector<Range> ranges;
    for (std::int64_t i = 0; i < 20; ++i)
      ranges.push_back({&window, 2 * i * granule + 1, page / 2});
    if (map_all(budget, ranges)) return 1;
    if (!all_show(ranges)) return 2;
    for (Range& it : ranges) it.mapping = {};
    ranges.push_back({&window, 40 * granule, 10});
    const Error error = map_all(budget, ranges);
    if (error.code() != std::errc::io_error) return 3;
    if (error.message().find(std::to_string(40 * granule)) == std::string::npos) return 4;
    for (const Range& it : ranges) {
      if (it.mapping) return 5;
    }
    if (budget.stats().pinned != 0) return 6;
    ranges.pop_back();
    return !map_all(budget, ranges) && all_show(ranges) ? 0 : 7;
  });
  if (ended == kSkipped) GTEST_SKIP() << "FUSE may not be used here";
  EXPECT_EQ(ended, 0);
}

TEST_P(Together, TheOnlyThreadIsStillToldThatItWouldWaitForItself) {
  const int ended = in_a_child([this] {
    alarm(20);
    // A sanitizer or an emulator may have threads of its own.
    if (std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}) != 1)
      return kSkipped;
    system::ReadRing ring;
    const int descriptor = memfd_create("read by the kernel's threads", MFD_CLOEXEC);
    if (!ring.is_there() || ftruncate64(descriptor, page) != 0) return kSkipped;
    std::array<char, 64> bytes{};
    iovec piece{bytes.data(), bytes.size()};
    system::ReadRing::Read read{.descriptor = descriptor, .offset = 0, .pieces = {&piece, 1}};
    ring.read({&read, 1});
    if (read.result != 64) return 1;
    const Budget budget(
        {.bytes = 32 * granule_, .granule = granule_, .placement = Placement::copies});
    FileWindow window(first_file_.descriptor(), Access::read_only, budget);
    std::vector<Mapping> held;
    for (std::int64_t i = 0; i < 33; ++i) {
      auto mapping = window.map(i * granule_, 1);
      if (!mapping) return mapping.error().code() == WindowErrc::would_deadlock ? 0 : 2;
      held.push_back(std::move(*mapping));
    }
    return 3;
  });
  if (ended == kSkipped) GTEST_SKIP() << "there is another thread, or no io_uring";
  EXPECT_EQ(ended, 0);
}

TEST_P(Together, AChildOfAForkLeavesTheRingsToItsParent) {
  std::vector<Range> ranges = scattered(20);
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_EQ(in_a_child([&] {
              for (Range& it : ranges) it.mapping = {};
              return map_all(budget_, ranges).code() == WindowErrc::forked ? 0 : 1;
            }),
            0);
  for (Range& it : ranges) it = {&first_, it.offset + granule_, it.length};
  ASSERT_FALSE(map_all(budget_, ranges));
  EXPECT_TRUE(all_show(ranges));
}

}  // namespace
}  // namespace kmapper::process
