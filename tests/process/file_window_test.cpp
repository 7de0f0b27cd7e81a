// A file through the window, as seen by one thread.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;

/// 16 granules of 4 KiB: 14 slots, and two for spans.
Options small_budget(Placement placement = Placement::automatic) {
  return {.bytes = 64 * kKiB, .granule = 4 * kKiB, .placement = placement};
}

TEST(FileWindow, AMappingShowsTheFile) {
  const ScratchFile file(ScratchFile::on_disk, 3 * kMiB);
  FileWindow window(file.path(), Access::read_only, Budget(small_budget()));
  for (std::int64_t offset = 0; offset + 100 <= 3 * kMiB; offset += 10'007) {
    const Expected<Mapping> mapping = window.map(offset, 100);
    ASSERT_TRUE(mapping) << mapping.error().message();
    ASSERT_EQ(mapping->size(), 100U);
    EXPECT_TRUE(shows(mapping->bytes(), offset)) << offset;
  }
}

TEST(FileWindow, AMappedGranuleIsFoundAgain) {
  const ScratchFile file(kMiB);
  const Budget budget(small_budget(Placement::slots));
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const std::byte* const first = window.map(5000, 10)->data();
  EXPECT_EQ(window.map(5000, 10)->data(), first);
  EXPECT_EQ(window.map(5001, 1)->data(), first + 1);
  const Stats stats = budget.stats();
  EXPECT_EQ(stats.misses, 1U);
  EXPECT_EQ(stats.hits, 2U);
  EXPECT_EQ(stats.map_calls, 1U);
}

TEST(FileWindow, OneGranuleMayBeMappedTwice) {
  const ScratchFile file(kMiB);
  const Budget budget(small_budget());
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const Expected<Mapping> one = window.map(0, 10);
  const Expected<Mapping> other = window.map(20, 10);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(other->data(), one->data() + 20);
  EXPECT_EQ(budget.stats().misses, 1U);
}

TEST(FileWindow, WhatIsWrittenIsInTheFile) {
  const ScratchFile file(ScratchFile::on_disk, kMiB);
  FileWindow window(file.path(), Access::read_write, Budget(small_budget()));
  for (std::int64_t offset = 0; offset < kMiB; offset += 4 * kKiB) {
    const Expected<Mapping> mapping = window.map(offset + 7, 1);
    ASSERT_TRUE(mapping);
    mapping->writable()[0] = ~byte_at(offset + 7);
  }
  EXPECT_FALSE(window.sync());
  for (std::int64_t offset = 0; offset < kMiB; offset += 4 * kKiB) {
    EXPECT_EQ(file.read(offset + 7), ~byte_at(offset + 7));
    EXPECT_EQ(file.read(offset + 8), byte_at(offset + 8));
  }
}

TEST(FileWindow, ARangeIsSyncedByItself) {
  for (const ScratchFile::Kind kind : {ScratchFile::on_disk, ScratchFile::in_memory}) {
    const ScratchFile file(kind, kMiB);
    FileWindow window(file.descriptor(), Access::read_write, Budget(small_budget()));
    window.map(5000, 1)->writable()[0] = std::byte{1};
    EXPECT_FALSE(window.sync(5000, 1));
    EXPECT_FALSE(window.sync(0, kMiB));
    EXPECT_FALSE(window.start_sync(5000, 1));
    EXPECT_EQ(window.sync(kMiB - 1, 2).code(), WindowErrc::beyond_end);
    EXPECT_EQ(window.sync(0, 0).code(), WindowErrc::invalid_range);
  }
}

TEST(FileWindow, WhatIsPrefetchedIsThere) {
  const ScratchFile file(ScratchFile::on_disk, kMiB);
  const Budget budget(  // 56 slots
      {.bytes = 64 * 4 * kKiB, .granule = 4 * kKiB, .placement = Placement::slots});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  EXPECT_FALSE(window.prefetch(8 * 4 * kKiB + 5, 6 * 4 * kKiB));
  EXPECT_EQ(budget.stats().map_calls, 1U);
  EXPECT_EQ(budget.stats().misses, 7U);
  EXPECT_EQ(budget.stats().pinned, 0);
  for (std::int64_t i = 8; i < 15; ++i) {
    const auto mapping = window.map(i * 4 * kKiB, 4 * kKiB);
    ASSERT_TRUE(mapping);
    EXPECT_TRUE(shows(mapping->bytes(), i * 4 * kKiB));
  }
  EXPECT_EQ(budget.stats().misses, 7U);
  EXPECT_FALSE(window.prefetch(0, kMiB));
  EXPECT_LE(budget.stats().misses, 7U + 56 / 4);
  EXPECT_EQ(budget.stats().hits, 7U);  // those of maps; to prefetch what is mapped is none
  EXPECT_EQ(window.prefetch(kMiB, 1).code(), WindowErrc::beyond_end);
}

