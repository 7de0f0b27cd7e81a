// Files to map: real ones in a temporary folder, and memory files. Each byte tells its offset.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace kmapper::process {

/// The file's byte at an offset, until it is overwritten.
[[nodiscard]] inline std::byte byte_at(std::int64_t offset) {
  const auto n = static_cast<std::uint64_t>(offset);
  return static_cast<std::byte>((n * 0x9E3779B97F4A7C15U) >> 56);
}

[[nodiscard]] inline bool shows(std::span<const std::byte> bytes, std::int64_t offset) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != byte_at(offset + static_cast<std::int64_t>(i))) return false;
  }
  return true;
}

class ScratchFile {
 public:
  enum Kind { on_disk, in_memory };

  ScratchFile(Kind kind, std::int64_t size) : descriptor_(open_new(kind)) {
    std::vector<std::byte> block(std::size_t{1} << 16);
    for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(block.size())) {
      const auto length = static_cast<std::size_t>(
          std::min<std::int64_t>(size - at, static_cast<std::int64_t>(block.size())));
      for (std::size_t i = 0; i < length; ++i)
        block[i] = byte_at(at + static_cast<std::int64_t>(i));
      EXPECT_EQ(pwrite64(descriptor_, block.data(), length, at), static_cast<ssize_t>(length));
    }
    EXPECT_EQ(ftruncate64(descriptor_, size), 0);
  }
  explicit ScratchFile(std::int64_t size) : ScratchFile(in_memory, size) {}
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() {
    close(descriptor_);
    if (!path_.empty()) unlink(path_.c_str());
  }

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::byte read(std::int64_t offset) const {
    std::byte value{};
    EXPECT_EQ(pread64(descriptor_, &value, 1, offset), 1);
    return value;
  }

 private:
  int open_new(Kind kind) {
    if (kind == in_memory) return memfd_create("scratch", MFD_CLOEXEC);
    const char* const folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/kmapper-test-XXXXXX";
    return mkostemp(path_.data(), O_CLOEXEC);
  }

  std::string path_;
  const int descriptor_;
};

}  // namespace kmapper::process
