// Copies that are read and written without the page cache.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 64 << 10;
const Options direct{
    .bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::copies, .direct = true};

/// Whether the window could be opened; otherwise the file system refuses it, and the error says so.
bool is_refused(const ScratchFile& file, std::string& why) {
  try {
    const FileWindow window(file.descriptor(), Access::read_only, Budget(direct));
    return false;
  } catch (const std::system_error& error) {
    why = error.what();
    return true;
  }
}

/// How many pages of a file are in the page cache.
std::int64_t cached_pages(int descriptor, std::int64_t size) {
  const auto bytes = static_cast<std::size_t>(size);
  void* const address = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  EXPECT_NE(address, MAP_FAILED);
  std::vector<unsigned char> pages(bytes / static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + 1);
  EXPECT_EQ(mincore(address, bytes, pages.data()), 0);
  munmap(address, bytes);
  std::int64_t cached = 0;
  for (const unsigned char it : pages) cached += it & 1;
  return cached;
}

TEST(Direct, ShowsTheFileAndLeavesThePageCacheAlone) {
  const std::int64_t size = 64 * kGranule + 100;
  const ScratchFile file(ScratchFile::on_disk, size);
  std::string why;
  if (is_refused(file, why)) GTEST_SKIP() << why;
  ASSERT_EQ(fdatasync(file.descriptor()), 0);
  ASSERT_EQ(posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_DONTNEED), 0);
  if (cached_pages(file.descriptor(), size) != 0) GTEST_SKIP() << "the page cache keeps the file";
  const Budget budget(direct);
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (std::int64_t at = 0; at < size - 100; at += kGranule / 2 + 123) {
    const Expected<Mapping> mapping = window.map(at, 77);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(shows(mapping->bytes(), at));
  }
  // The constructor of the kernel's mappings above may not have been the only reader.
  EXPECT_LE(cached_pages(file.descriptor(), size), 1);
  // The end is no whole page.
  const Expected<Mapping> end = window.map(size - 50, 50);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_TRUE(shows(end->bytes(), size - 50));
}

TEST(Direct, WritesBackToTheLastByteAndNoFurther) {
  const std::int64_t size = 32 * kGranule + 100;
  const ScratchFile file(ScratchFile::on_disk, size);
  std::string why;
  if (is_refused(file, why)) GTEST_SKIP() << why;
  const Budget budget(direct);
  FileWindow window(file.descriptor(), Access::read_write, budget);
  for (const std::int64_t at : {std::int64_t{5}, 7 * kGranule - 3, size - 10}) {
    const Expected<Mapping> mapping = window.map(at, 10);
    ASSERT_TRUE(mapping) << mapping.error().message();
    std::memset(mapping->data(), 'w', 10);
  }
  const Error error = window.sync();
  ASSERT_FALSE(error) << error.message();
  for (const std::int64_t at : {std::int64_t{5}, 7 * kGranule - 3, size - 10}) {
    EXPECT_EQ(file.read(at), std::byte{'w'});
    EXPECT_EQ(file.read(at + 9), std::byte{'w'});
    EXPECT_EQ(file.read(at - 1), byte_at(at - 1));
  }
  EXPECT_EQ(lseek(file.descriptor(), 0, SEEK_END), size);
}

TEST(Direct, IsForCopiesOnly) {
  for (const Placement placement : {Placement::automatic, Placement::slots, Placement::home}) {
    Options options = direct;
    options.placement = placement;
    try {
      const Budget budget(options);
      FAIL() << "no error";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), WindowErrc::invalid_option);
      EXPECT_NE(std::string(error.what()).find("Options::direct"), std::string::npos);
    }
  }
}

TEST(Direct, HighMemoryNeedsNoFileSystemForIt) {
  const Budget budget(direct);
  HighMemory memory(budget);
  const Expected<HighPage> page = memory.allocate();
  ASSERT_TRUE(page);
  EXPECT_TRUE(memory.map(*page));
}

}  // namespace
}  // namespace kmapper::process