TEST(FileWindow, ToPrefetchTakesNothingThatIsHeld) {
  const ScratchFile file(kMiB);
  FileWindow window(file.descriptor(), Access::read_only, Budget(small_budget()));
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < 14; ++i) held.push_back(std::move(*window.map(i * 4 * kKiB, 1)));
  EXPECT_FALSE(window.prefetch(20 * 4 * kKiB, kMiB / 2));
  for (std::int64_t i = 0; i < 14; ++i)
    EXPECT_TRUE(shows(held[static_cast<std::size_t>(i)].bytes(), i * 4 * kKiB));
}

TEST(FileWindow, StatisticsSayWhatIsPopulatedAndWhoHoldsLongest) {
  const ScratchFile file(kMiB);
  for (const Placement placement : {Placement::slots, Placement::automatic}) {
    Options options = small_budget();
    options.placement = placement;
    const Budget budget(options);
    FileWindow window(file.descriptor(), Access::read_write, budget);
    EXPECT_EQ(budget.stats().populated, 0);
    EXPECT_EQ(budget.stats().longest_holder, 0);
    const auto first = window.map(0, 1);
    (void)*static_cast<volatile std::byte*>(first->data());
    EXPECT_EQ(budget.stats().populated, 4 * kKiB);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::thread([&] { (void)budget.stats(); }).join();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const Stats stats = budget.stats();
    EXPECT_EQ(stats.longest_holder, gettid());
    EXPECT_GE(stats.longest_hold_ns, 2'000'000U);
  }
}

TEST(FileWindow, ARangeAcrossGranulesIsOnePiece) {
  const ScratchFile file(kMiB);
  const Budget budget(small_budget());
  FileWindow window(file.descriptor(), Access::read_write, budget);
  const std::int64_t offset = 4 * kKiB - 3;
  const Expected<Mapping> mapping = window.map(offset, 6);
  ASSERT_TRUE(mapping) << mapping.error().message();
  EXPECT_TRUE(shows(mapping->bytes(), offset));
  mapping->writable()[5] = std::byte{99};
  EXPECT_EQ(window.map(offset + 5, 1)->bytes()[0], std::byte{99});
  EXPECT_EQ(budget.stats().spans, 1U);
}

TEST(FileWindow, TheLongestRangeMayBeginAnywhere) {
  const ScratchFile file(kMiB);
  FileWindow window(file.descriptor(), Access::read_only,
                    Budget({.bytes = kMiB, .granule = 4 * kKiB}));
  const std::int64_t longest = window.longest();
  EXPECT_EQ(longest, 15 * 4 * kKiB + 1);
  for (const std::int64_t offset : {0, 1, 4095, 4096, 5000}) {
    const Expected<Mapping> mapping = window.map(offset, longest);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(shows(mapping->bytes(), offset));
  }
}

TEST(FileWindow, EverythingPinnedIsAnErrorForWhoDoesNotWait) {
  const ScratchFile file(kMiB);
  FileWindow window(file.descriptor(), Access::read_only, Budget(small_budget()));
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < 14; ++i) {
    Expected<Mapping> mapping = window.try_map(i * 4 * kKiB, 1);
    ASSERT_TRUE(mapping);
    held.push_back(std::move(*mapping));
  }
  EXPECT_EQ(window.try_map(14 * 4 * kKiB, 1).error().code(), WindowErrc::would_sleep);
  EXPECT_EQ(window.map_for(14 * 4 * kKiB, 1, std::chrono::milliseconds(5)).error().code(),
            WindowErrc::timed_out);
  held.pop_back();
  EXPECT_TRUE(window.try_map(14 * 4 * kKiB, 1));
}

