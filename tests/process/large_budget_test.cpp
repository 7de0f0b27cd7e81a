// Budgets of terabytes: they start at once, take memory only as they fill, and find each of
// millions of granules. KMAPPER_GRANULES sets how many; the long form has 20,000,000.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "kmapper/process/process.hpp"
#include "process/api/internals.hpp"
#include "process/window/arena.hpp"
#include "scratch_file.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kTiB = std::int64_t{1} << 40;
constexpr std::int64_t kGranule = 64 << 10;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

std::int64_t granules_to_map() {
  const char* const set = std::getenv("KMAPPER_GRANULES");
  return set != nullptr ? std::atoll(set) : (kIsSanitized ? 200'000 : 1'000'000);
}

/// Bytes of the process that are in memory.
std::int64_t resident() {
  long pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  if (file != nullptr) std::fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

/// A memory file that is all hole.
class SparseFile {
 public:
  explicit SparseFile(std::int64_t size) : descriptor_(memfd_create("sparse", MFD_CLOEXEC)) {
    has_size_ = ftruncate64(descriptor_.number(), size) == 0;
  }
  [[nodiscard]] bool has_size() const { return has_size_; }
  [[nodiscard]] int descriptor() const { return descriptor_.number(); }

 private:
  const system::Descriptor descriptor_;
  bool has_size_;
};

class LargeBudget : public testing::Test {
 protected:
  void SetUp() override {
    if (sizeof(void*) == 4) GTEST_SKIP() << "a 32-bit process has no room for it";
  }
};

TEST_F(LargeBudget, StartsWithLittleMemoryWhateverItsSize) {
  for (const Placement placement : {Placement::automatic, Placement::home, Placement::copies}) {
    const std::int64_t before = resident();
    const auto begun = std::chrono::steady_clock::now();
    const Budget budget({.bytes = kTiB, .granule = 4096, .placement = placement});
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begun;
    std::printf("a budget of 1 TiB, 4 KiB: started in %.0f us\n", took.count());
    EXPECT_GT(budget.stats().budget, kTiB - (std::int64_t{2} << 30));
    if (!kIsSanitized) {
      EXPECT_LT(resident() - before, 2 << 20);
    }
  }
}

/// At home, granules of 64 KiB are mapped without an access, so they take no memory of the file.
TEST_F(LargeBudget, FindsEachOfMillionsOfGranulesAtHome) {
  const std::int64_t granules = granules_to_map();
  const SparseFile file(granules * kGranule);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  const Budget budget(
      {.bytes = granules * kGranule * 5 / 4 + kTiB / 16, .placement = Placement::home});
  ASSERT_EQ(budget.granule(), kGranule);
  FileWindow window(file.descriptor(), Access::read_only, budget);
  window.advise(Advice::random);
  const std::int64_t before = resident();
  const std::byte* const first = window.map(0, 1)->data();
  for (std::int64_t i = 0; i < granules; ++i) {
    const Expected<Mapping> mapping = window.map(i * kGranule, 1);
    ASSERT_TRUE(mapping) << mapping.error().message();
    ASSERT_EQ(mapping->data() - first, i * kGranule);
  }
  const double each = static_cast<double>(resident() - before) / static_cast<double>(granules);
  std::printf("%lld granules: %.1f bytes each\n", static_cast<long long>(granules), each);
  if (!kIsSanitized) {
    EXPECT_LE(each, 0.002 * kGranule);
  }
  const Stats filled = budget.stats();
  EXPECT_EQ(filled.mapped, granules * kGranule);
  for (std::int64_t i = 0; i < granules; i += 997) ASSERT_TRUE(window.map(i * kGranule, 1));
  EXPECT_EQ(budget.stats().misses, filled.misses);  // all of them hit
  EXPECT_EQ(budget.trim(), granules);
  EXPECT_EQ(budget.stats().mapped, 0);
}

TEST_F(LargeBudget, FillsWithCopiesOfASparseFile) {
  const std::int64_t granules = granules_to_map() / 200;
  const SparseFile file(granules * kGranule);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  const Budget budget({.bytes = kTiB, .granule = kGranule, .placement = Placement::copies});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (const std::int64_t at : {std::int64_t{0}, granules / 2, granules - 1})
    ASSERT_EQ(pwrite(file.descriptor(), &at, sizeof at, at * kGranule), ssize_t{sizeof at});
  for (int turn = 0; turn < 2; ++turn) {
    for (std::int64_t i = 0; i < granules; ++i) {
      const Expected<Mapping> mapping = window.map(i * kGranule, sizeof i);
      ASSERT_TRUE(mapping) << mapping.error().message();
      const bool is_written = i == 0 || i == granules / 2 || i == granules - 1;
      ASSERT_EQ(*reinterpret_cast<const std::int64_t*>(mapping->data()), is_written ? i : 0);
    }
  }
  EXPECT_EQ(budget.stats().misses, static_cast<std::uint64_t>(granules));
}

/// Threads that fill a budget bring its slots into use, and let the directory grow, at the same
/// time.
TEST_F(LargeBudget, GrowsUnderManyThreads) {
  constexpr std::int64_t kThreads = 4;
  const std::int64_t granules = granules_to_map() / 10 / kThreads * kThreads;
  const SparseFile file(granules * kGranule);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  const Budget budget({.bytes = kTiB, .granule = kGranule, .placement = Placement::home});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  window.advise(Advice::random);
  const std::byte* const first = window.map(0, 1)->data();
  std::atomic<std::int64_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::int64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::int64_t i = 0; i < granules; ++i) {
        // The threads follow each other closely, so that they ask for the same granules, too.
        const std::int64_t granule = (i + thread) % granules;
        const Expected<Mapping> mapping = window.map(granule * kGranule, 1);
        if (!mapping || mapping->data() - first != granule * kGranule) ++wrong;
      }
    });
  }
  for (std::thread& it : threads) it.join();
  EXPECT_EQ(wrong, 0);
  const Stats stats = budget.stats();
  EXPECT_EQ(stats.mapped, granules * kGranule);
  EXPECT_EQ(stats.misses, static_cast<std::uint64_t>(granules));  // each granule once
}

