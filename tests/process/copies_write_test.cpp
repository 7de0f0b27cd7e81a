// Copies that are written to: what is written gets into the file, and nothing else does.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

const std::int64_t page = static_cast<std::int64_t>(system::page_size());
const std::int64_t granule = 4 * page;
constexpr std::int64_t kGranules = 64;
const std::int64_t size = kGranules * granule - 100;
constexpr std::int64_t kSlots = 16;

class WrittenCopies : public testing::TestWithParam<bool> {
 protected:
  const Budget budget_{{.bytes = kSlots * granule,
                        .granule = granule,
                        .placement = Placement::copies,
                        .strict = GetParam()}};
  const ScratchFile file_{size};
  std::optional<FileWindow> window_{std::in_place, file_.descriptor(), Access::read_write, budget_};

  /// Inverts the byte.
  void write_at(std::int64_t offset) {
    const auto mapping = window_->map(offset, 1);
    ASSERT_TRUE(mapping) << mapping.error().message();
    mapping->writable()[0] = ~byte_at(offset);
  }
  [[nodiscard]] bool is_in_file(std::int64_t offset) const {
    return file_.read(offset) == ~byte_at(offset);
  }
  [[nodiscard]] bool is_shown(std::int64_t offset) {
    const auto mapping = window_->map(offset, 1);
    return mapping && mapping->bytes()[0] == ~byte_at(offset);
  }
  void write_behind_its_back(std::int64_t offset) const {
    const std::byte other = ~byte_at(offset);
    ASSERT_EQ(pwrite64(file_.descriptor(), &other, 1, offset), 1);
  }
};

INSTANTIATE_TEST_SUITE_P(, WrittenCopies, testing::Bool(),
                         [](const auto& it) { return it.param ? "Strict" : "Usual"; });

TEST_P(WrittenCopies, AreInTheFileAfterASync) {
  write_at(5 * page + 7);
  write_at(size - 1);
  EXPECT_EQ(is_in_file(5 * page + 7), GetParam());
  ASSERT_FALSE(window_->sync());
  EXPECT_TRUE(is_in_file(5 * page + 7));
  EXPECT_TRUE(is_in_file(size - 1));
  EXPECT_TRUE(is_shown(5 * page + 7));
}

TEST_P(WrittenCopies, AreSyncedByRange) {
  const auto held = window_->map(5 * granule, 1);
  held->writable()[0] = ~byte_at(5 * granule);
  const auto other = window_->map(9 * granule, 1);
  other->writable()[0] = ~byte_at(9 * granule);
  ASSERT_FALSE(window_->sync(5 * granule + 1, 10));
  EXPECT_TRUE(is_in_file(5 * granule));
  EXPECT_FALSE(is_in_file(9 * granule));
  ASSERT_FALSE(window_->start_sync(9 * granule, 1));
  EXPECT_TRUE(is_in_file(9 * granule));
}

TEST_P(WrittenCopies, AreInTheFileWhenTheirSlotsAreTaken) {
  for (std::int64_t i = 0; i < kGranules; ++i) write_at(i * granule + 3 * page);
  for (std::int64_t i = 0; i < kGranules; ++i) EXPECT_TRUE(is_shown(i * granule + 3 * page)) << i;
  budget_.trim();
  for (std::int64_t i = 0; i < kGranules; ++i) EXPECT_TRUE(is_in_file(i * granule + 3 * page)) << i;
}

TEST_P(WrittenCopies, AreInTheFileAfterTheWindow) {
  for (std::int64_t i = 0; i < 5; ++i) write_at(i * granule + page);
  window_.reset();
  for (std::int64_t i = 0; i < 5; ++i) EXPECT_TRUE(is_in_file(i * granule + page)) << i;
}

TEST_P(WrittenCopies, AreAQuarterOfTheBudgetAtMost) {
  if (GetParam()) GTEST_SKIP() << "a strict budget has none";
  std::vector<std::int64_t> written;
  for (std::int64_t i = 0; i < kSlots - 4; ++i) {
    write_at(i * granule);
    std::int64_t dirty = 0;
    for (std::int64_t j = 0; j <= i; ++j) dirty += is_in_file(j * granule) ? 0 : 1;
    EXPECT_LE(dirty, kSlots / 4 + 1);
  }
}

