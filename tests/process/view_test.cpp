#include "kmapper/process/view.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;

struct Record {  // does not divide a granule
  std::uint32_t key;
  std::uint16_t kind;
  char text[6];
};
static_assert(sizeof(Record) == 12);

/// What the file has at an offset, as a T.
template <class T>
T read_at(std::int64_t offset) {
  std::byte bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[i] = byte_at(offset + static_cast<std::int64_t>(i));
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

class Views : public testing::TestWithParam<Placement> {
 protected:
  static constexpr std::int64_t kSize = 40 * kGranule + 10;
  ScratchFile file_{kSize};
  Budget budget_{{.bytes = 16 * kGranule, .granule = kGranule, .placement = GetParam()}};
  FileWindow window_{file_.descriptor(),
                     GetParam() == Placement::copies ? Access::read_only : Access::read_write,
                     budget_};
};
INSTANTIATE_TEST_SUITE_P(Placements, Views,
                         testing::Values(Placement::automatic, Placement::slots,
                                         Placement::copies));

TEST_P(Views, ShowNumbers) {
  View<const std::uint64_t> view(window_, 8);
  ASSERT_EQ(view.size(), 40 * kGranule / 8 - 1 + 1);
  for (std::int64_t i = 0; i < view.size(); ++i) {
    const std::uint64_t* const number = view.at(i);
    ASSERT_NE(number, nullptr) << view.error().message();
    ASSERT_EQ(*number, read_at<std::uint64_t>(8 + 8 * i));
  }
  EXPECT_EQ(budget_.stats().spans, 0U);
  EXPECT_EQ(budget_.stats().pinned, kGranule);
  view.release();
  EXPECT_EQ(budget_.stats().pinned, 0);
  EXPECT_FALSE(view.fault());
}

TEST_P(Views, ShowElementsThatLieAcrossGranules) {
  View<const Record> view(window_, 4);
  EXPECT_EQ(view.size(), (kSize - 4) / 12);
  for (std::int64_t i = 0; i < view.size(); ++i) {
    const Record* const record = view.at(i);
    ASSERT_NE(record, nullptr) << view.error().message();
    ASSERT_EQ(record->key, read_at<Record>(4 + 12 * i).key);
    ASSERT_EQ(record->text[5], read_at<Record>(4 + 12 * i).text[5]);
  }
  EXPECT_GT(budget_.stats().spans, 0U);
}

TEST_P(Views, MapSpansOfElements) {
  const View<const Record> view(window_);
  const auto some = view.map(300, 200);  // across a granule's end
  ASSERT_TRUE(some) << some.error().message();
  ASSERT_EQ(some->size(), 200U);
  EXPECT_EQ(some->span().size(), 200U);
  for (std::size_t i = 0; i < 200; ++i)
    ASSERT_EQ((*some)[i].key, read_at<Record>(12 * (300 + static_cast<std::int64_t>(i))).key);
  EXPECT_EQ(std::count_if(some->begin(), some->end(), [](const Record&) { return true; }), 200);
  EXPECT_FALSE(some->mapping().bad());
}

TEST_P(Views, SayWhatTheAlignmentIs) {
  struct alignas(8) Word {
    std::uint64_t value;
  };
  View<const Word> view(window_, 12);
  EXPECT_EQ(view.size(), 0);
  EXPECT_EQ(view.at(0), nullptr);
  EXPECT_EQ(view.error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(view.error().limit(), 8);
  const std::string name = "descriptor " + std::to_string(file_.descriptor());
  EXPECT_EQ(view.error().message(),
            name +
                ": 8 bytes at 12: the offset is not a multiple of the alignment that the "
                "elements need, 8 bytes");
  EXPECT_EQ(view.map(0, 1).error().code(), WindowErrc::invalid_range);
  View<const char> unaligned(window_, 13);
  EXPECT_NE(unaligned.at(0), nullptr);
}

TEST_P(Views, SayWhatIsBeyondThem) {
  View<const Record> view(window_, 4);
  EXPECT_NE(view.at(view.size() - 1), nullptr);
  EXPECT_EQ(view.at(view.size()), nullptr);
  EXPECT_EQ(view.error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(view.error().limit(), kSize);
  for (const std::int64_t i :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max() / 12}) {
    EXPECT_EQ(view.at(i), nullptr);
    EXPECT_EQ(view.error().code(), WindowErrc::beyond_end);
    EXPECT_EQ(view.map(i, 1).error().code(), WindowErrc::beyond_end);
    EXPECT_EQ(view.map(1, i).error().code(), WindowErrc::beyond_end);
  }
  EXPECT_EQ(view.at(-1), nullptr);
  EXPECT_EQ(view.error().code(), WindowErrc::invalid_range);
  EXPECT_NE(view.at(0), nullptr);
  EXPECT_FALSE(view.error());
  EXPECT_EQ(view.map(-1, 2).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(view.map(0, 0).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(view.map(0, 3000).error().code(), WindowErrc::too_large);
  View<const Record> before(window_, -12);
  EXPECT_EQ(before.size(), 0);
  EXPECT_EQ(before.at(1), nullptr);
  EXPECT_EQ(before.error().code(), WindowErrc::invalid_range);
}

TEST(View, IsWritten) {
  const ScratchFile file(3 * kGranule);
  FileWindow window(file.descriptor(), Access::read_write,
                    Budget({.bytes = 16 * kGranule, .granule = kGranule}));
  View<std::uint16_t> view(window);
  for (std::int64_t i = 0; i < view.size(); ++i) *view.at(i) = static_cast<std::uint16_t>(i);
  {
    const auto last = view.map(view.size() - 100, 100);
    std::ranges::reverse(last->span());
  }
  const std::uint16_t expected = 3 * kGranule / 2 - 100;
  std::uint16_t found = 0;
  ASSERT_EQ(pread(file.descriptor(), &found, 2, 3 * kGranule - 2), 2);
  EXPECT_EQ(found, expected);
  ASSERT_EQ(pread(file.descriptor(), &found, 2, 2000), 2);
  EXPECT_EQ(found, 1000);
}

TEST(View, SeesAFileThatGrows) {
  const ScratchFile file(10);
  FileWindow window(file.descriptor(), Access::read_write,
                    Budget({.bytes = 16 * kGranule, .granule = kGranule}));
  View<std::uint32_t> view(window);
  EXPECT_EQ(view.size(), 2);
  EXPECT_EQ(view.at(2), nullptr);
  ASSERT_FALSE(window.resize(12));
  EXPECT_EQ(view.size(), 3);
  EXPECT_NE(view.at(2), nullptr);
}

}  // namespace
}  // namespace kmapper::process
