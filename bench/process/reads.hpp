// pread and pwrite of exactly the accessed bytes, with a buffer of the thread's own.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "bench/process/contender.hpp"

namespace kmapper::bench {

inline void must_read(int descriptor, std::byte* data, std::size_t size, std::int64_t offset) {
  if (pread(descriptor, data, size, offset) != static_cast<ssize_t>(size)) {
    std::perror("process_bench: pread");
    std::abort();
  }
}

inline void must_write(int descriptor, const std::byte* data, std::size_t size,
                       std::int64_t offset) {
  if (pwrite(descriptor, data, size, offset) != static_cast<ssize_t>(size)) {
    std::perror("process_bench: pwrite");
    std::abort();
  }
}

class Reads : public Setting {
 public:
  explicit Reads(const Setting& setting) : Setting(setting) {}

  class Seat {
   public:
    explicit Seat(const Setting& setting)
        : setting_(setting),
          buffer_(static_cast<std::size_t>(std::max(setting.granule, kScanStep))) {}

    template <class Use>
    void read(std::int64_t offset, std::size_t length, Use use) {
      must_read(setting_.descriptor, buffer_.data(), length, offset);
      use(buffer_.data());
    }
    template <class Use>
    void write(std::int64_t offset, std::size_t length, Use use) {
      use(buffer_.data());
      must_write(setting_.descriptor, buffer_.data(), length, offset);
    }
    void sync() {
      if (fdatasync(setting_.descriptor) != 0) std::abort();
    }
    [[nodiscard]] static std::int64_t scan_step() { return kScanStep; }

   private:
    static constexpr std::int64_t kScanStep = std::int64_t{1} << 20;
    const Setting setting_;
    std::vector<std::byte> buffer_;
  };
};

}  // namespace kmapper::bench
