// A file with known bytes, which the test checks without the library.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace kmapper::injection {

/// An error that was found. Ends the scenario.
struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class KnownFile {
 public:
  enum Kind { on_disk, in_memory };

  KnownFile(Kind kind, std::int64_t size) : descriptor_(open_new(kind)) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(static_cast<std::int64_t>(i));
    if (pwrite(descriptor_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(size))
      throw Wrong(std::string("no file for the test: ") + std::strerror(errno));
  }
  KnownFile(const KnownFile&) = delete;
  KnownFile& operator=(const KnownFile&) = delete;
  ~KnownFile() {
    close(descriptor_);
    if (!path_.empty()) unlink(path_.c_str());
  }

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] static std::byte byte_at(std::int64_t offset) {
    return static_cast<std::byte>((static_cast<std::uint64_t>(offset) * 0x9E3779B97F4A7C15U) >> 56);
  }
  /// Throws if the bytes are not the file's first contents.
  static void expect_first(std::span<const std::byte> bytes, std::int64_t offset) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] != byte_at(offset + static_cast<std::int64_t>(i)))
        throw Wrong("another byte is shown at " +
                    std::to_string(offset + static_cast<std::int64_t>(i)));
    }
  }
  /// The byte that the file has there now.
  [[nodiscard]] std::byte now_at(std::int64_t offset) const {
    std::byte value{};
    if (pread(descriptor_, &value, 1, offset) != 1) throw Wrong("the test cannot read its file");
    return value;
  }

 private:
  int open_new(Kind kind) {
    if (kind == in_memory) return memfd_create("injection", MFD_CLOEXEC);
    const char* const folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/kmapper-injection-XXXXXX";
    return mkostemp(path_.data(), O_CLOEXEC);
  }

  std::string path_;
  const int descriptor_;
};

}  // namespace kmapper::injection
