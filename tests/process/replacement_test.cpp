// Which granules lose their slots (kmapper/core/remember.hpp), over loads that are the same in each
// run. Nothing is timed. `replacement_bench 1000 64 library` has more loads, and what a simulation
// of the same policy misses there.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "kmapper/process/process.hpp"
#include "process/api/internals.hpp"
#include "process/window/arena.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kSlots = 1'000;
constexpr std::int64_t kGranules = 16 * kSlots;  // of the file
constexpr int kUses = 64'000;                    // the first half is not counted

/// The n-th granule is as likely as n^-0.99. The likely ones are scattered over the file.
class Zipf {
 public:
  Zipf() {
    double sum = 0;
    for (std::int64_t n = 1; n <= kGranules; ++n)
      sums_.push_back(sum += std::pow(static_cast<double>(n), -0.99));
  }
  std::int64_t next() {
    const double at = static_cast<double>(random_() >> 11) * 0x1p-53 * sums_.back();
    const auto rank = std::upper_bound(sums_.begin(), sums_.end(), at) - sums_.begin();
    return std::min(static_cast<std::int64_t>(rank), kGranules - 1) * 7'919 % kGranules;
  }

 private:
  std::vector<double> sums_;
  std::mt19937_64 random_{1};
};

/// A budget of so many slots, over a memory file that is all hole.
class Replacement : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(ftruncate64(file_.number(), kGranules * granule_), 0);
    window_.advise(Advice::random);  // nothing is mapped ahead
  }
  /// Whether the use was a miss.
  bool misses(std::int64_t granule) { return misses_in(window_, granule); }
  bool misses_in(FileWindow& window, std::int64_t granule) {
    EXPECT_TRUE(window.map(granule * granule_, 1));
    // Budget::stats() would look at all slots.
    const std::uint64_t misses = Internals::arena_of(budget_)->counters().sum(Event::miss);
    return std::exchange(misses_, misses) != misses;
  }

  /// Where what comes next in a scan is mapped ahead.
  [[nodiscard]] FileWindow window_of_a_scan() {
    return FileWindow(file_.number(), Access::read_only, budget_);
  }

 private:
  const std::int64_t granule_ = sysconf(_SC_PAGESIZE);
  const system::Descriptor file_{memfd_create("replacement", MFD_CLOEXEC)};
  const Budget budget_{{.bytes = (kSlots + 2) * granule_,  // two are kept for spans
                        .granule = granule_,
                        .placement = Placement::copies,
                        .span_bytes = granule_}};
  FileWindow window_{file_.number(), Access::read_only, budget_};
  std::uint64_t misses_ = 0;
};

/// Zipf misses 33 times of 100 here. CLOCK would miss 47 times.
TEST_F(Replacement, AScanBesideZipfCostsZipfFewHits) {
  Zipf zipf;
  int missed = 0;
  for (int i = 0; i < kUses; ++i) {
    const bool is_miss = misses(zipf.next());
    if (is_miss && i >= kUses / 2) ++missed;
    misses(i % kGranules);
  }
  EXPECT_LE(missed, kUses / 2 * 36 / 100);
}

/// What is mapped ahead is used once, as without that. Without Mapper::note_ahead(), Zipf would
/// miss 52 times of 100.
TEST_F(Replacement, AScanThatIsMappedAheadCostsZipfFewHits) {
  Zipf zipf;
  FileWindow scan = window_of_a_scan();
  int missed = 0;
  for (int i = 0; i < kUses; ++i) {
    const bool is_miss = misses(zipf.next());
    if (is_miss && i >= kUses / 2) ++missed;
    misses_in(scan, i % kGranules);
  }
  EXPECT_LE(missed, kUses / 2 * 40 / 100);
}

/// 40 misses of 100, and the best that could be done is 33. CLOCK has nothing but misses.
TEST_F(Replacement, PartOfALoopThatIsLargerThanTheBudgetStaysMapped) {
  int missed = 0;
  for (int i = 0; i < kUses; ++i) {
    const bool is_miss = misses(i % (kSlots * 3 / 2));
    if (is_miss && i >= kUses / 2) ++missed;
  }
  EXPECT_LE(missed, kUses / 2 * 50 / 100);
}

}  // namespace
}  // namespace kmapper::process
