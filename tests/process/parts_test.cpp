#include "kmapper/process/parts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <ranges>
#include <utility>
#include <vector>

#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

static_assert(std::ranges::input_range<Parts>);
static_assert(std::ranges::view<Parts>);

constexpr std::int64_t kGranule = 4096;

class PartsOfAFile : public testing::TestWithParam<Placement> {
 protected:
  static constexpr std::int64_t kSize = 100 * kGranule + 7;
  ScratchFile file_{kSize};
  Budget budget_{{.bytes = 8 * kGranule, .granule = kGranule, .placement = GetParam()}};
  FileWindow window_{file_.descriptor(),
                     GetParam() == Placement::copies ? Access::read_only : Access::read_write,
                     budget_};
};
INSTANTIATE_TEST_SUITE_P(Placements, PartsOfAFile,
                         testing::Values(Placement::automatic, Placement::slots,
                                         Placement::copies));

TEST_P(PartsOfAFile, AreAllOfIt) {
  Parts parts(window_);
  std::int64_t at = 0;
  for (const std::span<const std::byte> part : parts) {
    ASSERT_EQ(parts.offset(), at);
    ASSERT_TRUE(shows(part, at));
    at += static_cast<std::int64_t>(part.size());
    ASSERT_EQ(part.size(), at == kSize ? 7U : 4096U);
    ASSERT_EQ(budget_.stats().pinned, kGranule);
  }
  EXPECT_EQ(at, kSize);
  EXPECT_FALSE(parts.error());
  EXPECT_FALSE(parts.fault());
  EXPECT_EQ(parts.offset(), kSize);
  EXPECT_EQ(budget_.stats().pinned, 0);
}

TEST_P(PartsOfAFile, BeginAndEndAnywhere) {
  std::vector<std::pair<std::int64_t, std::size_t>> seen;
  Parts parts(window_, kGranule - 3, 2 * kGranule + 5);
  for (const std::span<const std::byte> part : parts) {
    EXPECT_TRUE(shows(part, parts.offset()));
    seen.emplace_back(parts.offset(), part.size());
  }
  const decltype(seen) expected = {{kGranule - 3, 3}, {kGranule, 4096}, {2 * kGranule, 5}};
  EXPECT_EQ(seen, expected);
  for (const std::span<const std::byte> part : Parts(window_, 50, 60)) EXPECT_TRUE(shows(part, 50));
  for (const std::span<const std::byte> part : Parts(window_, 50, 50)) FAIL() << part.size();
  for (const std::span<const std::byte> part : Parts(window_, kSize)) FAIL() << part.size();
}

TEST_P(PartsOfAFile, AreForAlgorithms) {
  const auto is_right = [at = std::int64_t{0}](std::span<const std::byte> part) mutable {
    const bool is = shows(part, at);
    at += static_cast<std::int64_t>(part.size());
    return is;
  };
  EXPECT_TRUE(std::ranges::all_of(Parts(window_), is_right));
#if !defined(__clang__) || __clang_major__ >= 16  // earlier ones cannot compile libstdc++'s views
  std::size_t bytes = 0;
  for (const std::size_t size :
       Parts(window_) | std::views::take(3) |
           std::views::transform([](std::span<std::byte> part) { return part.size(); })) {
    bytes += size;
  }
  EXPECT_EQ(bytes, 3 * 4096U);
#endif
}

TEST_P(PartsOfAFile, EndWithAnErrorThatSaysWhy) {
  Parts too_many(window_, kSize - 5, kSize + 1);
  std::size_t bytes = 0;
  for (const std::span<const std::byte> part : too_many) bytes += part.size();
  EXPECT_EQ(bytes, 0U);
  EXPECT_EQ(too_many.error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(too_many.error().limit(), kSize);
  EXPECT_EQ(too_many.offset(), kSize - 5);
  Parts backwards(window_, 10, 9);
  EXPECT_EQ(backwards.begin(), backwards.end());
  EXPECT_EQ(backwards.error().code(), WindowErrc::invalid_range);
  Parts before(window_, -1, 9);
  EXPECT_EQ(before.begin(), before.end());
  EXPECT_EQ(before.error().code(), WindowErrc::invalid_range);
}

TEST_P(PartsOfAFile, DoNotWaitForThemselves) {
  std::vector<Mapping> held;
  for (;;) {
    auto mapping = window_.try_map((50 + static_cast<std::int64_t>(held.size())) * kGranule, 1);
    if (!mapping) break;
    held.push_back(std::move(*mapping));
  }
  held.pop_back();
  std::int64_t bytes = 0;
  Parts parts(window_, 0, 20 * kGranule);
  for (const std::span<const std::byte> part : parts)
    bytes += static_cast<std::int64_t>(part.size());
  EXPECT_FALSE(parts.error()) << parts.error().message();
  EXPECT_EQ(bytes, 20 * kGranule);
}

TEST(Parts, AreWritten) {
  const ScratchFile file(3 * kGranule);
  FileWindow window(file.descriptor(), Access::read_write,
                    Budget({.bytes = 16 * kGranule, .granule = kGranule}));
  for (const std::span<std::byte> part : Parts(window, 1)) std::ranges::fill(part, std::byte{7});
  EXPECT_EQ(file.read(0), byte_at(0));
  for (std::int64_t at = 1; at < 3 * kGranule; at += 100) EXPECT_EQ(file.read(at), std::byte{7});
}

TEST(Parts, RememberThatAnAccessFailed) {
  const ScratchFile file(4 * kGranule);
  FileWindow window(
      file.descriptor(), Access::read_only,
      Budget({.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::slots}));
  Parts parts(window);
  for (const std::span<const std::byte> part : parts) {
    if (parts.offset() == kGranule) {
      ASSERT_EQ(ftruncate(file.descriptor(), kGranule), 0);
      const std::byte seen = *static_cast<const volatile std::byte*>(part.data());
      EXPECT_EQ(seen, std::byte{0});
      ASSERT_EQ(ftruncate(file.descriptor(), 4 * kGranule), 0);
    }
  }
  EXPECT_FALSE(parts.error()) << parts.error().message();
  EXPECT_EQ(parts.fault(), WindowErrc::cut_short);
}

}  // namespace
}  // namespace kmapper::process
