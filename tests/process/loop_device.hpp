// A loop device: a file as a block device, if the machine allows one.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

namespace kmapper::process {

class LoopDevice {
 public:
  explicit LoopDevice(int backing) {
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    // Another process may take the device between the question and its use.
    for (int tries = 0; control >= 0 && !is_there_ && tries < 10; ++tries) {
      if (device_ >= 0) close(device_);
      path_ = "/dev/loop" + std::to_string(ioctl(control, LOOP_CTL_GET_FREE));
      device_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
      is_there_ = device_ >= 0 && ioctl(device_, LOOP_SET_FD, backing) == 0;
    }
    if (control >= 0) close(control);
  }
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  ~LoopDevice() {
    if (is_there_) ioctl(device_, LOOP_CLR_FD);
    if (device_ >= 0) close(device_);
  }
  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Makes the device go away after its last use: a mounted file system counts as a use.
  void go_when_unused() const {
    loop_info64 info{};
    if (!is_there_ || ioctl(device_, LOOP_GET_STATUS64, &info) != 0) return;
    info.lo_flags |= LO_FLAGS_AUTOCLEAR;
    ioctl(device_, LOOP_SET_STATUS64, &info);
  }
  /// Makes the system forget what it has read of the device.
  void forget() const { EXPECT_EQ(ioctl(device_, BLKFLSBUF, 0), 0); }

 private:
  std::string path_;
  int device_ = -1;
  bool is_there_ = false;
};

}  // namespace kmapper::process