TEST_P(WrittenCopies, AreOnlyThosePagesThatWereMappedForWriting) {
  ASSERT_TRUE(window_->map(0, granule));
  const auto whole = window_->map(0, granule);
  EXPECT_TRUE(shows(whole->bytes(), 0));
  write_at(2 * page);
  write_behind_its_back(page + 5);
  write_behind_its_back(3 * page + 5);
  ASSERT_FALSE(window_->sync());
  for (const std::int64_t at : {2 * page, page + 5, 3 * page + 5}) EXPECT_TRUE(is_in_file(at));
}

TEST_P(WrittenCopies, StayDirtyWhileTheyAreHeld) {
  const auto held = window_->map(page, 2);
  ASSERT_TRUE(held);
  const auto bytes = held->writable();
  bytes[0] = ~byte_at(page);
  ASSERT_FALSE(window_->sync());
  EXPECT_TRUE(is_in_file(page));
  bytes[1] = ~byte_at(page + 1);
  ASSERT_FALSE(window_->sync());
  EXPECT_TRUE(is_in_file(page + 1));
}

TEST_P(WrittenCopies, AcrossGranules) {
  const std::int64_t at = 3 * granule - 1;
  write_at(at - 1);
  {
    const auto across = window_->map(at - 1, 3);
    ASSERT_TRUE(across) << across.error().message();
    EXPECT_EQ(across->bytes()[0], ~byte_at(at - 1));
    across->writable()[1] = ~byte_at(at);
    ASSERT_FALSE(window_->sync());
    EXPECT_TRUE(is_in_file(at));
    across->writable()[2] = ~byte_at(at + 1);
  }
  for (const std::int64_t it : {at - 1, at, at + 1}) {
    EXPECT_TRUE(is_in_file(it));
    EXPECT_TRUE(is_shown(it));
  }
  ASSERT_TRUE(window_->map(at - 1, 3));
  EXPECT_EQ(budget_.stats().pinned, 0);
}

TEST_P(WrittenCopies, AcrossGranulesAndBesideThemAtTheSameTime) {
  const std::int64_t at = 3 * granule;
  {
    const auto across = window_->map(at - 1, 2);
    across->writable()[0] = ~byte_at(at - 1);
    across->writable()[1] = ~byte_at(at);
    write_at(at + 1);
    write_at(at - 2);
  }
  for (const std::int64_t it : {at - 2, at - 1, at, at + 1}) {
    EXPECT_TRUE(is_shown(it)) << it - at;
    EXPECT_TRUE(is_in_file(it)) << it - at;
  }
}

TEST_P(WrittenCopies, DoNotLengthenTheFile) {
  const auto held = window_->map(size - 1, 1);
  held->writable()[0] = ~byte_at(size - 1);
  ASSERT_FALSE(window_->sync());
  struct stat status {};
  ASSERT_EQ(fstat(file_.descriptor(), &status), 0);
  EXPECT_EQ(status.st_size, size);
  // Nor do they overwrite what is appended.
  const std::byte more{0x5a};
  ASSERT_EQ(pwrite64(file_.descriptor(), &more, 1, size), 1);
  ASSERT_FALSE(window_->sync());
  EXPECT_EQ(file_.read(size), more);
  // Nor do they bring back what is cut off.
  ASSERT_EQ(ftruncate64(file_.descriptor(), size - page), 0);
  EXPECT_EQ(window_->sync().code(), WindowErrc::cut_short);
  EXPECT_EQ(held->fault(), WindowErrc::cut_short);
  ASSERT_EQ(fstat(file_.descriptor(), &status), 0);
  EXPECT_EQ(status.st_size, size - page);
}

// The copy that ended with the file is held, so that it cannot be read again to its new end.
TEST_P(WrittenCopies, BehindAnEndThatIsHeld) {
  auto held = window_->map(size - 1, 1);
  ASSERT_TRUE(held);
  ASSERT_TRUE(window_->append(std::vector<std::byte>(static_cast<std::size_t>(8 * granule))));
  const std::int64_t at = size + 5 * granule;
  {
    const auto behind = window_->map(at, 1);
    ASSERT_TRUE(behind) << behind.error().message();
    behind->writable()[0] = std::byte{7};
  }
  const std::int64_t whole = (at + granule) / granule * granule;
  ASSERT_FALSE(window_->discard(whole, granule));  // finds what is mapped there
  *held = {};
  window_.reset();
  EXPECT_EQ(file_.read(at), std::byte{7});
  EXPECT_EQ(budget_.stats().mapped, 0);
}

