// Files in huge pages: memory files here, which behave like files of hugetlbfs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kHuge = 2 << 20;
constexpr unsigned k2MiB = 21U << 26;  // MFD_HUGE_2MB, which <sys/mman.h> may lack

class HugeFile {
 public:
  explicit HugeFile(std::int64_t size)
      : descriptor_(memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB | k2MiB)) {
    exists_ = descriptor_ >= 0 && ftruncate64(descriptor_, size) == 0;
  }
  HugeFile(const HugeFile&) = delete;
  HugeFile& operator=(const HugeFile&) = delete;
  ~HugeFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  [[nodiscard]] bool exists() const { return exists_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::int64_t size() const {
    struct stat64 status {};
    EXPECT_EQ(fstat64(descriptor_, &status), 0);
    return status.st_size;
  }

 private:
  const int descriptor_;
  bool exists_;
};

/// Pages in the machine's pool, for one test at a time; the pool has its old size afterwards.
class HugePages {
 public:
  explicit HugePages(long pages) : lock_(open("/tmp", O_RDONLY | O_CLOEXEC)) {
    flock(lock_, LOCK_EX);
    before_ = read("nr_hugepages");
    if (before_ < 0 || !set(before_ + pages)) return;
    is_there_ = read("free_hugepages") - read("resv_hugepages") >= pages;
  }
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;
  ~HugePages() {
    if (before_ >= 0) set(before_);
    close(lock_);
  }
  [[nodiscard]] bool is_there() const { return is_there_; }

 private:
  static std::string path(const char* name) {
    std::string path = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
    path += name;
    return path;
  }
  static long read(const char* name) {
    long value = -1;
    std::FILE* const file = std::fopen(path(name).c_str(), "re");
    if (file == nullptr) return -1;
    if (std::fscanf(file, "%ld", &value) != 1) value = -1;
    std::fclose(file);
    return value;
  }
  static bool set(long pages) {
    const int file = open(path("nr_hugepages").c_str(), O_WRONLY | O_CLOEXEC);
    const std::string text = std::to_string(pages);
    const bool done =
        file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) close(file);
    return done;
  }

  const int lock_;
  long before_ = -1;
  bool is_there_ = false;
};

Options large_granules(Placement placement) {
  return {.bytes = 16 * kHuge, .granule = kHuge, .placement = placement};
}

class HugePageFile : public testing::TestWithParam<Placement> {};
INSTANTIATE_TEST_SUITE_P(, HugePageFile, testing::Values(Placement::automatic, Placement::slots),
                         [](const testing::TestParamInfo<Placement>& info) {
                           return info.param == Placement::slots ? "Slots" : "Automatic";
                         });

TEST_P(HugePageFile, IsAsLongAsBeforeWhenItIsOpenedAndMapped) {
  const HugeFile file(2 * kHuge);
  if (!file.exists()) GTEST_SKIP() << "no files in huge pages of 2 MiB here";
  FileWindow window(file.descriptor(), Access::read_write, Budget(large_granules(GetParam())));
  EXPECT_EQ(file.size(), 2 * kHuge);
  (void)window.map(0, 1);          // may be an error: the pool may be empty
  (void)window.map(kHuge - 1, 2);  // a span
  EXPECT_EQ(file.size(), 2 * kHuge);
}

TEST_P(HugePageFile, IsMappedAsOthersAre) {
  const HugePages pool(2);
  const HugeFile file(2 * kHuge);
  if (!pool.is_there() || !file.exists()) GTEST_SKIP() << "no huge pages can be had here";
  FileWindow window(file.descriptor(), Access::read_write, Budget(large_granules(GetParam())));
  {
    const Expected<Mapping> span = window.map(kHuge - 2, 4);
    ASSERT_TRUE(span) << span.error().message();
    std::memcpy(span->data(), "abcd", 4);
  }
  const Expected<Mapping> granule = window.map(kHuge, 2);
  ASSERT_TRUE(granule) << granule.error().message();
  EXPECT_EQ(std::memcmp(granule->data(), "cd", 2), 0);
  EXPECT_EQ(file.size(), 2 * kHuge);
}

