// A budget reserves as much for mappings across granules as its options say.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <system_error>

#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;

TEST(SpanBytes, AreWhatTheLongestMappingMayBe) {
  const ScratchFile file(4 * kMiB);
  FileWindow window(file.descriptor(), Access::read_only,
                    Budget({.bytes = 16 * kMiB, .granule = 64 * kKiB, .span_bytes = kMiB}));
  EXPECT_GE(window.longest(), kMiB);
  for (const std::int64_t offset : {std::int64_t{0}, 64 * kKiB - 1, 64 * kKiB + 1, 3 * kMiB}) {
    const auto mapping = window.map(offset, kMiB);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(shows(mapping->bytes(), offset));
  }
}

TEST(SpanBytes, OfAMappingThatIsTooLongAreNamedInItsError) {
  const ScratchFile file(4 * kMiB);
  FileWindow window(file.descriptor(), Access::read_only,
                    Budget({.bytes = 16 * kMiB, .granule = 64 * kKiB}));
  const auto mapping = window.map(5, kMiB);
  EXPECT_EQ(mapping.error().code(), WindowErrc::too_large);
  EXPECT_EQ(mapping.error().limit(), window.longest());
  EXPECT_NE(mapping.error().message().find("span_bytes"), std::string::npos);
}

TEST(SpanBytes, LeaveOneGranuleAtLeast) {
  const auto longest = [](std::int64_t span_bytes) -> std::int64_t {
    const Budget budget({.bytes = 16 * kMiB, .granule = 64 * kKiB, .span_bytes = span_bytes});
    const ScratchFile file(16 * kMiB);
    FileWindow window(file.descriptor(), Access::read_only, budget);
    EXPECT_TRUE(window.map(0, 1));
    return window.longest();
  };
  EXPECT_EQ(longest(1), 64 * kKiB + 1);
  EXPECT_EQ(longest(64 * kKiB), 64 * kKiB + 1);
  const std::int64_t most = 16 * kMiB - 2 * 64 * kKiB;
  EXPECT_EQ(longest(most), most + 1);
  for (const std::int64_t wrong : {std::int64_t{-1}, most + 1, INT64_MAX}) {
    try {
      (void)longest(wrong);
      ADD_FAILURE() << wrong;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), WindowErrc::invalid_option);
      EXPECT_NE(std::string(error.what()).find(std::to_string(most)), std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace kmapper::process