// What is written to a mapping across granules is not lost to an older copy that is held.
TEST_P(WrittenCopies, AcrossGranulesStayWhenACopyOfTheirPageIsWrittenLater) {
  auto held = window_->map(granule, 10);
  ASSERT_TRUE(held);
  held->writable()[0] = ~byte_at(granule);
  {
    const auto across = window_->map(granule + 100, granule);
    ASSERT_TRUE(across);
    across->writable()[0] = ~byte_at(granule + 100);
  }
  held->writable()[1] = ~byte_at(granule + 1);
  *held = {};
  ASSERT_FALSE(window_->sync());
  for (const std::int64_t at : {granule, granule + 1, granule + 100})
    EXPECT_TRUE(is_in_file(at)) << at - granule;
  EXPECT_EQ(file_.read(granule + 101), byte_at(granule + 101));
}

TEST_P(WrittenCopies, AcrossGranulesAreNotWrittenIntoAHole) {
  const auto across = window_->map(granule + 100, granule);
  ASSERT_TRUE(across);
  across->writable()[0] = std::byte{7};
  EXPECT_EQ(window_->discard(0, 4 * granule).code(), WindowErrc::pinned);
}

TEST_P(WrittenCopies, OfAFileThatIsCutAndGrowsAgain) {
  const std::int64_t end = 5 * granule + page + 10;
  write_at(end - 1);
  const auto held = window_->map(end - 1, 1);
  ASSERT_TRUE(window_->map(end + page, 1));
  write_at(end + page);
  ASSERT_FALSE(window_->resize(end));
  ASSERT_FALSE(window_->sync());
  ASSERT_FALSE(window_->resize(size));
  EXPECT_TRUE(is_shown(end - 1));
  EXPECT_EQ(window_->map(end + page, 1)->bytes()[0], std::byte{0});
  EXPECT_EQ(window_->map(end, 1)->bytes()[0], std::byte{0});
}

TEST_P(WrittenCopies, AreZerosAfterADiscard) {
  write_at(2 * granule + page);
  ASSERT_FALSE(window_->discard(2 * granule, granule));
  EXPECT_EQ(window_->map(2 * granule + page, 1)->bytes()[0], std::byte{0});
  window_.reset();
  EXPECT_EQ(file_.read(2 * granule + page), std::byte{0});
}

TEST_P(WrittenCopies, GetIntoTheFileAtARefresh) {
  write_at(0);
  const auto held = window_->map(granule, 1);
  held->writable()[0] = ~byte_at(granule);
  write_behind_its_back(page);
  ASSERT_FALSE(window_->refresh());
  EXPECT_TRUE(is_shown(0));
  EXPECT_TRUE(is_shown(page));
  ASSERT_FALSE(window_->sync());
  EXPECT_TRUE(is_in_file(granule));
}

TEST_P(WrittenCopies, ThroughACursor) {
  {
    Cursor cursor(*window_);
    for (std::int64_t i = 0; i < 4 * granule; i += 64) *cursor.at(i) = ~byte_at(i);
    ASSERT_FALSE(window_->sync());
    *cursor.at(4 * granule - 1) = ~byte_at(4 * granule - 1);
  }
  ASSERT_FALSE(window_->sync());
  for (std::int64_t i = 0; i < 4 * granule; i += 64) EXPECT_TRUE(is_in_file(i));
  EXPECT_TRUE(is_in_file(4 * granule - 1));
}

TEST_P(WrittenCopies, SeveralAtOnce) {
  Range ranges[] = {{&*window_, 10, 1}, {&*window_, granule + page, 1}};
  ASSERT_FALSE(map_all(budget_, ranges));
  for (const Range& it : ranges) it.mapping.data()[0] = ~byte_at(it.offset);
  ASSERT_FALSE(window_->sync());
  for (const Range& it : ranges) EXPECT_TRUE(is_in_file(it.offset));
}

TEST_P(WrittenCopies, AreNotWrittenByAChild) {
  auto held = window_->map(page, 1);
  held->writable()[0] = std::byte{1};
  const int ended = in_a_child([&] {
    held->writable()[0] = std::byte{2};
    *held = {};
    window_.reset();
    return 0;
  });
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(file_.read(page), byte_at(page));
  ASSERT_FALSE(window_->sync());
  EXPECT_EQ(file_.read(page), std::byte{1});
}

