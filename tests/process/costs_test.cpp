// What a miss costs, measured on real files. The figures depend on the machine: they are printed,
// and only compared with what no machine can undercut or exceed.
#include "process/fill/costs.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "loop_device.hpp"
#include "process/fill/home.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr unsigned kShift = 16;
constexpr std::int64_t kGranule = std::int64_t{1} << kShift;
constexpr std::int64_t kSize = 4 * kGranule;

Subject subject(int descriptor, Access access = Access::read_only) {
  return {descriptor, access, kShift};
}

void expect_plausible(const MissCost& cost) {
  EXPECT_GT(cost.page, 0);
  EXPECT_GE(cost.whole, cost.page);
  EXPECT_LT(cost.whole, 1'000'000'000);  // a second
}

std::string text_of(const MissCost& cost) {
  return std::to_string(cost.page) + " ns a page, " + std::to_string(cost.whole) + " ns all";
}

/// Measures, prints, and checks what holds for every file.
std::optional<Costs> measured(const char* what, const Subject& subject) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const std::optional<Costs> costs = measure(subject);
  const std::chrono::duration<double, std::milli> time = Clock::now() - begin;
  std::printf("%s, granules of %u KiB: %.1f ms\n", what, (1U << subject.granule_shift) / 1024,
              time.count());
  if (!costs) return {};
  std::printf("  slots: %s\n  copies: %s\n", text_of(costs->slots).c_str(),
              text_of(costs->copies).c_str());
  if (costs->home) std::printf("  home: %s\n", text_of(*costs->home).c_str());
  expect_plausible(costs->slots);
  expect_plausible(costs->copies);
  if (costs->home) expect_plausible(*costs->home);
  return costs;
}

/// The mappings of the process that are not its heap.
std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

std::size_t open_files() {
  std::size_t count = 0;
  for (const auto& it : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)it;
    ++count;
  }
  return count;
}

TEST(Costs, AreMeasuredForAMemoryFile) {
  const ScratchFile file(kSize);
  for (const Access access : {Access::read_only, Access::read_write}) {
    for (const unsigned shift : {12U, 14U, 16U, 18U, 21U}) {
      const bool has_home = shift >= kShift || access == Access::read_write;
      const auto costs = measured("memory file", {file.descriptor(), access, shift});
      ASSERT_TRUE(costs);
      // The folder for scratch files may be in memory.
      EXPECT_EQ(costs->home.has_value(), has_home) << shift;
    }
  }
}

TEST(Costs, AreMeasuredForAFileOnADisk) {
  constexpr std::int64_t kLarge = std::int64_t{3} << 20;
  const ScratchFile file(ScratchFile::on_disk, kLarge);
  for (const unsigned shift : {12U, 16U, 18U, 21U}) {
    const auto costs = measured("file on a disk", {file.descriptor(), Access::read_only, shift});
    ASSERT_TRUE(costs);
    // The folder for scratch files may be in memory.
    EXPECT_EQ(costs->home.has_value(),
              shift == 21 || (shift >= kShift && is_memory_file(file.descriptor())));
  }
  for (std::int64_t at = 0; at < kLarge; at += 1000) ASSERT_EQ(file.read(at), byte_at(at));
}

TEST(Costs, AreMeasuredForABlockDevice) {
  const ScratchFile backing(ScratchFile::on_disk, kSize);
  const LoopDevice device(backing.descriptor());
  if (!device.is_there()) GTEST_SKIP() << "no loop device can be had here";
  const int descriptor = open(device.path().c_str(), O_RDONLY | O_CLOEXEC);
  const auto costs = measured("block device", subject(descriptor));
  ASSERT_TRUE(costs);
  EXPECT_FALSE(costs->home);
  close(descriptor);
}

TEST(Costs, OfAFileWithHolesAreMeasuredAndFillNoHole) {
  for (const auto kind : {ScratchFile::in_memory, ScratchFile::on_disk}) {
    const ScratchFile file(kind, 0);
    ASSERT_EQ(ftruncate(file.descriptor(), std::int64_t{1} << 30), 0);
    EXPECT_TRUE(measured("file of holes", subject(file.descriptor(), Access::read_only)));
    EXPECT_TRUE(measured("file of holes", subject(file.descriptor(), Access::read_write)));
    struct stat status {};
    ASSERT_EQ(fstat(file.descriptor(), &status), 0);
    EXPECT_EQ(status.st_blocks, 0);
    EXPECT_EQ(status.st_size, std::int64_t{1} << 30);
  }
}