TEST(FileWindow, AllOfTheSpanAreaTakenIsAnErrorForWhoDoesNotWait) {
  const ScratchFile file(kMiB);
  FileWindow window(file.descriptor(), Access::read_only, Budget(small_budget()));
  std::optional<Expected<Mapping>> held = window.map(4095, 2);
  ASSERT_TRUE(*held);
  EXPECT_EQ(window.try_map(4095, 2).error().code(), WindowErrc::would_sleep);
  EXPECT_EQ(window.map_for(4095, 2, std::chrono::milliseconds(5)).error().code(),
            WindowErrc::timed_out);
  held.reset();
  EXPECT_TRUE(window.try_map(4095, 2));
}

TEST(FileWindow, AnErrorNamesFileRangeAndLimit) {
  const ScratchFile file(ScratchFile::on_disk, 1000);
  FileWindow window(file.path(), Access::read_only, Budget(small_budget()));
  const Expected<Mapping> mapping = window.map(900, 101);
  ASSERT_FALSE(mapping);
  EXPECT_EQ(mapping.error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(mapping.error().code(), std::errc::result_out_of_range);
  EXPECT_EQ(mapping.error().message(),
            file.path() + ": 101 bytes at 900: beyond the end of the file, 1000 bytes");
}

TEST(FileWindow, RangesThatAreNoneAreRefused) {
  const ScratchFile file(kMiB);
  FileWindow window(file.descriptor(), Access::read_only, Budget(small_budget()));
  EXPECT_EQ(window.map(-1, 10).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(window.map(0, 0).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(window.map(0, -1).error().code(), WindowErrc::invalid_range);
  EXPECT_EQ(window.map(INT64_MAX, INT64_MAX).error().code(), WindowErrc::beyond_end);
  EXPECT_EQ(window.map(1, INT64_MAX).error().code(), WindowErrc::beyond_end);
  const Error error = window.map(0, kMiB).error();
  EXPECT_EQ(error.code(), WindowErrc::too_large);
  EXPECT_EQ(error.limit(), window.longest());
  EXPECT_TRUE(window.map(kMiB - 1, 1));
}

TEST(FileWindow, AFileThatGrewIsSeen) {
  const ScratchFile file(1000);
  FileWindow window(file.descriptor(), Access::read_only, Budget(small_budget()));
  EXPECT_FALSE(window.map(5000, 1));
  ASSERT_EQ(ftruncate64(file.descriptor(), 6000), 0);
  const Expected<Mapping> mapping = window.map(5000, 1);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->bytes()[0], std::byte{0});
}

TEST(FileWindow, ResizeKeepsWhatIsLeftAndAddsZeros) {
  const ScratchFile file(ScratchFile::on_disk, kMiB);
  FileWindow window(file.path(), Access::read_write, Budget(small_budget()));
  (void)window.map(10'000, 1);
  EXPECT_FALSE(window.resize(5000));
  EXPECT_EQ(window.size(), 5000);
  EXPECT_FALSE(window.map(5000, 1));
  EXPECT_FALSE(window.resize(20'000));
  const Expected<Mapping> kept = window.map(4990, 20);
  ASSERT_TRUE(kept);
  EXPECT_TRUE(shows(kept->bytes().first(10), 4990));
  EXPECT_EQ(kept->bytes()[10], std::byte{0});
  EXPECT_EQ(window.map(10'000, 1)->bytes()[0], std::byte{0});
}

TEST(FileWindow, ResizeIsRefusedWhileItsEndIsHeld) {
  const ScratchFile file(kMiB);
  FileWindow window(file.descriptor(), Access::read_write, Budget(small_budget()));
  std::optional<Expected<Mapping>> held = window.map(900 * kKiB, 1);
  EXPECT_EQ(window.resize(kKiB).code(), WindowErrc::pinned);
  EXPECT_EQ(window.size(), kMiB);
  EXPECT_TRUE(shows((*held)->bytes(), 900 * kKiB));
  held.reset();
  EXPECT_FALSE(window.resize(kKiB));
}

TEST(FileWindow, AWindowForReadingIsNotResized) {
  const ScratchFile file(kMiB);
  FileWindow window(file.descriptor(), Access::read_only, Budget(small_budget()));
  EXPECT_EQ(window.resize(kKiB).code(), WindowErrc::read_only);
}

TEST(FileWindow, FilesThatCannotBeMappedThrow) {
  const Budget budget(small_budget());
  EXPECT_THROW(FileWindow("/no/such/file", Access::read_only, budget), std::system_error);
  EXPECT_THROW(FileWindow("/tmp", Access::read_only, budget), std::system_error);
  EXPECT_THROW(FileWindow(-1, Access::read_only, budget), std::system_error);
}

TEST(FileWindow, FilesBeyond4GiBAreMapped) {
  const ScratchFile file(0);
  constexpr std::int64_t kFar = std::int64_t{100} << 30;
  ASSERT_EQ(ftruncate64(file.descriptor(), kFar + 10), 0);
  const char text[] = "far away";
  ASSERT_EQ(pwrite64(file.descriptor(), text, sizeof text, kFar), 9);
  FileWindow window(file.descriptor(), Access::read_only, Budget(small_budget()));
  const Expected<Mapping> mapping = window.map(kFar, sizeof text);
  ASSERT_TRUE(mapping) << mapping.error().message();
  EXPECT_EQ(std::memcmp(mapping->data(), text, sizeof text), 0);
}

TEST(Budget, OptionsThatMakeNoSenseThrow) {
  EXPECT_THROW(Budget({.bytes = kMiB, .granule = 5000}), std::system_error);
  EXPECT_THROW(Budget({.bytes = kMiB, .granule = 2048}), std::system_error);
  EXPECT_THROW(Budget({.bytes = 100 * kMiB, .granule = 4 * kMiB}), std::system_error);
  EXPECT_THROW(Budget({.bytes = 7 * 4 * kKiB, .granule = 4 * kKiB}), std::system_error);
  EXPECT_THROW(Budget({.bytes = -1}), std::system_error);
}

TEST(Budget, TheGranuleSuitsTheBudgetWhenNobodyChoosesIt) {
  EXPECT_EQ(Budget({.bytes = 64 * kMiB}).granule(), 64 * kKiB);
  EXPECT_EQ(Budget({.bytes = 256 * kKiB}).granule(), 4 * kKiB);
}

TEST(Budget, TheStatisticsAddUp) {
  const ScratchFile file(kMiB);
  const Budget budget(small_budget(Placement::slots));
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const Expected<Mapping> held = window.map(0, 1);
  const Expected<Mapping> span = window.map(4095, 2);
  (void)window.map(50'000, 1);
  const Stats stats = budget.stats();
  EXPECT_EQ(stats.budget, 64 * kKiB);
  EXPECT_EQ(stats.mapped, 4 * 4 * kKiB);
  EXPECT_EQ(stats.pinned, 3 * 4 * kKiB);
  EXPECT_EQ(stats.hits + stats.misses, 2U);
  EXPECT_EQ(stats.map_calls, 3U);
}

TEST(Budget, TrimUnmapsWhatNobodyHolds) {
  const ScratchFile file(kMiB);
  const Budget budget(small_budget());
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const Expected<Mapping> held = window.map(0, 1);
  for (std::int64_t i = 1; i < 5; ++i) (void)window.map(i * 4 * kKiB, 1);
  EXPECT_EQ(budget.trim(), 4);
  EXPECT_EQ(budget.stats().mapped, 4 * kKiB);
  EXPECT_TRUE(shows(held->bytes(), 0));
}

TEST(Budget, ManyFilesShareOne) {
  const Budget budget({.bytes = 256 * kKiB, .granule = 4 * kKiB});
  std::vector<std::unique_ptr<ScratchFile>> files;
  std::vector<FileWindow> windows;
  for (int i = 0; i < 200; ++i) {
    files.push_back(std::make_unique<ScratchFile>(8 * kKiB));
    windows.emplace_back(files.back()->descriptor(), Access::read_write, budget);
  }
  for (std::size_t i = 0; i < 200; ++i)
    windows[i].map(4096, 1)->writable()[0] = static_cast<std::byte>(i);
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(windows[i].map(4096, 1)->bytes()[0], static_cast<std::byte>(i));
    EXPECT_LE(budget.stats().mapped, 256 * kKiB);
  }
}

TEST(Budget, HoldersAreReportedWithTheirAge) {
  const ScratchFile file(kMiB);
  const Budget budget(small_budget());
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const Expected<Mapping> held = window.map(8192, 1);
  (void)window.map(0, 1);
  EXPECT_EQ(budget.report_holders(std::chrono::hours(1)), 0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(budget.report_holders(std::chrono::nanoseconds(0)), 1);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("at 8192, 4096 bytes; taken by thread " + std::to_string(gettid())),
            std::string::npos)
      << said;
}

}  // namespace
}  // namespace kmapper::process
