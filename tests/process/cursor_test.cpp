#include "kmapper/process/cursor.hpp"

#include <gtest/gtest.h>

#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;

TEST(Cursor, ReadsAFileFromEndToEnd) {
  constexpr std::int64_t kSize = 300'001;
  const ScratchFile file(kSize);
  const Budget budget({.bytes = 16 * kGranule, .granule = kGranule});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  Cursor cursor(window);
  for (std::int64_t offset = 0; offset < kSize; ++offset) {
    const std::byte* const byte = cursor.at(offset);
    ASSERT_NE(byte, nullptr) << cursor.error().message();
    ASSERT_EQ(*byte, byte_at(offset));
  }
  EXPECT_EQ(budget.stats().misses, 74U);
  EXPECT_EQ(budget.stats().pinned, kGranule);
  EXPECT_EQ(cursor.at(kSize), nullptr);
  EXPECT_EQ(cursor.error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(budget.stats().pinned, 0);
}

TEST(Cursor, ReadsRecordsThatCrossGranules) {
  constexpr std::int64_t kSize = 100 * 1000;
  const ScratchFile file(kSize);
  FileWindow window(file.descriptor(), Access::read_only,
                    Budget({.bytes = 16 * kGranule, .granule = kGranule}));
  Cursor cursor(window);
  for (std::int64_t offset = 0; offset < kSize; offset += 100) {
    const std::byte* const record = cursor.at(offset, 100);
    ASSERT_NE(record, nullptr);
    ASSERT_TRUE(shows({record, 100}, offset)) << offset;
  }
}

TEST(Cursor, GoesBackAndOverTheEnd) {
  const ScratchFile file(10'000);
  FileWindow window(file.descriptor(), Access::read_only,
                    Budget({.bytes = 16 * kGranule, .granule = kGranule}));
  Cursor cursor(window);
  EXPECT_TRUE(shows({cursor.at(9'990, 10), 10}, 9'990));
  EXPECT_EQ(cursor.at(9'990, 11), nullptr);
  EXPECT_TRUE(shows({cursor.at(0, 10), 10}, 0));
  EXPECT_EQ(cursor.at(-1), nullptr);
  EXPECT_EQ(cursor.at(INT64_MIN), nullptr);
  EXPECT_EQ(cursor.at(0, 0), nullptr);
}

TEST(Cursor, RemembersThatAnAccessCouldNotBeCarriedOut) {
  const ScratchFile file(3 * kGranule);
  FileWindow window(
      file.descriptor(), Access::read_only,
      Budget({.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::slots}));
  Cursor cursor(window);
  const std::byte* const byte = cursor.at(2 * kGranule);
  ASSERT_NE(byte, nullptr);
  ASSERT_EQ(ftruncate(file.descriptor(), 2 * kGranule), 0);
  EXPECT_FALSE(cursor.fault());
  const std::byte seen = *static_cast<const volatile std::byte*>(byte);
  EXPECT_EQ(seen, std::byte{0});
  EXPECT_EQ(cursor.fault(), WindowErrc::cut_short);
  EXPECT_TRUE(shows({cursor.at(0, 10), 10}, 0));
  EXPECT_EQ(cursor.fault(), WindowErrc::cut_short);
}

TEST(Cursor, NeverWaitsForItself) {
  const ScratchFile file(100 * kGranule);
  FileWindow window(file.descriptor(), Access::read_only,
                    Budget({.bytes = 8 * kGranule, .granule = kGranule}));
  Cursor cursor(window);
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < 5; ++i) held.push_back(std::move(*window.map(i * kGranule, 1)));
  for (std::int64_t i = 10; i < 20; ++i) EXPECT_NE(cursor.at(i * kGranule), nullptr);
}

}  // namespace
}  // namespace kmapper::process
