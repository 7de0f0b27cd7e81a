// A disk that cannot be read: the mapping that touches it gets zeros and an error; other mappings
// are not affected.
#include <gtest/gtest.h>

#include <cstdint>

#include "fuse_server.hpp"
#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kSize = 64 * kPage;
constexpr int kSkipped = 77;

class IoError : public testing::TestWithParam<std::int64_t> {};  // the granule

INSTANTIATE_TEST_SUITE_P(Granules, IoError, testing::Values(kPage, 4 * kPage, 16 * kPage));

/// Calls look(server, window), which returns 0 if all is well, on a file of which a page cannot be
/// read. In a child: the file system is mounted for it alone.
template <class Look>
void look_at_broken_file(Placement placement, std::int64_t granule, Look look) {
  const int ended = in_a_child([&] {
    FuseServer server(kSize);
    if (!server.is_mounted()) return kSkipped;
    server.break_range(40 * kPage, 41 * kPage);
    const Budget budget({.bytes = 16 * granule, .granule = granule, .placement = placement});
    FileWindow window(server.path(), Access::read_only, budget);
    return look(server, window);
  });
  if (ended == kSkipped) GTEST_SKIP() << "FUSE may not be used here";
  EXPECT_EQ(ended, 0);
}

TEST_P(IoError, IsOneOfTheMappingThatIsTouched) {
  look_at_broken_file(Placement::slots, GetParam(), [](FuseServer& server, FileWindow& window) {
    {
      const auto good = window.map(3 * kPage, kPage);
      if (!good || !shows(good->bytes(), 3 * kPage)) return 1;
      const auto lost = window.map(40 * kPage, kPage);
      if (!lost || lost->bad()) return 2;
      for (const std::byte it : lost->bytes()) {
        if (it != std::byte{0}) return 3;
      }
      if (!lost->bad() || lost->fault() != std::errc::io_error) return 4;
      if (good->bad() || !shows(good->bytes(), 3 * kPage)) return 5;
      const auto beside = window.map(41 * kPage, kPage);
      if (!beside || !shows(beside->bytes(), 41 * kPage)) return 6;
    }
    server.break_range(0, 0);
    const auto healed = window.map(40 * kPage, kPage);
    return healed && shows(healed->bytes(), 40 * kPage) && !healed->bad() ? 0 : 7;
  });
}

TEST_P(IoError, OfWhatIsReadAheadIsNotTheReaders) {
  look_at_broken_file(Placement::slots, GetParam(), [](FuseServer&, FileWindow& window) {
    window.advise(Advice::sequential);
    for (std::int64_t i = 0; i < 64; ++i) {
      const auto mapping = window.map(i * kPage, kPage);
      if (!mapping) return 1;
      const bool is_right = shows(mapping->bytes(), i * kPage);
      if (is_right == (i == 40)) return 2;
      if (i == 40 && !mapping->bad()) return 3;
    }
    return 0;
  });
}

TEST_P(IoError, IsOneOfTheCallWhereGranulesAreCopied) {
  look_at_broken_file(Placement::copies, GetParam(), [](FuseServer& server, FileWindow& window) {
    const auto lost = window.map(40 * kPage, kPage);
    if (lost || lost.error().code() != std::errc::io_error) return 1;
    if (!window.map(3 * kPage, kPage)) return 2;
    server.break_range(0, 0);
    const auto healed = window.map(40 * kPage, kPage);
    return healed && shows(healed->bytes(), 40 * kPage) ? 0 : 3;
  });
}

}  // namespace
}  // namespace kmapper::process
