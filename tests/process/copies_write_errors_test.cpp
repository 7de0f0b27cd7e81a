// Copies that cannot be written to their file: full disks, and limits.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"
#include "small_disk.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kGranule = 4 * kPage;
constexpr std::int64_t kSize = 64 * kGranule;
constexpr int kSkipped = 77;

Budget budget_of_copies() {
  return Budget({.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::copies});
}

int use_full_disk() {
  const SmallDisk disk;
  if (!disk.is_there()) return kSkipped;
  const int other = disk.open_file(0);
  const int file = disk.open_file(kSize);
  for (std::int64_t i = 0; pwrite64(other, "x", 1, i * kPage) == 1;) ++i;  // takes all of it
  const Budget budget = budget_of_copies();
  FileWindow window(file, Access::read_write, budget);
  auto held = window.map(kGranule, 1);
  auto beside = window.map(3 * kGranule, 1);
  if (!held || !beside) return 1;
  held->writable()[0] = std::byte{7};
  if (held->bad()) return 2;
  // It is an error to read the file, which does not have what was written.
  if (window.map(kGranule - 1, 2).error().code() != std::errc::no_space_on_device) return 9;
  if (window.refresh().code() != std::errc::no_space_on_device) return 10;
  // Each attempt fails, and says so once.
  for (int i = 0; i < 2; ++i) {
    const Error error = window.sync();
    if (error.code() != std::errc::no_space_on_device || error.offset() != kGranule) return 3;
    if (!held->bad() || held->fault() != std::errc::no_space_on_device || beside->bad()) return 4;
  }
  *held = {};
  // It is kept, and written when there is room.
  if (window.map(kGranule, 1)->bytes()[0] != std::byte{7}) return 5;
  if (ftruncate64(other, 0) != 0 || window.sync()) return 6;
  if (window.map(kGranule, 1)->bad()) return 7;
  char byte = 0;
  return pread64(file, &byte, 1, kGranule) == 1 && byte == 7 ? 0 : 8;
}

int run_out_of_slots_on_full_disk() {
  const SmallDisk disk;
  if (!disk.is_there()) return kSkipped;
  const int file = disk.open_file(kSize);
  const Budget budget = budget_of_copies();
  FileWindow window(file, Access::read_write, budget);
  for (std::int64_t i = 0; i < 64; ++i) {
    const auto mapping = window.map(i * kGranule, 1);
    if (!mapping) return 1;  // what cannot be written does not block the budget
    mapping->writable()[0] = std::byte{7};
  }
  if (window.sync().code() != std::errc::no_space_on_device) return 2;
  if (budget.trim() == 0 || budget.stats().mapped != 0 || budget.stats().pinned != 0) return 3;
  return window.sync().code() == std::errc::no_space_on_device && !window.sync() ? 0 : 4;
}

TEST(CopiesOnAFullDisk, AreAnErrorOfTheMappingAndOfSyncAndAreTriedAgain) {
  const int ended = in_a_child(use_full_disk);
  if (ended == kSkipped) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(ended, 0);
}

TEST(CopiesOnAFullDisk, DoNotBlockTheBudget) {
  const int ended = in_a_child(run_out_of_slots_on_full_disk);
  if (ended == kSkipped) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(ended, 0);
}

// As with ulimit -f, where a write behind the limit would also end the process (SIGXFSZ).
TEST(CopiesBehindTheLimitOfFiles, AreAnErrorOfSync) {
  const ScratchFile file(kSize);
  const int ended = in_a_child([&file] {
    const rlimit limit{kSize / 2, kSize / 2};
    if (signal(SIGXFSZ, SIG_DFL) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0) return 99;
    const Budget budget = budget_of_copies();
    FileWindow window(file.descriptor(), Access::read_write, budget);
    auto mapping = window.map(kSize - kPage, 1);
    mapping->writable()[0] = std::byte{1};
    if (window.sync().code() != std::errc::file_too_large) return 1;
    if (mapping->fault() != std::errc::file_too_large) return 2;
    return 0;
  });
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace kmapper::process
