// Mappings whose writes do not reach the file.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kGranule = 4096;

/// Of the private memory of the process, in bytes.
std::int64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoll(line.substr(8)) * 1024;
  }
  return -1;
}

struct Kind {
  Placement placement;
  Access access;
  bool strict;
};

class Private : public testing::TestWithParam<Kind> {
 protected:
  static constexpr std::int64_t kSize = 64 * kGranule + 100;
  ScratchFile file_{kSize};
  Budget budget_{{.bytes = 32 * kGranule,
                  .granule = kGranule,
                  .placement = GetParam().placement,
                  .strict = GetParam().strict,
                  .span_bytes = 8 * kGranule}};
  FileWindow window_{file_.descriptor(), GetParam().access, budget_};
};
INSTANTIATE_TEST_SUITE_P(Kinds, Private,
                         testing::Values(Kind{Placement::automatic, Access::read_write, false},
                                         Kind{Placement::slots, Access::read_only, false},
                                         Kind{Placement::slots, Access::read_write, true},
                                         Kind{Placement::copies, Access::read_only, false},
                                         Kind{Placement::copies, Access::read_write, false},
                                         Kind{Placement::copies, Access::read_write, true},
                                         Kind{Placement::copies, Access::read_only, true}));

TEST_P(Private, WritesStayInTheMapping) {
  {
    const auto mine = window_.map_private(100, 3 * kGranule);
    ASSERT_TRUE(mine) << mine.error().message();
    ASSERT_EQ(mine->size(), static_cast<std::size_t>(3 * kGranule));
    EXPECT_TRUE(shows(mine->bytes(), 100));
    std::ranges::fill(mine->writable(), std::byte{7});
    const auto other = window_.map_private(100, 50);
    ASSERT_TRUE(other);
    EXPECT_TRUE(shows(other->bytes(), 100));
    EXPECT_TRUE(shows(window_.map(100, 50)->bytes(), 100));
    EXPECT_EQ(mine->bytes()[0], std::byte{7});
    EXPECT_EQ(budget_.stats().span_bytes_in_use, 5 * kGranule);
  }
  EXPECT_EQ(budget_.stats().span_bytes_in_use, 0);
  for (std::int64_t at = 0; at < 4 * kGranule; ++at) ASSERT_EQ(file_.read(at), byte_at(at));
  // The next mappings at these addresses show their file.
  for (int i = 0; i < 10; ++i) {
    const auto next = window_.map(i * kGranule + 1, kGranule + 1);
    ASSERT_TRUE(next);
    ASSERT_TRUE(shows(next->bytes(), i * kGranule + 1));
  }
}

TEST_P(Private, WithinOneGranuleToo) {
  const auto mine = window_.map_private(kSize - 10, 10);
  ASSERT_TRUE(mine) << mine.error().message();
  EXPECT_TRUE(shows(mine->bytes(), kSize - 10));
  mine->writable()[9] = std::byte{1};
  EXPECT_EQ(file_.read(kSize - 1), byte_at(kSize - 1));
}

TEST_P(Private, MayNotBeAllThatThereIs) {
  EXPECT_EQ(window_.map_private(kSize - 10, 11).error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(window_.map_private(0, 0).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(window_.map_private(0, window_.longest() + 1).error().code(), WindowErrc::too_large);
  const auto all = window_.map_private(1, window_.longest());
  ASSERT_TRUE(all) << all.error().message();
  const Patience short_one{.deadline = std::chrono::steady_clock::now() + 10ms};
  EXPECT_EQ(window_.map_private(0, 1, short_one).error().code(), WindowErrc::timed_out);
}

TEST_P(Private, PagesGoWhenTheMappingIsReleased) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has private memory of its own for each access";
#endif
  constexpr std::int64_t kLong = 8 << 20;
  const ScratchFile big(kLong);
  const Budget budget({.bytes = 4 * kLong,
                       .granule = kGranule,
                       .placement = GetParam().placement,
                       .strict = GetParam().strict,
                       .span_bytes = kLong});
  FileWindow window(big.descriptor(), GetParam().access, budget);
  const std::int64_t before = anonymous_bytes();
  {
    const auto mine = window.map_private(0, kLong);
    ASSERT_TRUE(mine) << mine.error().message();
    std::ranges::fill(mine->writable(), std::byte{7});
    EXPECT_GE(anonymous_bytes(), before + kLong * 9 / 10);
  }
  // Copies lie in large pages of the kernel, which go when all of them is given back.
  EXPECT_LE(anonymous_bytes(), before + kLong / 2);
}

TEST_P(Private, SurviveFork) {
  const auto mine = window_.map_private(0, kGranule);
  ASSERT_TRUE(mine);
  mine->writable()[0] = std::byte{1};
  EXPECT_EQ(in_a_child([&] {
              if (mine->bytes()[0] != std::byte{1}) return 1;
              mine->writable()[0] = std::byte{2};
              return 0;
            }),
            0);
  EXPECT_EQ(mine->bytes()[0], std::byte{1});
}

TEST(PrivateMapping, OfAFileThatIsCutShortIsBadAndStaysWritable) {
  for (const Access access : {Access::read_only, Access::read_write}) {
    const ScratchFile file(4 * kGranule);
    FileWindow window(
        file.descriptor(), access,
        Budget({.bytes = 64 * kGranule, .granule = kGranule, .placement = Placement::slots}));
    const auto mine = window.map_private(0, 3 * kGranule);
    ASSERT_TRUE(mine) << mine.error().message();
    mine->writable()[0] = std::byte{1};
    ASSERT_EQ(ftruncate(file.descriptor(), kGranule), 0);
    auto* const at = static_cast<volatile std::byte*>(mine->data());
    at[2 * kGranule] = std::byte{5};
    const std::byte seen = at[2 * kGranule];
    EXPECT_EQ(seen, std::byte{5});
    EXPECT_TRUE(mine->bad());
    EXPECT_EQ(mine->fault(), WindowErrc::cut_short);
    // What was written was never for the file, so no write to it is lost.
    EXPECT_FALSE(window.sync());
  }
}

}  // namespace
}  // namespace kmapper::process
