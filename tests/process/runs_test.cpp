// Neighbours are mapped by one system call: in sequential reads, at one place or several, and after
// advice.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;
constexpr std::int64_t kGranules = 1000;
constexpr std::int64_t kSize = kGranules * kGranule - 100;  // the last granule is a part of one
constexpr Options kOptions{.bytes = 2 << 20, .granule = kGranule};

class Runs : public testing::TestWithParam<Placement> {
 protected:
  Options options_ = [] {
    Options options = kOptions;
    options.placement = GetParam();
    return options;
  }();
  Budget budget_{options_};
  ScratchFile file_{kSize};
  FileWindow window_{file_.descriptor(), Access::read_write, budget_};

  /// Reads the granules from first to last.
  void go_through(std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i <= last; ++i) check(i);
  }
  void check(std::int64_t granule) {
    const std::int64_t begin = granule * kGranule;
    const std::int64_t length = std::min(kGranule, kSize - begin);
    const auto mapping = window_.map(begin, length);
    ASSERT_TRUE(mapping) << mapping.error().message();
    ASSERT_TRUE(shows(mapping->bytes(), begin)) << granule;
  }
  /// Granules mapped for each system call that mapped any.
  [[nodiscard]] std::uint64_t misses_a_call() const {
    const Stats stats = budget_.stats();
    return stats.misses / stats.map_calls;
  }
};

INSTANTIATE_TEST_SUITE_P(In, Runs, testing::Values(Placement::slots, Placement::automatic),
                         [](const auto& info) {
                           return info.param == Placement::slots ? "Slots" : "WhereItChooses";
                         });

TEST_P(Runs, WhoGoesThroughAFileHasWhatComesNextMappedAlready) {
  for (int round = 0; round < 3; ++round) go_through(0, kGranules - 1);
  EXPECT_GE(misses_a_call(), 8U);
}

TEST_P(Runs, AtSeveralPlacesInTurn) {
  constexpr std::int64_t kPlaces = 8;
  for (std::int64_t i = 0; i < kGranules / kPlaces; ++i) {
    for (std::int64_t place = 0; place < kPlaces; ++place) check(place * (kGranules / kPlaces) + i);
  }
  EXPECT_GE(misses_a_call(), 4U);
}

TEST_P(Runs, WhoGoesHereAndThereMapsWhatIsAskedFor) {
  for (std::int64_t i = 0; i < kGranules; ++i) check(i * 7 % kGranules);
  const Stats stats = budget_.stats();
  EXPECT_EQ(stats.misses, static_cast<std::uint64_t>(kGranules));
}

TEST_P(Runs, AdviceIsFollowed) {
  window_.advise(Advice::random);
  go_through(0, 99);
  EXPECT_EQ(budget_.stats().misses, 100U);
  window_.advise(Advice::sequential);
  check(500);
  EXPECT_GE(budget_.stats().misses, 130U);
  EXPECT_EQ(budget_.stats().hits, 0U);  // what is mapped ahead has been used by nobody yet
  window_.advise(Advice::normal);
  check(900);
  const std::uint64_t misses = budget_.stats().misses;
  check(700);
  EXPECT_EQ(budget_.stats().misses, misses + 1);
}

TEST_P(Runs, OfWhatIsHeldNothingIsTakenForThem) {
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < 400; ++i) {
    auto mapping = window_.try_map(i * kGranule, kGranule);
    if (!mapping) break;
    held.push_back(std::move(*mapping));
  }
  EXPECT_GT(held.size(), 300U);
  for (std::size_t i = 0; i < held.size(); ++i)
    ASSERT_TRUE(shows(held[i].bytes(), static_cast<std::int64_t>(i) * kGranule));
  held.clear();
  go_through(0, kGranules - 1);
}

TEST_P(Runs, ThreadsThatGoThroughTheSameFileShareThem) {
  std::vector<std::thread> threads;
  for (std::int64_t i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int round = 0; round < 5; ++round) go_through(i * 50, kGranules - 1);
    });
  }
  for (std::thread& it : threads) it.join();
}

TEST_P(Runs, AFileThatIsCutShortMeanwhileEndsEarly) {
  go_through(0, 20);
  ASSERT_EQ(ftruncate64(file_.descriptor(), 30 * kGranule), 0);
  std::int64_t bad = 0;
  for (std::int64_t i = 21; i < 100; ++i) {
    const auto mapping = window_.map(i * kGranule, kGranule);
    if (!mapping) break;
    (void)*static_cast<volatile std::byte*>(mapping->data());
    EXPECT_EQ(mapping->bad(), i >= 30) << i;
    bad += mapping->bad() ? 1 : 0;
  }
  EXPECT_GT(bad, 0);
}

}  // namespace
}  // namespace kmapper::process
