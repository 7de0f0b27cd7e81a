// A file system of 64 KiB in memory, for the calling process alone: a full disk.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace kmapper::process {

class SmallDisk {
 public:
  static constexpr std::int64_t kSize = 64 << 10;

  SmallDisk() {
    if (mkdtemp(folder_) == nullptr) return;
    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0)
      is_there_ = mount("none", folder_, "tmpfs", 0, "size=64k") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_there_) umount2(folder_, MNT_DETACH);
    rmdir(folder_);
  }

  /// False: no file system can be mounted here.
  [[nodiscard]] bool is_there() const { return is_there_; }
  /// A file of holes, which has no name; the caller closes it. -1: it cannot be made.
  [[nodiscard]] int open_file(std::int64_t size) const {
    const int file = open(folder_, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    EXPECT_EQ(ftruncate64(file, size), 0);
    return file;
  }

 private:
  char folder_[32] = "/tmp/kmapper-full-XXXXXX";
  bool is_there_ = false;
};

}  // namespace kmapper::process