TEST(WrittenCopiesOfHighMemory, KeepWhatIsWritten) {
  HighMemory memory(
      Budget({.bytes = kSlots * granule, .granule = granule, .placement = Placement::copies}));
  std::vector<HighPage> pages;
  for (int i = 0; i < 100; ++i) {
    pages.push_back(*memory.allocate());
    memory.map(pages.back())->writable()[5] = static_cast<std::byte>(i);
  }
  for (std::size_t i = 0; i < pages.size(); ++i)
    EXPECT_EQ(memory.map(pages[i])->bytes()[5], static_cast<std::byte>(i));
}

// Each thread counts in words of its own, in pages and granules that the others use, too. A page
// that is read again before it has been written back loses a count.
void count_in_threads(const Budget& budget, const ScratchFile& file, int rounds) {
  constexpr std::int64_t kThreads = 4;
  std::vector<std::vector<std::uint32_t>> counts(kThreads,
                                                 std::vector<std::uint32_t>(4 * kGranules));
  FileWindow window(file.descriptor(), Access::read_write, budget);
  const auto offset_of = [](std::int64_t thread, std::size_t cell) {
    return static_cast<std::int64_t>(cell) * page + 64 * thread;
  };
  std::vector<std::thread> threads;
  for (std::int64_t number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number] {
      auto& own = counts[static_cast<std::size_t>(number)];
      std::uint32_t random = static_cast<std::uint32_t>(number) + 1;
      for (int i = 0; i < rounds; ++i) {
        random = random * 1664525 + 1013904223;
        const std::size_t cell = random % 7 == 0 ? random / 64 % own.size() : random / 64 % 80;
        const auto mapping = window.map(offset_of(number, cell), 4);
        ASSERT_TRUE(mapping) << mapping.error().message();
        std::uint32_t seen = 0;
        std::memcpy(&seen, mapping->bytes().data(), 4);
        ASSERT_EQ(seen, own[cell]) << cell;
        if (random / 8 % 2 == 0) continue;
        seen = ++own[cell];
        std::memcpy(mapping->writable().data(), &seen, 4);
        if (i % 1000 == 0 && number == 0) (void)budget.trim();
      }
    });
  }
  for (std::thread& it : threads) it.join();
  ASSERT_FALSE(window.sync());
  for (std::int64_t number = 0; number < kThreads; ++number) {
    for (std::size_t cell = 0; cell < 4 * kGranules; ++cell) {
      std::uint32_t seen = 0;
      ASSERT_EQ(pread64(file.descriptor(), &seen, 4, offset_of(number, cell)), 4);
      EXPECT_EQ(seen, counts[static_cast<std::size_t>(number)][cell]) << cell;
    }
  }
  EXPECT_EQ(budget.stats().pinned, 0);
}

TEST(WrittenCopiesOfSeveralThreads, OthersWriteToTheSameGranuleWhileItIsWrittenBack) {
  ScratchFile file(0);
  ASSERT_EQ(ftruncate64(file.descriptor(), size), 0);
  const Budget budget(
      {.bytes = kSlots * granule, .granule = granule, .placement = Placement::copies});
  FileWindow window(file.descriptor(), Access::read_write, budget);
  std::atomic<bool> is_over{false};
  std::thread other([&] {
    while (!is_over) window.map(page, 4)->writable()[0] = std::byte{1};
  });
  for (std::uint32_t i = 1; i <= 5'000 && !HasFailure(); ++i) {
    std::memcpy(window.map(0, 4)->writable().data(), &i, 4);
    // More than may be dirty: so some of them are written back.
    for (std::int64_t k = 1; k < kSlots / 2; ++k)
      window.map(k * granule, 4)->writable()[0] = std::byte{1};
    EXPECT_FALSE(window.sync());
    std::uint32_t seen = 0;
    EXPECT_EQ(pread64(file.descriptor(), &seen, 4, 0), 4);
    EXPECT_EQ(seen, i);
  }
  is_over = true;
  other.join();
}

TEST(WrittenCopiesOfSeveralThreads, LoseNothing) {
  ScratchFile file(0);
  ASSERT_EQ(ftruncate64(file.descriptor(), size), 0);
  count_in_threads(
      Budget({.bytes = kSlots * granule, .granule = granule, .placement = Placement::copies}), file,
      20'000);
}

TEST(WrittenCopiesOfSeveralThreads, LoseNothingInAStrictBudget) {
  ScratchFile file(0);
  ASSERT_EQ(ftruncate64(file.descriptor(), size), 0);
  count_in_threads(Budget({.bytes = kSlots * granule,
                           .granule = granule,
                           .placement = Placement::copies,
                           .strict = true}),
                   file, 1000);
}

}  // namespace
}  // namespace kmapper::process
