// How core dumps treat the files: by the kernel's flag of each mapping, and by a real dump if the
// machine writes it into a file.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include "in_a_child.hpp"
#include "kmapper/linux/highmem.h"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kPage = 64 << 10;

/// Whether core dumps leave out the memory at the address; nothing: the kernel does not say.
std::optional<bool> is_left_out(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool is_here = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
      is_here = begin <= wanted && wanted < end;
    } else if (is_here && line.rfind("VmFlags:", 0) == 0) {
      return (line + " ").find(" dd ") != std::string::npos;
    }
  }
  return {};
}

/// Whether the kernel, or the emulator, lets a process say what dumps leave out.
bool can_be_told() {
  void* const page = mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(page, kPage, MADV_DONTDUMP);
  const bool can = is_left_out(page) == true;
  munmap(page, kPage);
  return can;
}

class CoreDumpOf : public testing::Test {
 protected:
  const ScratchFile file_{4 * kMiB};

  void SetUp() override {
    if (!can_be_told()) GTEST_SKIP() << "the kernel does not say what is dumped";
  }
  [[nodiscard]] Options options(Placement placement, CoreDump core_dump) const {
    return {.bytes = 2 * kMiB, .granule = kPage, .placement = placement, .core_dump = core_dump};
  }
  void expect_left_out(bool expected, Placement placement, CoreDump core_dump) {
    const Access access = placement == Placement::copies ? Access::read_only : Access::read_write;
    FileWindow window(file_.descriptor(), access, Budget(options(placement, core_dump)));
    const Expected<Mapping> mapping = window.map(kPage, 1);
    ASSERT_TRUE(mapping);
    EXPECT_EQ(is_left_out(mapping->data()), expected);
    const Expected<Mapping> span = window.map(3 * kPage - 1, 2);
    ASSERT_TRUE(span);
    EXPECT_EQ(is_left_out(span->data()), core_dump == CoreDump::nothing);
  }
};

TEST_F(CoreDumpOf, FilesAtHomeLeavesThemOutUnlessTheyAreAskedFor) {
  expect_left_out(true, Placement::home, CoreDump::slots);
  expect_left_out(true, Placement::home, CoreDump::nothing);
  expect_left_out(false, Placement::home, CoreDump::everything);
}

TEST_F(CoreDumpOf, SlotsAndCopiesHasThemUnlessTheyAreUnwanted) {
  for (const Placement placement : {Placement::slots, Placement::copies}) {
    expect_left_out(false, placement, CoreDump::slots);
    expect_left_out(true, placement, CoreDump::nothing);
    expect_left_out(false, placement, CoreDump::everything);
  }
}

TEST_F(CoreDumpOf, WhatHasGrownOrWasPatchedLeavesItOutToo) {
  const Budget budget(options(Placement::home, CoreDump::slots));
  FileWindow window(file_.descriptor(), Access::read_write, budget);
  ASSERT_FALSE(window.resize(16 * kMiB));
  EXPECT_EQ(is_left_out(window.map(15 * kMiB, 1)->data()), true);
  const void* address = nullptr;
  {
    const Expected<Mapping> cut = window.map(2 * kMiB, 1);
    ASSERT_EQ(ftruncate64(file_.descriptor(), kMiB), 0);
    EXPECT_EQ(cut->bytes()[0], std::byte{0});
    address = cut->data();
  }
  budget.trim();
  ASSERT_EQ(ftruncate64(file_.descriptor(), 16 * kMiB), 0);
  const Expected<Mapping> again = window.map(2 * kMiB, 1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->data(), address);
  EXPECT_EQ(is_left_out(address), true);
}

TEST_F(CoreDumpOf, HighMemoryIsTheUsersChoice) {
  for (const CoreDump core_dump : {CoreDump::nothing, CoreDump::everything}) {
    HighMemory memory(Budget(options(Placement::automatic, core_dump)));
    const Expected<HighPage> page = memory.allocate();
    const Expected<Mapping> mapping = memory.map(*page);
    ASSERT_TRUE(mapping);
    EXPECT_EQ(is_left_out(mapping->data()), core_dump == CoreDump::nothing);
  }
}

TEST_F(CoreDumpOf, PagesOfTheKernelsNamesHasLowMemoryOnly) {
  struct page* const low = alloc_page(GFP_KERNEL);
  struct page* const high = alloc_page(GFP_HIGHUSER);
  EXPECT_EQ(is_left_out(page_address(low)), false);
  EXPECT_EQ(is_left_out(kmap(high)), true);
  kunmap(high);
  const void* const local = kmap_local_page(low);
  EXPECT_EQ(is_left_out(local), local != page_address(low));
  kunmap_local(local);
  __free_page(high);
  __free_page(low);
}

/// Whether a core dump is a file in the current folder.
bool is_written_here() {
  std::ifstream pattern("/proc/sys/kernel/core_pattern");
  std::string name;
  return std::getline(pattern, name) && !name.empty() && name.find('|') == std::string::npos &&
         name.find('/') == std::string::npos;
}

/// A folder for a core dump.
class Folder {
 public:
  Folder() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    each([](const std::string& path) { unlink(path.c_str()); });
    rmdir(path_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The size of the only file in it; 0: there is none.
  [[nodiscard]] std::int64_t size() const {
    std::int64_t size = 0;
    each([&size](const std::string& path) {
      struct stat64 status {};
      if (stat64(path.c_str(), &status) == 0) size = status.st_size;
    });
    return size;
  }

 private:
  template <class Visitor>
  void each(Visitor visit) const {
    DIR* const folder = opendir(path_.c_str());
    for (const dirent* it = readdir(folder); it != nullptr; it = readdir(folder)) {
      if (it->d_name[0] != '.') visit(path_ + "/" + it->d_name);
    }
    closedir(folder);
  }

  std::string path_ = "/tmp/kmapper-test-XXXXXX";
};

TEST(CoreDumpFile, IsNotAsLongAsTheFilesAtHomeAndFillsNoHoles) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has more to dump than a disk holds";
#endif
  if (!is_written_here()) GTEST_SKIP() << "core dumps are no files in the current folder here";
  constexpr std::int64_t kFile = 512 * kMiB;
  const Folder folder;
  const ScratchFile file(0);
  ASSERT_EQ(ftruncate64(file.descriptor(), kFile), 0);
  const int ended = in_a_child([&] {
    const rlimit limit{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_CORE, &limit) != 0 || chdir(folder.path().c_str()) != 0) return 1;
    FileWindow window(file.descriptor(), Access::read_write,
                      Budget({.bytes = 64 * kMiB, .granule = kPage, .placement = Placement::home}));
    const Expected<Mapping> mapping = window.map(0, 1);
    if (!mapping) return 2;
    mapping->writable()[0] = std::byte{1};
    std::signal(SIGABRT, SIG_DFL);
    return raise(SIGABRT);
  });
  if (folder.size() == 0) GTEST_SKIP() << "no core dump was written: " << ended;
  EXPECT_EQ(ended, -SIGABRT);
  EXPECT_LT(folder.size(), kFile);
  struct stat64 status {};
  ASSERT_EQ(fstat64(file.descriptor(), &status), 0);
  EXPECT_LE(status.st_blocks * 512, 2 * kPage);
}

}  // namespace
}  // namespace kmapper::process
