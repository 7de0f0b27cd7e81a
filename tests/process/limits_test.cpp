// Limits of the system: addresses, and mappings. Each test in a process of its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "process_addresses.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;

/// Makes mappings until the system refuses one, and returns whether it did.
bool use_all_mappings_up() {
  constexpr std::size_t kPages = 200'000;
  auto* const begin = static_cast<std::byte*>(
      mmap(nullptr, kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  for (std::size_t i = 1; i < kPages; i += 2) {
    if (mprotect(begin + i * kPage, kPage, PROT_READ) != 0) return errno == ENOMEM;
  }
  return false;
}

// Each of the budget's slots has a mapping, and the process gets no further one.
TEST(SystemLimits, IdleSlotsAreGivenBackWhereNoMoreMappingsAreAllowed) {
  const int ended = in_a_child([] {
    const ScratchFile file(2048 * kPage);
    const Budget budget({.bytes = 512 * kPage, .granule = kPage});
    FileWindow window(file.descriptor(), Access::read_only, budget);
    const Expected<Mapping> held = window.map(kPage, 1);
    for (std::int64_t i = 0; i < 300; ++i) {
      if (!window.map(2 * i * kPage, 1)) return 1;
    }
    if (!use_all_mappings_up()) return 2;
    for (std::int64_t i = 0; i < 1000; ++i) {
      const std::int64_t offset = (i * 7 % 2048) * kPage;
      const Expected<Mapping> mapping = window.map(offset, 1);
      if (!mapping || !shows(mapping->bytes(), offset)) return 3;
    }
    return shows(held->bytes(), kPage) ? 0 : 4;
  });
  EXPECT_EQ(ended, 0);
}

// A page in the middle of a granule becomes a mapping of its own.
TEST(SystemLimits, AFaultIsAnErrorWhereNoMoreMappingsAreAllowed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs mappings of its own";
#endif
  const int ended = in_a_child([] {
    constexpr std::int64_t kGranule = 16 * kPage;
    const ScratchFile file(4 * kGranule);
    const Budget budget(
        {.bytes = 32 * kGranule, .granule = kGranule, .placement = Placement::slots});
    FileWindow window(file.descriptor(), Access::read_only, budget);
    const Expected<Mapping> mapping = window.map(kGranule, kGranule);
    if (!mapping || ftruncate(file.descriptor(), kPage) != 0) return 1;
    if (!use_all_mappings_up()) return 2;
    if (mapping->bytes()[5 * kPage] != std::byte{0}) return 3;
    return mapping->fault() == WindowErrc::cut_short ? 0 : 4;
  });
  EXPECT_EQ(ended, 0);
}

/// A memory cgroup, of either version, for a process that enters it and never leaves.
class MemoryGroup {
 public:
  explicit MemoryGroup(std::int64_t bytes) {
    for (const Version& it : kVersions) {
      path_ = std::string(it.root) + "/kmapper-test-" + std::to_string(getpid());
      if (mkdir(path_.c_str(), 0700) != 0) continue;
      if (write(it.limit, bytes) && write("/cgroup.procs", getpid())) {
        is_entered_ = true;
        root_ = it.root;
        return;
      }
      rmdir(path_.c_str());
    }
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  ~MemoryGroup() {
    if (!is_entered_) return;
    const std::string group = path_;
    path_ = root_;
    write("/cgroup.procs", getpid());
    rmdir(group.c_str());
  }
  [[nodiscard]] bool is_entered() const { return is_entered_; }

 private:
  struct Version {
    const char* root;
    const char* limit;
  };
  static constexpr Version kVersions[] = {{"/sys/fs/cgroup", "/memory.max"},
                                          {"/sys/fs/cgroup/memory", "/memory.limit_in_bytes"}};

  bool write(const char* name, std::int64_t value) {
    const int file = open((path_ + name).c_str(), O_WRONLY | O_CLOEXEC);
    const std::string text = std::to_string(value);
    const bool done =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) close(file);
    return done;
  }

  std::string path_;
  std::string root_;
  bool is_entered_ = false;
};

// The file is larger than the process's memory, including the cache of files.
TEST(SystemLimits, AFileLargerThanTheMemoryOfTheCgroupIsGoneThrough) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs memory of its own";
#endif
  constexpr int kSkipped = 77;
  const int ended = in_a_child([] {
    const MemoryGroup group(std::int64_t{48} << 20);
    if (!group.is_entered()) return kSkipped;
    constexpr std::int64_t kSize = std::int64_t{96} << 20;
    const ScratchFile file(ScratchFile::on_disk, kSize);
    FileWindow window(file.descriptor(), Access::read_write, Budget({.bytes = 8 << 20}));
    for (std::int64_t offset = 0; offset < kSize; offset += kPage) {
      const auto mapping = window.map(offset, kPage);
      if (!mapping || !shows(mapping->bytes(), offset)) return 1;
      mapping->writable()[0] = ~byte_at(offset);
    }
    for (std::int64_t offset = 0; offset < kSize; offset += kPage) {
      const auto mapping = window.map(offset, 1);
      if (!mapping || mapping->bytes()[0] != ~byte_at(offset) || mapping->bad()) return 2;
    }
    return 0;
  });
  if (ended == kSkipped) GTEST_SKIP() << "no memory cgroup can be made here";
  EXPECT_EQ(ended, 0);
}

TEST(SystemLimits, ABudgetThatGetsNoAddressesThrows) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs addresses of its own";
#endif
  const int ended = in_a_child([] {
    const rlimit limit{.rlim_cur = rlim_t{256} << 20, .rlim_max = rlim_t{256} << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
    try {
      const Budget budget({.bytes = std::int64_t{512} << 20});
    } catch (const std::system_error& error) {
      return error.code() == std::errc::not_enough_memory ? 0 : 2;
    }
    return 3;
  });
  EXPECT_EQ(ended, 0);
}

TEST(SystemLimits, AFileThatGetsNoAddressesAtHomeIsMappedInSlots) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs addresses of its own";
#endif
  const int ended = in_a_child([] {
    constexpr std::int64_t kFile = std::int64_t{30} << 20;
    const ScratchFile file(100 * kPage);
    if (ftruncate64(file.descriptor(), kFile) != 0) return 1;
    const Budget budget({.bytes = 64 * kPage, .granule = kPage});
    const auto most = static_cast<rlim_t>(address_bytes() + (40 << 20));  // fewer than home needs
    const rlimit limit{.rlim_cur = most, .rlim_max = most};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 2;
    FileWindow window(file.descriptor(), Access::read_write, budget);
    const Expected<Mapping> mapping = window.map(50 * kPage, 100);
    if (!mapping || !shows(mapping->bytes(), 50 * kPage)) return 3;
    return budget.stats().map_calls != 0 ? 0 : 4;
  });
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace kmapper::process