TEST_P(HugePageFile, ThatIsCutShortShowsZeros) {
  const HugePages pool(2);
  const HugeFile file(2 * kHuge);
  if (!pool.is_there() || !file.exists()) GTEST_SKIP() << "no huge pages can be had here";
  FileWindow window(file.descriptor(), Access::read_write, Budget(large_granules(GetParam())));
  Expected<Mapping> one = window.map(0, kHuge);
  Expected<Mapping> span = window.map(kHuge - 1, 2);
  ASSERT_TRUE(one && span) << one.error().message() << span.error().message();
  one->writable()[kHuge - 1] = std::byte{1};
  ASSERT_EQ(ftruncate64(file.descriptor(), 0), 0);
  EXPECT_EQ(one->bytes()[kHuge - 1], std::byte{0});
  span->writable()[1] = std::byte{2};
  EXPECT_EQ(one->fault(), WindowErrc::cut_short);
  EXPECT_EQ(span->fault(), WindowErrc::cut_short);
  EXPECT_EQ(file.size(), 0);
}

TEST_P(HugePageFile, IsAnErrorToMapWhenThePoolIsEmpty) {
  const HugePages pool(1);
  const HugeFile file(64 * kHuge);
  if (!pool.is_there() || !file.exists()) GTEST_SKIP() << "no huge pages can be had here";
  FileWindow window(file.descriptor(), Access::read_write, Budget(large_granules(GetParam())));
  bool is_empty = false;
  for (std::int64_t i = 0; i < 64 && !is_empty; ++i) {
    const Expected<Mapping> mapping = window.map(i * kHuge, 1);
    is_empty = !mapping;
    if (is_empty) {
      EXPECT_EQ(mapping.error().code(), std::errc::not_enough_memory);
    } else {
      mapping->writable()[0] = std::byte{1};
      EXPECT_FALSE(mapping->bad());
    }
  }
  EXPECT_TRUE(is_empty);
}

TEST(HugePages, SmallerGranulesAreRefusedWithBothSizes) {
  const HugeFile file(kHuge);
  if (!file.exists()) GTEST_SKIP() << "no files in huge pages of 2 MiB here";
  try {
    const FileWindow window(file.descriptor(), Access::read_write,
                            Budget({.bytes = 16 << 20, .granule = 64 << 10}));
    FAIL() << "it was opened";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), WindowErrc::invalid_option);
    const std::string text = error.what();
    EXPECT_NE(text.find("2097152"), std::string::npos) << text;
    EXPECT_NE(text.find("65536"), std::string::npos) << text;
  }
  EXPECT_EQ(file.size(), kHuge);
}

TEST(HugePages, AreNotAtHome) {
  const HugeFile file(kHuge);
  if (!file.exists()) GTEST_SKIP() << "no files in huge pages of 2 MiB here";
  EXPECT_THROW(
      FileWindow(file.descriptor(), Access::read_write, Budget(large_granules(Placement::home))),
      std::system_error);
  EXPECT_EQ(file.size(), kHuge);
}

TEST(HugePages, AreCopiedInGranulesOfAnySize) {
  const HugePages pool(1);
  const HugeFile file(kHuge);
  if (!pool.is_there() || !file.exists()) GTEST_SKIP() << "no huge pages can be had here";
  void* const all = mmap(nullptr, kHuge, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
  ASSERT_NE(all, MAP_FAILED);
  std::memcpy(static_cast<char*>(all) + 5000, "huge", 4);
  munmap(all, kHuge);
  FileWindow window(
      file.descriptor(), Access::read_only,
      Budget({.bytes = 1 << 20, .granule = 64 << 10, .placement = Placement::copies}));
  const Expected<Mapping> mapping = window.map(5000, 4);
  ASSERT_TRUE(mapping) << mapping.error().message();
  EXPECT_EQ(std::memcmp(mapping->data(), "huge", 4), 0);
}

}  // namespace
}  // namespace kmapper::process
