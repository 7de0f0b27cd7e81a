// A block device through the window: a loop device, if the machine allows one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>

#include "kmapper/process/process.hpp"
#include "loop_device.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kSize = 256 * kPage;

class BlockDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (!device_.is_there()) GTEST_SKIP() << "no loop device can be had here";
  }
  const ScratchFile backing_{ScratchFile::on_disk, kSize};
  const LoopDevice device_{backing_.descriptor()};
  const Budget budget_{{.bytes = 32 * kPage, .granule = kPage}};
};

TEST_F(BlockDevice, IsReadAndWritten) {
  FileWindow window(device_.path(), Access::read_write, budget_);
  EXPECT_EQ(window.size(), kSize);
  for (std::int64_t offset = 0; offset < kSize; offset += kPage) {
    const auto mapping = window.map(offset + 1, 100);
    ASSERT_TRUE(mapping);
    ASSERT_TRUE(shows(mapping->bytes(), offset + 1));
    mapping->writable()[0] = std::byte{9};
  }
  EXPECT_FALSE(window.sync());
  EXPECT_EQ(backing_.read(kSize - kPage + 1), std::byte{9});
  EXPECT_EQ(window.map(kSize, 1).error().code(), WindowErrc::beyond_end);
  EXPECT_TRUE(window.resize(kSize + kPage));  // a device keeps its size
}

// At home, small granules are mapped by a write access. All that is read of a device would be
// written to it again.
TEST_F(BlockDevice, HasNoHomeInSmallGranulesAsMemoryFilesHave) {
  const Budget home({.bytes = 32 * kPage, .granule = kPage, .placement = Placement::home});
  EXPECT_THROW(FileWindow(device_.path(), Access::read_write, home), std::system_error);
}

// The device has its old size, but has lost a part of its disk.
TEST_F(BlockDevice, WhatItCannotReadIsAnErrorOfTheMapping) {
  FileWindow window(device_.path(), Access::read_write, budget_);
  const auto good = window.map(0, kPage);
  ASSERT_EQ(ftruncate64(backing_.descriptor(), kSize / 2), 0);
  device_.forget();
  const auto lost = window.map(kSize - kPage, kPage);
  ASSERT_TRUE(good && lost);
  const std::byte first = *static_cast<volatile std::byte*>(lost->data());
  EXPECT_EQ(first, std::byte{0});
  EXPECT_TRUE(lost->bad());
  EXPECT_EQ(lost->fault(), std::errc::io_error);
  EXPECT_FALSE(good->bad());
  EXPECT_TRUE(shows(good->bytes(), 0));
}

}  // namespace
}  // namespace kmapper::process
