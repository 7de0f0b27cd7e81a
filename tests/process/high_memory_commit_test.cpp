// High memory whose pages take up memory when they are allocated: to run out is an error.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/kmapper.h"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "process/api/available_memory.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr int kSkipped = 77;

bool write_text(const std::string& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = std::fputs(text.c_str(), file) >= 0;
  return std::fclose(file) == 0 && written;
}

/// Files like those of /proc and /sys/fs/cgroup.
class SystemFiles : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(mkdtemp(folder_), nullptr);
    add_folder("self");
    add("meminfo", "MemTotal: 900 kB\nMemAvailable:      500 kB\nSwapFree:  100 kB\n");
  }
  void TearDown() override {
    std::reverse(made_.begin(), made_.end());
    for (const std::string& it : made_) EXPECT_EQ(std::remove(it.c_str()), 0) << it;
    EXPECT_EQ(rmdir(folder_), 0);
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return std::string(folder_) + "/" + name;
  }
  void add_folder(const std::string& name) {
    ASSERT_EQ(mkdir(path(name).c_str(), 0700), 0);
    made_.push_back(path(name));
  }
  void add(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_text(path(name), text));
    made_.push_back(path(name));
  }
  void add_group(const std::string& name, const char* limit, const char* usage, const char* stat) {
    add_folder(name);
    add(name + "/memory.max", limit);
    add(name + "/memory.current", usage);
    add(name + "/memory.stat", stat);
  }
  [[nodiscard]] std::int64_t left() const { return available_memory(folder_, folder_); }

 private:
  char folder_[32] = "/tmp/kmapper-memory-XXXXXX";
  std::vector<std::string> made_;
};

TEST_F(SystemFiles, SayWhatTheMachineHasLeft) { EXPECT_EQ(left(), 600 * kKiB); }

TEST_F(SystemFiles, SayWhatEachGroupLeaves) {
  add("self/cgroup", "0::/outer/inner\n");
  add_group("outer", "200000\n", "150000\n", "anon 1\ninactive_file 10000\nactive_file 5000\n");
  EXPECT_EQ(left(), 65'000);
  add_group("outer/inner", "max\n", "140000\n", "inactive_file 0\n");
  EXPECT_EQ(left(), 65'000);
}

TEST_F(SystemFiles, SayWhatAnInnerGroupLeaves) {
  add("self/cgroup", "0::/outer/inner\n");
  add_group("outer", "200000\n", "0\n", "");
  add_group("outer/inner", "100000\n", "99999\n", "");
  EXPECT_EQ(left(), 1);
}

TEST_F(SystemFiles, SayWhatAGroupOfTheFirstVersionLeaves) {
  add("self/cgroup", "9:name=x:/\n4:cpu,memory:/group\n0::/\n");
  add_folder("memory");
  add_folder("memory/group");
  add("memory/group/memory.limit_in_bytes", "70000\n");
  add("memory/group/memory.usage_in_bytes", "60000\n");
  add("memory/group/memory.stat", "inactive_file 7\ntotal_inactive_file 300\n");
  EXPECT_EQ(left(), 10'300);
}

TEST(AvailableMemory, IsUnknownWithoutTheFiles) {
  EXPECT_EQ(available_memory("/nowhere", "/nowhere"), INT64_MAX);
}

/// A control group with a limit, if the machine allows one.
class ControlGroup {
 public:
  explicit ControlGroup(std::int64_t limit) {
    const std::string name = "/kmapper-test-" + std::to_string(getpid());
    for (const char* const root : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
      folder_ = root + name;
      if (mkdir(folder_.c_str(), 0700) != 0) continue;
      const std::string bytes = std::to_string(limit);
      is_there_ = write_text(folder_ + "/memory.limit_in_bytes", bytes) ||
                  write_text(folder_ + "/memory.max", bytes);
      if (is_there_) return;
      rmdir(folder_.c_str());
    }
  }
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;
  ~ControlGroup() {
    // The kernel needs a moment to release the process that was in the group.
    for (int i = 0; is_there_ && i < 100 && rmdir(folder_.c_str()) != 0; ++i) usleep(10'000);
  }
  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] bool join() const {
    return write_text(folder_ + "/cgroup.procs", std::to_string(getpid()));
  }

 private:
  std::string folder_;
  bool is_there_ = false;
};

TEST(HighMemoryCommit, RunningOutIsAnErrorOfAllocate) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs memory of its own";
#endif
  const ControlGroup group(96 * kMiB);
  if (!group.is_there()) GTEST_SKIP() << "no control group for memory can be had here";
  const int ended = in_a_child([&] {
    if (!group.join()) return kSkipped;
    const Budget budget({.bytes = 4 * kMiB, .granule = 64 * kKiB});
    HighMemory memory(budget, Commit::when_allocated);
    for (std::int64_t bytes = 0; bytes < 128 * kMiB; bytes += memory.page_size()) {
      const Expected<HighPage> page = memory.allocate();
      if (!page) {
        if (page.error().code() != std::errc::not_enough_memory) return 1;
        return bytes > 16 * kMiB ? 0 : 2;
      }
      const auto mapping = memory.map(*page);
      if (!mapping) return 3;
      for (std::byte& it : mapping->writable()) it = std::byte{1};
      if (mapping->bad()) return 4;
    }
    return 5;
  });
  if (ended == kSkipped) GTEST_SKIP() << "no control group for memory can be had here";
  EXPECT_EQ(ended, 0);
}

TEST(HighMemoryCommit, IsAskedForInC) {
  kmapper_budget* budget = nullptr;
  kmapper_high_memory* memory = nullptr;
  kmapper_high_page page = 0;
  ASSERT_EQ(kmapper_budget_create(nullptr, &budget), KMAPPER_OK);
  EXPECT_EQ(kmapper_high_memory_create_committed(budget, 2, &memory), KMAPPER_INVALID_OPTION);
  EXPECT_STREQ(kmapper_last_message(),
               "commit 2 is not from 0 to 1: this option is not allowed here");
  ASSERT_EQ(kmapper_high_memory_create_committed(budget, KMAPPER_COMMIT_WHEN_ALLOCATED, &memory),
            KMAPPER_OK);
  EXPECT_EQ(kmapper_high_memory_allocate(memory, &page), KMAPPER_OK);
  kmapper_high_memory_destroy(memory);
  kmapper_budget_destroy(budget);
}

TEST(HighMemoryCommit, PagesAreGivenBackAndTakenAgain) {
  HighMemory memory(Budget({.bytes = 64 * kKiB, .granule = 4 * kKiB}), Commit::when_allocated);
  for (int round = 0; round < 2; ++round) {
    const Expected<HighPage> page = memory.allocate();
    ASSERT_TRUE(page) << page.error().message();
    auto mapping = memory.map(*page);
    ASSERT_TRUE(mapping);
    EXPECT_EQ(mapping->bytes()[0], std::byte{0});
    mapping->writable()[0] = std::byte{1};
    *mapping = {};
    EXPECT_FALSE(memory.free(*page));
  }
}

}  // namespace
}  // namespace kmapper::process
