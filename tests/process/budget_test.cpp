// What windows take of the process, seen from outside: /proc/self/smaps, at every thousandth
// operation of a random load. Resident memory, addresses and mappings stay within 110 % of the
// budget, including all that the window itself needs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSeesItself = false;  // the sanitizers' own memory grows meanwhile
#else
constexpr bool kSeesItself = true;
#endif

/// A window has room for the most slots that there can be, in addresses that take up no memory.
constexpr std::int64_t kOwnAddresses = (KMAPPER_CHECKED != 0 ? 14 : 5) * kMiB;

struct Usage {
  std::int64_t addresses = 0;  // bytes
  std::int64_t resident = 0;   // bytes
  std::int64_t mappings = 0;
  std::int64_t page_tables = 0;  // bytes
};

std::int64_t kibibytes_in(const char* line, const char* name) {
  const std::size_t length = std::strlen(name);
  if (std::strncmp(line, name, length) != 0) return 0;
  long long value = 0;
  return std::sscanf(line + length, "%lld kB", &value) == 1 ? value * 1024 : 0;
}

Usage usage() {
  Usage usage;
  char line[512];
  std::FILE* file = std::fopen("/proc/self/smaps", "re");
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const std::int64_t size = kibibytes_in(line, "Size:");
    usage.addresses += size;
    usage.mappings += size != 0 ? 1 : 0;
    usage.resident += kibibytes_in(line, "Rss:");
  }
  std::fclose(file);
  file = std::fopen("/proc/self/status", "re");
  while (std::fgets(line, sizeof line, file) != nullptr)
    usage.page_tables += kibibytes_in(line, "VmPTE:");
  std::fclose(file);
  return usage;
}

/// A file system in memory that gives its files 2 MiB folios, for this process alone. If it cannot
/// be mounted, memory files are used, whose folios depend on the system's settings.
class LargeFolios {
 public:
  LargeFolios() {
    std::strcpy(folder_, "/tmp/kmapper-folios-XXXXXX");
    if (mkdtemp(folder_) == nullptr) return;
    is_mounted_ = unshare(CLONE_NEWNS) == 0 &&
                  mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                  mount("none", folder_, "tmpfs", 0, "huge=always") == 0;
    if (!is_mounted_) std::puts("no file system of large folios can be mounted here");
  }
  LargeFolios(const LargeFolios&) = delete;
  LargeFolios& operator=(const LargeFolios&) = delete;
  ~LargeFolios() {
    if (is_mounted_) umount2(folder_, MNT_DETACH);
    rmdir(folder_);
  }

  [[nodiscard]] int open_file() const {
    return is_mounted_ ? open(folder_, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                       : memfd_create("small folios", MFD_CLOEXEC);
  }

 private:
  char folder_[32];
  bool is_mounted_ = false;
};

struct Load {
  Options options;
  std::int64_t file_size;
  Access access;
};

void play(const Load& load) {
  if (!kSeesItself) GTEST_SKIP() << "a sanitizer's memory cannot be told from the window's";
  const LargeFolios folios;
  const int file = folios.open_file();
  ASSERT_GE(file, 0);
  const std::vector<char> block(static_cast<std::size_t>(kMiB), 1);
  for (std::int64_t at = 0; at < load.file_size; at += kMiB)
    ASSERT_EQ(pwrite64(file, block.data(), block.size(), at), kMiB);
  usage();  // whatever the reading itself needs is allocated now
  const Usage before = usage();
  const Budget budget(load.options);
  FileWindow window(file, load.access, budget);
  const std::int64_t bytes = load.options.bytes;
  const std::int64_t granules = bytes / budget.granule();
  std::mt19937_64 random(1);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t length = below(16) == 0 ? 1 + below(window.longest()) : 4096;
    const std::int64_t offset = below((load.file_size - length) / 4096) * 4096;
    const Expected<Mapping> mapping = window.map(offset, length);
    ASSERT_TRUE(mapping) << mapping.error().message();
    for (std::size_t at = 0; at < mapping->size(); at += 4096) {
      if (load.access == Access::read_write && below(2) == 0)
        mapping->writable()[at] = std::byte{2};
      else
        ASSERT_NE(mapping->bytes()[at], std::byte{0});
    }
    if (i % 1000 != 999) continue;
    const Usage now = usage();
    ASSERT_LE(now.resident + now.page_tables - before.resident - before.page_tables,
              bytes + bytes / 10);
    ASSERT_LE(now.mappings - before.mappings, granules + granules / 10);
    const Stats stats = budget.stats();
    if (load.options.placement == Placement::slots) {
      ASSERT_LE(now.addresses - before.addresses, bytes + bytes / 10 + kOwnAddresses);
    }
    ASSERT_LE(stats.mapped, bytes);
    ASSERT_LE(stats.overhead, bytes / 10);
  }
  close(file);
}

// What a slot's own addresses still map must be removed when the slot gets a page at home.
TEST(BudgetLimits, HoldWhereFilesOfBothPlacementsShareABudget) {
  if (!kSeesItself) GTEST_SKIP() << "a sanitizer's memory cannot be told from the window's";
  const ScratchFile on_disk(ScratchFile::on_disk, 32 * kMiB);
  const ScratchFile in_memory(ScratchFile::in_memory, 32 * kMiB);
  usage();
  const Usage before = usage();
  const Budget budget({.bytes = 16 * kMiB, .granule = 4096});
  FileWindow slots(on_disk.descriptor(), Access::read_write, budget);
  FileWindow home(in_memory.descriptor(), Access::read_write, budget);
  for (int round = 0; round < 4; ++round) {
    for (std::int64_t offset = 0; offset < 32 * kMiB; offset += 4096) {
      const Expected<Mapping> mapping = (round % 2 == 0 ? slots : home).map(offset, 1);
      ASSERT_TRUE(mapping && shows(mapping->bytes(), offset));
    }
    const Usage now = usage();
    EXPECT_LE(now.resident + now.page_tables - before.resident - before.page_tables,
              16 * kMiB + 16 * kMiB / 10);
  }
}

TEST(BudgetLimits, HoldForSmallGranulesInSlots) {
  play({.options = {.bytes = 16 * kMiB, .granule = 4096, .placement = Placement::slots},
        .file_size = 128 * kMiB,
        .access = Access::read_write});
}

TEST(BudgetLimits, HoldForLargeGranulesInSlots) {
  play({.options = {.bytes = 16 * kMiB, .granule = 65536, .placement = Placement::slots},
        .file_size = 128 * kMiB,
        .access = Access::read_only});
}

TEST(BudgetLimits, HoldForSmallGranulesAtHome) {
  play({.options = {.bytes = 16 * kMiB, .granule = 4096, .placement = Placement::home},
        .file_size = 128 * kMiB,
        .access = Access::read_write});
}

TEST(BudgetLimits, HoldForLargeGranulesAtHome) {
  play({.options = {.bytes = 16 * kMiB, .granule = 65536, .placement = Placement::home},
        .file_size = 128 * kMiB,
        .access = Access::read_only});
}

TEST(BudgetLimits, HoldForTheLargestGranulesAtHome) {
  play({.options = {.bytes = 32 * kMiB, .granule = 2 * kMiB, .placement = Placement::home},
        .file_size = 128 * kMiB,
        .access = Access::read_write});
}

}  // namespace
}  // namespace kmapper::process
