// File systems without room for one more page, although they count free blocks; and quotas.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/btrfs.h>
#include <linux/falloc.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "loop_device.hpp"
#include "scratch_file.hpp"
#include "small_disk.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kSize = kMiB;
constexpr int kSkipped = 77;

/// A file system for the calling process alone, which should be a child of the test.
class Mounted {
 public:
  Mounted() {
    if (mkdtemp(folder_) == nullptr) return;
    has_place_ =
        unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  ~Mounted() {
    umount2(folder_, MNT_DETACH);
    rmdir(folder_);
  }
  /// Mounts a file system of a kind if its mkfs.<kind> is installed.
  [[nodiscard]] bool mount_disk(const std::string& kind, std::int64_t size) {
    const ScratchFile disk(ScratchFile::on_disk, 0);
    const std::string make =
        "PATH=$PATH:/sbin:/usr/sbin mkfs." + kind + " -q " + disk.path() + " >/dev/null 2>&1";
    if (!has_place_ || ftruncate64(disk.descriptor(), size) != 0 || std::system(make.c_str()) != 0)
      return false;
    const LoopDevice device(disk.descriptor());
    if (!device.is_there() || mount(device.path().c_str(), folder_, kind.c_str(), 0, "") != 0)
      return false;
    device.go_when_unused();
    return true;
  }
  [[nodiscard]] int open_file(const char* name) const {
    return open((std::string(folder_) + "/" + name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  }

 private:
  char folder_[32] = "/tmp/kmapper-space-XXXXXX";
  bool has_place_ = false;
};

/// Makes a file take all free space.
void fill_up(int file) {
  std::int64_t end = 0;
  for (std::int64_t step = 64 * kMiB; step >= 4096;) {
    if (fallocate64(file, 0, end, step) == 0) {
      end += step;
    } else {
      step /= 2;
    }
  }
  const std::vector<char> page(4096, 'x');
  while (pwrite64(file, page.data(), page.size(), end) > 0) end += 4096;
  fsync(file);
}

void write_all(int file) {
  const std::vector<char> bytes(static_cast<std::size_t>(kSize), 'w');
  EXPECT_EQ(pwrite64(file, bytes.data(), bytes.size(), 0), kSize);
  fsync(file);
}

/// Writes to each page of a file that can take no more. 0: there are errors, all are the expected
/// one, and sync() reports them.
int write_to(int file, int number) {
  const std::error_code expected(number, std::system_category());
  FileWindow window(file, Access::read_write,
                    Budget({.bytes = kMiB, .placement = Placement::slots}));
  int bad = 0;
  // A few are enough: a file system searches long for a last block.
  for (std::int64_t at = 0; at < kSize && bad < 3; at += 4096) {
    const auto mapping = window.map(at, 1);
    if (!mapping) return 10;
    mapping->writable()[0] = std::byte{1};
    if (!mapping->bad()) continue;
    if (mapping->fault() != expected) return 11;
    ++bad;
  }
  if (bad == 0) return 12;
  return window.sync().code() == expected ? 0 : 13;
}

/// Runs the function in a process of its own, with a file system of that kind.
template <class Run>
void on_disk_of(const std::string& kind, std::int64_t size, Run run) {
  const int ended = in_a_child([&] {
    Mounted mounted;
    if (!mounted.mount_disk(kind, size)) return kSkipped;
    const int file = mounted.open_file("file");
    const int filler = mounted.open_file("filler");
    const int result = run(file, filler);
    close(file);
    close(filler);
    return result;
  });
  if (ended == kSkipped) GTEST_SKIP() << "no file system of kind " << kind << " can be had here";
  EXPECT_EQ(ended, 0);
}

TEST(NoSpace, IsFoundOnADiskThatKeepsBlocksBack) {
  on_disk_of("xfs", 320 * kMiB, [](int file, int filler) {
    if (ftruncate64(file, kSize) != 0) return 1;
    fill_up(filler);
    return write_to(file, ENOSPC);
  });
}

TEST(NoSpace, IsFoundWhereABlockIsWrittenElsewhere) {
  on_disk_of("btrfs", 128 * kMiB, [](int file, int filler) {
    write_all(file);
    fill_up(filler);
    return write_to(file, ENOSPC);
  });
}

TEST(NoSpace, OfAQuotaIsNamedAsThat) {
  on_disk_of("btrfs", 128 * kMiB, [](int file, int /*filler*/) {
    btrfs_ioctl_quota_ctl_args enable{.cmd = BTRFS_QUOTA_CTL_ENABLE, .status = 0};
    btrfs_ioctl_qgroup_limit_args limit{};
    limit.qgroupid = 5;  // of the root (BTRFS_FS_TREE_OBJECTID)
    limit.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    limit.lim.max_rfer = 256 << 10;
    if (ioctl(file, BTRFS_IOC_QUOTA_CTL, &enable) != 0 ||
        ioctl(file, BTRFS_IOC_QGROUP_LIMIT, &limit) != 0) {
      return kSkipped;
    }
    if (ftruncate64(file, kSize) != 0) return 1;
    return write_to(file, EDQUOT);
  });
}

// A file system in memory needs a page even for a read of a hole.
TEST(NoSpace, IsFoundByAReadThatNeedsAPage) {
  const int ended = in_a_child([] {
    const SmallDisk disk;
    if (!disk.is_there()) return kSkipped;
    const int file = disk.open_file(kSize);
    fill_up(disk.open_file(0));
    FileWindow window(file, Access::read_write, Budget({.placement = Placement::slots}));
    const auto mapping = window.map(0, 1);
    if (!mapping || mapping->bytes()[0] != std::byte{0}) return 2;
    return mapping->fault() == std::errc::no_space_on_device ? 0 : 3;
  });
  if (ended == kSkipped) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace kmapper::process
