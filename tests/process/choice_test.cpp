// What Placement::automatic chooses, given what a miss costs.
#include "process/fill/choice.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kmapper::process {
namespace {

constexpr std::size_t kGranule = std::size_t{64} << 10;
constexpr Candidates kAll{.home = true, .copies = true};
constexpr Candidates kForWriting{.home = true, .copies = false};
constexpr Candidates kNarrow{.home = false, .copies = true};  // a 32-bit process

/// Costs of one number for each placement. Home below 0: the file cannot have one.
Costs costs(std::int64_t home, std::int64_t slots, std::int64_t copies) {
  Costs costs{.slots = {slots, slots}, .copies = {copies, copies}, .home = {}};
  if (home >= 0) costs.home = MissCost{home, home};
  return costs;
}

TEST(Choice, IsTheCheapestUnlessAnEarlierOneIsNearlyAsCheap) {
  struct Case {
    std::int64_t home, slots, copies;
    Candidates candidates;
    Placement expected;
  };
  const Case cases[] = {
      {20'000, 30'000, 2'000, kAll, Placement::copies},  // page tables are shadowed
      {1'200, 2'500, 3'500, kAll, Placement::home},
      {3'000, 2'000, 9'000, kAll, Placement::slots},
      {-1, 2'000, 9'000, kAll, Placement::slots},
      {-1, 30'000, 2'000, kAll, Placement::copies},
      // A fifth is the border; what comes first has it.
      {1'000, 800, 800, kAll, Placement::home},
      {1'000, 2'000, 799, kAll, Placement::copies},
      {1'000, 799, 2'000, kAll, Placement::slots},
      {-1, 1'000, 800, kAll, Placement::slots},
      {-1, 1'000, 799, kAll, Placement::copies},
      // Each is compared with the one that is ahead, not with the first.
      {1'000, 790, 640, kAll, Placement::slots},
      // However cheap: a window for writing has no copies, and a file without addresses no home.
      {20'000, 30'000, 1, kForWriting, Placement::home},
      {30'000, 20'000, 1, kForWriting, Placement::slots},
      {1, 2'000, 9'000, kNarrow, Placement::slots},
      {1, 20'000, 9'000, kNarrow, Placement::copies},
      {1, 20'000, 9'000, {.home = false, .copies = false}, Placement::slots},
      {0, 0, 0, kAll, Placement::home},
  };
  for (const Case& it : cases) {
    EXPECT_EQ(choose(costs(it.home, it.slots, it.copies), it.candidates, kGranule).placement,
              it.expected)
        << it.home << ", " << it.slots << ", " << it.copies;
  }
}

TEST(Choice, GivesTheUseOfOnePageAndOfAllTheSameWeight) {
  Costs costs{.slots = {9'000, 9'000}, .copies = {500, 15'000}, .home = MissCost{3'000, 9'000}};
  EXPECT_EQ(choose(costs, kAll, kGranule).placement, Placement::home);
  costs.copies.whole = 8'000;
  EXPECT_EQ(choose(costs, kAll, kGranule).placement, Placement::copies);
}

TEST(Choice, SaysWhyInOneLine) {
  EXPECT_EQ(choose(costs(22'040, 31'500, 6'000), kAll, kGranule).why,
            "copies: a granule of 64 KiB takes 22.0 us at home, 31.5 us in slots, 6.0 us to read");
  EXPECT_EQ(choose(costs(-1, 31'500, 6'000), kAll, 2 << 20).why,
            "copies: a granule of 2 MiB takes 31.5 us in slots, 6.0 us to read");
  EXPECT_EQ(choose(costs(1'000, 2'000, 900), kForWriting, 4096).why,
            "home: a granule of 4 KiB takes 1.0 us at home, 2.0 us in slots");
  EXPECT_EQ(
      choose(costs(1'000, 2'000, 900), kAll, 4096).why,
      "home: a granule of 4 KiB takes 1.0 us at home, 2.0 us in slots, 0.9 us to read; copies "
      "would save less than a fifth");
  EXPECT_EQ(why_chosen(Placement::slots, "the budget asks for it"),
            "slots: the budget asks for it");
}

}  // namespace
}  // namespace kmapper::process
