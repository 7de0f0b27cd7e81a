// What discard() gives back, above all at the end of a file.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>

#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 65536;
constexpr std::int64_t kLast = 3 * kGranule;
constexpr std::int64_t kSize = kLast + kGranule / 2 + 100;

class Discard : public testing::TestWithParam<ScratchFile::Kind> {
 protected:
  const ScratchFile file_{GetParam(), kSize};
  FileWindow window_{file_.descriptor(), Access::read_write,
                     Budget({.bytes = 16 * kGranule, .granule = kGranule})};

  [[nodiscard]] std::int64_t blocks() const {
    struct stat status {};
    EXPECT_EQ(fsync(file_.descriptor()), 0);
    EXPECT_EQ(fstat(file_.descriptor(), &status), 0);
    EXPECT_EQ(status.st_size, kSize);
    return status.st_blocks;
  }
};
INSTANTIATE_TEST_SUITE_P(Files, Discard,
                         testing::Values(ScratchFile::on_disk, ScratchFile::in_memory));

TEST_P(Discard, TakesALastGranuleThatTheFileDoesNotFill) {
  (void)window_.map(kSize - 1, 1)->bytes()[0];
  const std::int64_t before = blocks();
  const Error error = window_.discard(kLast, kSize - kLast);
  if (error.code() == std::errc::operation_not_supported) GTEST_SKIP() << error.message();
  ASSERT_FALSE(error) << error.message();
  EXPECT_LT(blocks(), before);
  for (const std::int64_t at : {kLast, kSize - 1})
    EXPECT_EQ(window_.map(at, 1)->bytes()[0], std::byte{0});
  EXPECT_TRUE(shows(window_.map(kLast - 100, 100)->bytes(), kLast - 100));
}

TEST_P(Discard, EndsWithAGranuleOrTheFile) {
  EXPECT_EQ(window_.discard(kLast, kSize - kLast - 1).code(), WindowErrc::invalid_range);
  EXPECT_EQ(window_.discard(kLast + 1, kSize - kLast - 1).code(), WindowErrc::invalid_range);
  EXPECT_EQ(window_.discard(kLast, kGranule).code(), WindowErrc::beyond_end);
  EXPECT_TRUE(shows(window_.map(kLast, 100)->bytes(), kLast));
}

TEST_P(Discard, LeavesALastGranuleThatSomebodyHolds) {
  const auto held = window_.map(kLast, 1);
  EXPECT_EQ(window_.discard(0, kSize).code(), WindowErrc::pinned);
  EXPECT_TRUE(shows(held->bytes(), kLast));
}

}  // namespace
}  // namespace kmapper::process