TEST(Costs, OfAFileThatIsShorterThanAGranuleAreUnknownUnlessItIsInMemory) {
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{1}, kGranule - 1}) {
    const ScratchFile disk(ScratchFile::on_disk, size);
    EXPECT_EQ(measure(subject(disk.descriptor())).has_value(), is_memory_file(disk.descriptor()));
    const ScratchFile memory(size);
    EXPECT_TRUE(measure(subject(memory.descriptor())));
  }
}

TEST(Costs, OfAFileThatCannotBeReadAreUnknown) {
  const ScratchFile file(ScratchFile::on_disk, kSize);
  const int unreadable = open(file.path().c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(measure(subject(unreadable)).has_value(), is_memory_file(unreadable));
  close(unreadable);
  EXPECT_FALSE(measure(subject(-1)));
}

TEST(Costs, AreMeasuredWithoutASignalWhileTheFileIsCutShort) {
  const ScratchFile file(ScratchFile::on_disk, kSize);
  std::atomic<bool> is_over{false};
  std::thread other([&] {
    while (!is_over) {
      EXPECT_EQ(ftruncate(file.descriptor(), 0), 0);
      EXPECT_EQ(ftruncate(file.descriptor(), kSize), 0);
    }
  });
  for (int i = 0; i < 200; ++i) (void)measure(subject(file.descriptor()));
  is_over = true;
  other.join();
}

TEST(Costs, LeaveNothingBehind) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has mappings of its own";
#endif
  const ScratchFile memory(kSize);
  const ScratchFile disk(ScratchFile::on_disk, kSize);
  (void)measure(subject(memory.descriptor()));  // the allocator's own first use
  const std::size_t mappings_before = mappings();
  const std::size_t files_before = open_files();
  ASSERT_TRUE(measure(subject(memory.descriptor(), Access::read_write)));
  ASSERT_TRUE(measure(subject(disk.descriptor())));
  EXPECT_EQ(mappings(), mappings_before);
  EXPECT_EQ(open_files(), files_before);
  EXPECT_EQ(lseek(disk.descriptor(), 0, SEEK_CUR), 0);
}

TEST(Costs, AreUnknownInAProcessThatLocksWhatItMaps) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer reserves more than can be locked";
#endif
  const int ended = in_a_child([] {
    constexpr int kNotAllowed = 77;
    const ScratchFile file(kSize);
    if (mlockall(MCL_FUTURE) != 0) return kNotAllowed;
    // Locked pages cannot be dropped. But of granules of a page, which have no home here, none is.
    for (const unsigned shift : {12U, kShift}) {
      if (measure({file.descriptor(), Access::read_only, shift})) return 1;
    }
    return 0;
  });
  if (ended == 77) GTEST_SKIP() << "the process may not lock its memory";
  EXPECT_EQ(ended, 0);
}

TEST(Costs, AreMeasuredOnceForAFileSystemAnAccessAndAGranule) {
  const ScratchFile file(kSize);
  const ScratchFile other(0);
  const Costs set{.slots = {1, 2}, .copies = {3, 4}, .home = MissCost{5, 6}};
  const auto is_set = [&](const Subject& it) {
    const std::optional<Costs> costs = costs_of(it);
    return costs && costs->slots.whole == 2 && costs->home && costs->home->whole == 6;
  };
  const Subject it = subject(file.descriptor());
  const std::optional<Costs> measured = costs_of(it);
  ASSERT_TRUE(measured);
  EXPECT_EQ(costs_of(it)->slots.whole, measured->slots.whole);
  set_costs(it, set);
  EXPECT_TRUE(is_set(it));
  EXPECT_TRUE(is_set(subject(other.descriptor())));  // all memory files
  EXPECT_FALSE(is_set(subject(file.descriptor(), Access::read_write)));
  EXPECT_FALSE(is_set({file.descriptor(), Access::read_only, kShift + 1}));
  EXPECT_EQ(in_a_child([&] { return is_set(it) ? 0 : 1; }), 0);
  set_costs(it, measured);
}

TEST(Costs, AreFoundByManyThreadsAtOnce) {
  const ScratchFile file(kSize);
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (unsigned shift = 12; shift < 18; ++shift)
        EXPECT_TRUE(costs_of({file.descriptor(), Access::read_only, shift}));
    });
  }
  for (std::thread& it : threads) it.join();
}

}  // namespace
}  // namespace kmapper::process
