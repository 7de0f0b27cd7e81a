// A file system whose calls are interrupted by signals: the window repeats them.
#include <gtest/gtest.h>

#include <cstdint>

#include "fuse_server.hpp"
#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kSize = 64 * kPage;
constexpr std::int64_t kGranule = 16 * kPage;
constexpr int kSkipped = 77;
constexpr int kTimes = 3;
constexpr int kTimesOfAPage =
    8;  // the kernel asks several times for an access before it is a SIGBUS

/// Calls use(server, budget), which returns 0 if all is well, on a file system of which a request
/// of one kind is interrupted several times. In a child: the file system is mounted for it alone.
template <class Use>
void use_interrupted(Placement placement, Use use) {
  const int ended = in_a_child([&] {
    FuseServer server(kSize);
    if (!server.is_mounted()) return kSkipped;
    const Budget budget({.bytes = 16 * kGranule, .granule = kGranule, .placement = placement});
    return use(server, budget);
  });
  if (ended == kSkipped) GTEST_SKIP() << "FUSE may not be used here";
  EXPECT_EQ(ended, 0);
}

/// Calls use(window), which returns whether all is well, while requests of that kind are
/// interrupted.
template <class Use>
void use_window_interrupted(fuse_opcode kind, Use use, int times = kTimes) {
  use_interrupted(Placement::slots, [&](FuseServer& server, const Budget& budget) {
    FileWindow window(server.path(), Access::read_write, budget);
    if (auto mapping = window.map(0, 1)) mapping->writable()[0] = std::byte{1};
    server.interrupt(kind, times);
    if (!use(window)) return 1;
    return server.left_to_interrupt() == 0 ? 0 : 2;
  });
}

class InterruptedOpen : public testing::TestWithParam<fuse_opcode> {};
INSTANTIATE_TEST_SUITE_P(Requests, InterruptedOpen,
                         testing::Values(FUSE_LOOKUP, FUSE_OPEN, FUSE_GETATTR));

TEST_P(InterruptedOpen, IsDoneAgain) {
  use_interrupted(Placement::slots, [](FuseServer& server, const Budget& budget) {
    server.interrupt(GetParam(), kTimes);
    FileWindow window(server.path(), Access::read_write, budget);
    if (server.left_to_interrupt() != 0) return 1;
    return window.size() == kSize ? 0 : 2;
  });
}

TEST(Interrupted, ASyncIsDoneAgain) {
  use_window_interrupted(FUSE_FSYNC, [](FileWindow& window) { return !window.sync(); });
}

TEST(Interrupted, ASyncOfARangeIsDoneAgain) {
  use_window_interrupted(FUSE_FSYNC, [](FileWindow& window) { return !window.sync(0, kPage); });
}

TEST(Interrupted, AResizeIsDoneAgain) {
  use_window_interrupted(FUSE_SETATTR, [](FileWindow& window) {
    return !window.resize(kSize + kPage) && window.size() == kSize + kPage;
  });
}

TEST(Interrupted, ADiscardIsDoneAgain) {
  use_window_interrupted(FUSE_FALLOCATE,
                         [](FileWindow& window) { return !window.discard(kGranule, kGranule); });
}

TEST(Interrupted, AReadIntoACopyIsDoneAgain) {
  use_interrupted(Placement::copies, [](FuseServer& server, const Budget& budget) {
    FileWindow window(server.path(), Access::read_only, budget);
    server.interrupt(FUSE_READ, kTimes);
    const auto mapping = window.map(kGranule, kPage);
    return mapping && shows(mapping->bytes(), kGranule) ? 0 : 1;
  });
}

// The page is read when it is touched: the kernel makes a SIGBUS of EINTR then.
TEST(Interrupted, AReadOfAPageIsDoneAgain) {
  use_window_interrupted(
      FUSE_READ,
      [](FileWindow& window) {
        const auto mapping = window.map(kGranule, kPage);
        return mapping && shows(mapping->bytes(), kGranule) && !mapping->bad();
      },
      kTimesOfAPage);
}

}  // namespace
}  // namespace kmapper::process
