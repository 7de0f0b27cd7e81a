// Placement::automatic, on a machine that is told what a miss costs.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <optional>
#include <string>

#include "in_a_child.hpp"
#include "kmapper/kmapper.h"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "process/fill/costs.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = std::int64_t{64} << 10;
constexpr std::int64_t kSize = 40 * kGranule;
constexpr bool kIsWide = sizeof(void*) == 8;

/// Sets what a miss in memory files costs, until its end.
class Machine {
 public:
  Machine(std::int64_t home, std::int64_t slots, std::int64_t copies) {
    const Costs costs{
        .slots = {slots, slots}, .copies = {copies, copies}, .home = MissCost{home, home}};
    for (const Access access : {Access::read_only, Access::read_write})
      set_costs(subject(access), costs);
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() {
    for (const Access access : {Access::read_only, Access::read_write})
      set_costs(subject(access), measure(subject(access)));
  }

 private:
  [[nodiscard]] Subject subject(Access access) const { return {file_.descriptor(), access, 16}; }
  const ScratchFile file_{0};
};

class Automatic : public testing::Test {
 protected:
  static Options options(Placement placement) {
    return {.bytes = 32 * kGranule, .granule = kGranule, .placement = placement};
  }
  FileWindow open(Access access, Placement placement = Placement::automatic) const {
    return {file_.descriptor(), access, Budget(options(placement))};
  }
  static void expect_shown(FileWindow& window) {
    for (std::int64_t at = 0; at < kSize; at += kGranule) {
      const auto mapping = window.map(at + 5, 100);
      ASSERT_TRUE(mapping) << mapping.error().message();
      EXPECT_TRUE(shows(mapping->bytes(), at + 5));
    }
  }
  const ScratchFile file_{kSize};
};

TEST_F(Automatic, ReadsCopiesWhereFaultsAreDear) {
  const Machine machine(22'000, 31'500, 6'000);
  FileWindow window = open(Access::read_only);
  EXPECT_EQ(window.placement(), Placement::copies);
  EXPECT_EQ(window.why_placed(),
            kIsWide ? "copies: a granule of 64 KiB takes 22.0 us at home, 31.5 us in slots, 6.0 us "
                      "to read"
                    : "copies: a granule of 64 KiB takes 31.5 us in slots, 6.0 us to read");
  expect_shown(window);
}

TEST_F(Automatic, NeverReadsCopiesOfWhatMayBeWritten) {
  const Machine machine(22'000, 31'500, 6'000);
  FileWindow window = open(Access::read_write);
  EXPECT_EQ(window.placement(), kIsWide ? Placement::home : Placement::slots);
  EXPECT_EQ(window.why_placed().find("read"), std::string::npos);
  expect_shown(window);
  const Budget budget(options(Placement::automatic));
  HighMemory memory(budget);
  EXPECT_TRUE(memory.allocate());
  EXPECT_EQ(budget.stats().files_in_copies, 0);
}

TEST_F(Automatic, MapsAtHomeWhereFaultsAreCheap) {
  const Machine machine(1'000, 2'000, 6'000);
  for (const Access access : {Access::read_only, Access::read_write}) {
    FileWindow window = open(access);
    EXPECT_EQ(window.placement(), kIsWide ? Placement::home : Placement::slots);
    expect_shown(window);
  }
}

TEST_F(Automatic, MapsInSlotsWhereTheyAreCheaper) {
  const Machine machine(3'000, 2'000, 6'000);
  for (const Access access : {Access::read_only, Access::read_write}) {
    FileWindow window = open(access);
    EXPECT_EQ(window.placement(), Placement::slots);
    expect_shown(window);
  }
}

TEST_F(Automatic, IsOverruledByTheOptions) {
  const Machine machine(22'000, 31'500, 6'000);
  for (const Placement it : {Placement::slots, Placement::home, Placement::copies})
    EXPECT_EQ(open(Access::read_only, it).placement(), it);
  EXPECT_EQ(open(Access::read_only, Placement::slots).why_placed(),
            "slots: the budget's options say so");
  FileWindow strict(file_.descriptor(), Access::read_only,
                    Budget({.bytes = 32 * kGranule, .granule = kGranule, .strict = true}));
  EXPECT_EQ(strict.placement(), Placement::slots);
  EXPECT_EQ(strict.why_placed(), "slots: the budget is strict");
}

// The page tables of so large a file at home would be more than the budget allows.
TEST_F(Automatic, ChoosesAmongTheOthersWhereThereIsNoHome) {
  const ScratchFile large(0);
  ASSERT_EQ(ftruncate64(large.descriptor(), std::int64_t{1} << 40), 0);
  const auto placed = [&] {
    const FileWindow window(large.descriptor(), Access::read_only,
                            Budget(options(Placement::automatic)));
    EXPECT_EQ(window.why_placed().find("at home"), std::string::npos);
    return window.placement();
  };
  {
    const Machine machine(1'000, 20'000, 6'000);
    EXPECT_EQ(placed(), Placement::copies);
  }
  const Machine machine(1'000, 5'000, 6'000);
  EXPECT_EQ(placed(), Placement::slots);
}

TEST_F(Automatic, TakesTheUsualPlaceWhereNothingCanBeMeasured) {
  const ScratchFile small(ScratchFile::on_disk, 10);
  const FileWindow window(small.descriptor(), Access::read_only,
                          Budget({.bytes = 32 * kGranule, .granule = 2 * kGranule}));
  if (window.placement() == Placement::copies) GTEST_SKIP() << "the costs are known here";
  EXPECT_NE(window.why_placed().find(": what a miss costs cannot be measured with this file"),
            std::string::npos);
}

TEST_F(Automatic, IsSlotsInAProcessThatLocksWhatItMaps) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer reserves more than can be locked";
#endif
  constexpr int kNotAllowed = 77;
  const int ended = in_a_child([this] {
    if (mlockall(MCL_FUTURE) != 0) return kNotAllowed;
    const FileWindow window = open(Access::read_write);
    return window.placement() == Placement::slots ? 0 : 1;
  });
  if (ended == kNotAllowed) GTEST_SKIP() << "the process may not lock its memory";
  EXPECT_EQ(ended, 0);
}

TEST_F(Automatic, CountsTheFilesOfABudgetByPlacement) {
  const Machine machine(1'000, 2'000, 500);
  const Budget budget(options(Placement::automatic));
  const FileWindow read(file_.descriptor(), Access::read_only, budget);
  const FileWindow written(file_.descriptor(), Access::read_write, budget);
  Stats stats = budget.stats();
  EXPECT_EQ(stats.files_in_copies, 1);
  EXPECT_EQ(stats.files_at_home, kIsWide ? 1 : 0);
  EXPECT_EQ(stats.files_in_slots, kIsWide ? 0 : 1);
  { const FileWindow again(file_.descriptor(), Access::read_only, budget); }
  EXPECT_EQ(budget.stats().files_in_copies, 1);
}

TEST_F(Automatic, IsSaidInC) {
  const Machine machine(22'000, 31'500, 6'000);
  kmapper_budget* budget = nullptr;
  kmapper_window* window = nullptr;
  kmapper_options options{};
  options.size = sizeof options;
  options.granule = kGranule;
  ASSERT_EQ(kmapper_budget_create(&options, &budget), KMAPPER_OK);
  ASSERT_EQ(kmapper_window_open_descriptor(file_.descriptor(), KMAPPER_READ_ONLY, budget, &window),
            KMAPPER_OK);
  EXPECT_EQ(kmapper_window_placement(window), KMAPPER_PLACEMENT_COPIES);
  EXPECT_EQ(std::string(kmapper_window_why_placed(window)).rfind("copies: a granule of 64 KiB", 0),
            0U);
  kmapper_stats stats{};
  stats.size = sizeof stats;
  EXPECT_EQ(kmapper_budget_stats(budget, &stats), KMAPPER_OK);
  EXPECT_EQ(stats.files_in_copies, 1);
  EXPECT_EQ(stats.files_at_home, 0);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  EXPECT_EQ(kmapper_window_why_placed(nullptr), nullptr);
  EXPECT_EQ(kmapper_last_error(), KMAPPER_INVALID_OPTION);
}

}  // namespace
}  // namespace kmapper::process
