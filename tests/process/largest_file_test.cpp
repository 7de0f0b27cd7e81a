// A file of the greatest possible length: no sum of an offset and a length overflows.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = std::int64_t{2} << 20;
constexpr std::int64_t kLongest = INT64_MAX;

class LargestFile : public testing::TestWithParam<Placement> {
 protected:
  const ScratchFile file_{0};
  const Budget budget_{{.bytes = 16 * kGranule, .granule = kGranule, .placement = GetParam()}};
};

TEST_P(LargestFile, CanBeUsedToItsLastGranule) {
  if (sizeof(void*) == 4 && GetParam() != Placement::copies)
    GTEST_SKIP() << "a 32-bit process maps files to 16 TiB";
  if (ftruncate64(file_.descriptor(), kLongest) != 0) GTEST_SKIP() << "no file may be so long here";
  FileWindow window(file_.descriptor(), Access::read_only, budget_);
  EXPECT_EQ(window.size(), kLongest);
  EXPECT_TRUE(window.map(0, 5));
  EXPECT_TRUE(window.map(kLongest / 2, 5));
  EXPECT_TRUE(window.map(kLongest - 2 * kGranule, 5));
  EXPECT_TRUE(window.map(kLongest / kGranule * kGranule - 5, 4));
  for (const std::int64_t length : {1, 5, 100}) {
    const auto last = window.map(kLongest - length, length);  // Linux maps no page that ends there
    EXPECT_EQ(last.error().code(), std::errc::file_too_large);
    EXPECT_EQ(last.error().limit(), kLongest - kLongest % kGranule);
    EXPECT_EQ(window.map(kLongest - length, length + 1).error().code(), WindowErrc::beyond_end);
  }
  EXPECT_EQ(window.map(kLongest, 1).error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(window.map(kLongest, kLongest).error().code(), WindowErrc::beyond_end);
  EXPECT_TRUE(window.map(0, kLongest).error());
  EXPECT_EQ(window.map(INT64_MIN, INT64_MIN).error().code(), WindowErrc::invalid_range);
  Cursor cursor(window);
  EXPECT_NE(cursor.at(kLongest - 3 * kGranule), nullptr);
  (void)cursor.at(kLongest - 1);
  EXPECT_EQ(cursor.at(kLongest), nullptr);
  Range ranges[] = {{&window, kLongest - 3 * kGranule, 1}, {&window, kLongest, 1}};
  EXPECT_EQ(map_all(budget_, ranges).code(), WindowErrc::beyond_end);
  (void)window.prefetch(kLongest - 1, 1);
  (void)window.prefetch(0, kLongest);
  (void)window.sync(kLongest - 1, 1);
  (void)window.sync(0, kLongest);
  (void)window.start_sync(0, kLongest);
  EXPECT_EQ(window.discard(kLongest - kLongest % kGranule, kGranule).code(),
            WindowErrc::beyond_end);
  EXPECT_EQ(budget_.stats().pinned, kGranule * (cursor.error() ? 0 : 1));
}

TEST_P(LargestFile, GrowsToThat) {
  if (GetParam() == Placement::copies) GTEST_SKIP() << "copies are not written to";
  FileWindow window(file_.descriptor(), Access::read_write, budget_);
  if (window.resize(kLongest)) GTEST_SKIP() << "no file may be so long here";
  EXPECT_EQ(window.size(), kLongest);
  EXPECT_FALSE(window.resize(kLongest - 1));
  EXPECT_FALSE(window.resize(5));
  EXPECT_EQ(window.size(), 5);
}

INSTANTIATE_TEST_SUITE_P(In, LargestFile,
                         testing::Values(Placement::slots, Placement::automatic, Placement::copies),
                         [](const testing::TestParamInfo<Placement>& it) {
                           return it.param == Placement::slots    ? "Slots"
                                  : it.param == Placement::copies ? "Copies"
                                                                  : "Automatic";
                         });

}  // namespace
}  // namespace kmapper::process
