// An object that is assigned to releases at once what it held, whatever happens to the other
// object.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 65536;

class MoveAssignment : public testing::Test {
 protected:
  Budget budget_{{.bytes = 16 * kGranule, .granule = kGranule}};
  const ScratchFile file_{20 * kGranule};
  FileWindow window_{file_.descriptor(), Access::read_only, budget_};
};

TEST_F(MoveAssignment, OfAMappingReleasesTheOld) {
  Mapping one = std::move(*window_.map(0, 1));
  Mapping other = std::move(*window_.map(kGranule, 1));
  one = std::move(other);
  EXPECT_EQ(budget_.stats().pinned, kGranule);
  EXPECT_TRUE(shows(one.bytes(), kGranule));
}

TEST_F(MoveAssignment, OfAWindowClosesTheOldFile) {
  const ScratchFile other_file(4 * kGranule);
  FileWindow other(other_file.descriptor(), Access::read_only, budget_);
  (void)window_.map(0, 1);
  (void)other.map(0, 1);
  EXPECT_EQ(budget_.stats().mapped, 2 * kGranule);
  window_ = std::move(other);
  EXPECT_EQ(budget_.stats().mapped, kGranule);
  EXPECT_EQ(window_.size(), 4 * kGranule);
  FileWindow& self = window_;
  window_ = std::move(self);
  EXPECT_EQ(window_.size(), 4 * kGranule);
  other = FileWindow(file_.descriptor(), Access::read_only, budget_);
  EXPECT_EQ(other.size(), 20 * kGranule);
}

TEST_F(MoveAssignment, OfAReservationGivesItsRoomBack) {
  auto one = reserve(budget_, 10);
  auto other = reserve(budget_, 3);
  ASSERT_TRUE(one && other);
  *one = std::move(*other);
  EXPECT_EQ(one->left(), 3);
  EXPECT_EQ(other->left(), 0);
  EXPECT_TRUE(reserve(budget_, 11, {.deadline = std::chrono::steady_clock::time_point()}));
}

TEST_F(MoveAssignment, OfACursorReleasesTheOld) {
  Cursor one(window_);
  Cursor other(window_);
  EXPECT_NE(one.at(0), nullptr);
  EXPECT_NE(other.at(kGranule), nullptr);
  one = std::move(other);
  EXPECT_EQ(budget_.stats().pinned, kGranule);
  EXPECT_EQ(*one.at(kGranule), byte_at(kGranule));
}

TEST_F(MoveAssignment, OfABudgetDropsTheOld) {
  Budget other({.bytes = 32 * kGranule, .granule = kGranule});
  FileWindow window(file_.descriptor(), Access::read_only, other);
  other = std::move(budget_);
  EXPECT_EQ(other.stats().budget, 16 * kGranule);
  EXPECT_TRUE(window.map(0, 1));  // the window keeps its budget alive
}

}  // namespace
}  // namespace kmapper::process