/// More than the 65,535 that fit in 16 bits.
TEST_F(LargeBudget, NumbersAMillionFiles) {
  const ScratchFile scratch(2 * kGranule);
  ASSERT_EQ(pwrite(scratch.descriptor(), "text", 4, kGranule), 4);
  const Budget budget({.bytes = 4 << 20, .granule = kGranule});
  Arena& arena = *Internals::arena_of(budget);
  FileWindow before(scratch.descriptor(), Access::read_only, budget);
  File& stand_in = *Internals::file_of(before);
  std::vector<std::uint32_t> numbers;
  numbers.reserve(200'000);
  for (int i = 0; i < 200'000; ++i) numbers.push_back(arena.files().add(stand_in));
  FileWindow window(scratch.descriptor(), Access::read_only, budget);
  EXPECT_GT(Internals::file_of(window)->number(), 200'000U);
  const Expected<Mapping> mapping = window.map(kGranule, 4);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(std::memcmp(mapping->data(), "text", 4), 0);
  EXPECT_EQ(std::memcmp(before.map(kGranule, 4)->data(), "text", 4), 0);
  for (const std::uint32_t it : numbers) arena.files().remove(it);
  FileWindow after(scratch.descriptor(), Access::read_only, budget);
  EXPECT_EQ(Internals::file_of(after)->number(), numbers.back());  // a number that was given back
}

/// The handler finds the record by the address, among many.
TEST_F(LargeBudget, AFaultIsFoundAmongManyGranules) {
  const std::int64_t granules = granules_to_map() / 10;
  const SparseFile file(granules * kGranule);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  const Budget budget({.bytes = kTiB, .granule = kGranule, .placement = Placement::home});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (std::int64_t i = 0; i < granules; ++i) ASSERT_TRUE(window.map(i * kGranule, 1));
  const Expected<Mapping> mapping = window.map((granules - 2) * kGranule, 1);
  ASSERT_TRUE(mapping);
  ASSERT_EQ(ftruncate64(file.descriptor(), kGranule), 0);
  const std::byte shown = *static_cast<const volatile std::byte*>(mapping->data());
  EXPECT_EQ(shown, std::byte{0});
  EXPECT_TRUE(mapping->bad());
  EXPECT_EQ(mapping->fault(), WindowErrc::cut_short);
}

}  // namespace
}  // namespace kmapper::process
