// Writes to pages that were replaced by zeros are lost: sync() reports it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>

#include "kmapper/kmapper.h"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 65536;
constexpr std::int64_t kSize = 16 * kGranule;

class LostWrites : public testing::Test {
 protected:
  const ScratchFile file_{kSize};
  const Budget budget_{{.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::home}};
  FileWindow window_{file_.descriptor(), Access::read_write, budget_};

  void cut(std::int64_t size) const { ASSERT_EQ(ftruncate64(file_.descriptor(), size), 0); }

  /// Maps two granules, one after the other, and writes to them after the file has lost them.
  void lose_two_writes() {
    const auto first = window_.map(4 * kGranule, 1);
    const auto second = window_.map(2 * kGranule, 1);
    ASSERT_TRUE(first && second);
    cut(0);
    first->writable()[0] = std::byte{1};
    second->writable()[0] = std::byte{1};
    cut(kSize);
  }
};

TEST_F(LostWrites, AreNoErrorWhereThereAreNone) {
  window_.map(0, 1)->writable()[0] = std::byte{1};
  EXPECT_FALSE(window_.sync());
}

TEST_F(LostWrites, AreSaidOnceWithTheFirstOfThem) {
  lose_two_writes();
  const Error error = window_.sync();
  EXPECT_EQ(error.code(), WindowErrc::cut_short);
  EXPECT_EQ(error.offset(), 4 * kGranule);
  EXPECT_FALSE(window_.sync());
  lose_two_writes();
  EXPECT_EQ(window_.sync().code(), WindowErrc::cut_short);
}

TEST_F(LostWrites, AreSaidByASyncOfARange) {
  lose_two_writes();
  EXPECT_EQ(window_.sync(0, 1).code(), WindowErrc::cut_short);
  EXPECT_FALSE(window_.sync(0, 1));
}

TEST_F(LostWrites, OfSpansAreSaid) {
  const auto span = window_.map(3 * kGranule - 1, 2);
  ASSERT_TRUE(span);
  cut(0);
  span->writable()[0] = std::byte{1};
  cut(kSize);
  EXPECT_EQ(window_.sync().code(), WindowErrc::cut_short);
}

// The page that shows zeros is handed out again, and no access faults any more.
TEST_F(LostWrites, ToAGranuleThatIsBadAlreadyAreSaid) {
  const auto bad = window_.map(kGranule, 1);
  ASSERT_TRUE(bad);
  cut(0);
  EXPECT_EQ(bad->bytes()[0], std::byte{0});
  cut(kSize);
  EXPECT_EQ(window_.sync().code(), WindowErrc::cut_short);
  window_.map(kGranule, 1)->writable()[0] = std::byte{1};
  EXPECT_EQ(window_.sync().code(), WindowErrc::cut_short);
}

TEST_F(LostWrites, AreNotThoseOfAWindowForReading) {
  FileWindow reader(file_.descriptor(), Access::read_only, budget_);
  const auto lost = reader.map(kGranule, 1);
  ASSERT_TRUE(lost);
  cut(0);
  EXPECT_EQ(lost->bytes()[0], std::byte{0});
  EXPECT_TRUE(lost->bad());
  EXPECT_FALSE(reader.sync());
  EXPECT_FALSE(window_.sync());
}

TEST_F(LostWrites, AreSaidInC) {
  kmapper_budget* budget = nullptr;
  kmapper_window* window = nullptr;
  kmapper_mapping mapping;
  ASSERT_EQ(kmapper_budget_create(nullptr, &budget), KMAPPER_OK);
  ASSERT_EQ(kmapper_window_open_descriptor(file_.descriptor(), KMAPPER_READ_WRITE, budget, &window),
            KMAPPER_OK);
  ASSERT_EQ(kmapper_window_map(window, 0, 1, &mapping), KMAPPER_OK);
  cut(0);
  *static_cast<char*>(mapping.data) = 1;
  EXPECT_EQ(kmapper_window_sync(window), KMAPPER_CUT_SHORT);
  EXPECT_EQ(kmapper_window_sync(window), KMAPPER_OK);
  kmapper_mapping_release(&mapping);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
}

}  // namespace
}  // namespace kmapper::process
