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
  /// A scan reads pieces of `scan_step` bytes.
  Reads(const Setting& setting, std::int64_t scan_step) : Setting(setting), scan_step_(scan_step) {}

  class Seat {
   public:
    explicit Seat(const Reads& shared)
        : setting_(shared),
          scan_step_(shared.scan_step_),
          buffer_(static_cast<std::size_t>(std::max(setting_.granule, scan_step_))) {}

    template <class Use>
    auto read(std::int64_t offset, std::size_t length, Use use) {
      must_read(setting_.descriptor, buffer_.data(), length, offset);
      return use(buffer_.data());
    }
    template <class Use>
    void write(std::int64_t offset, std::size_t length, Use use) {
      use(buffer_.data());
      must_write(setting_.descriptor, buffer_.data(), length, offset);
    }
    void sync() {
      if (fdatasync(setting_.descriptor) != 0) std::abort();
    }
    [[nodiscard]] std::int64_t scan_step() const { return scan_step_; }

   private:
    const Setting setting_;
    const std::int64_t scan_step_;
    std::vector<std::byte> buffer_;
  };

 private:
  const std::int64_t scan_step_;
};

}  // namespace kmapper::bench
