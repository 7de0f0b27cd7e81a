// Which pages of this process are in memory and mapped, from /proc/self/pagemap.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "system/descriptor.hpp"

namespace kmapper::process {

class PresentPages {
 public:
  PresentPages() : pagemap_(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}

  /// How many bytes of a range of whole pages are present; -1: the kernel does not say.
  [[nodiscard]] std::int64_t bytes(const std::byte* begin, std::size_t size) {
    auto page = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(begin) / page_);
    const std::int64_t end = page + static_cast<std::int64_t>(size / page_);
    std::int64_t present = 0;
    while (page < end) {
      const std::size_t some = std::min(entries_.size(), static_cast<std::size_t>(end - page));
      const std::size_t length = some * sizeof entries_[0];
      const auto offset = page * static_cast<std::int64_t>(sizeof entries_[0]);
      if (pread64(pagemap_.number(), entries_.data(), length, offset) !=
          static_cast<ssize_t>(length)) {
        return -1;
      }
      for (std::size_t i = 0; i < some; ++i) present += (entries_[i] >> 63) != 0 ? 1 : 0;
      page += static_cast<std::int64_t>(some);
    }
    return present * static_cast<std::int64_t>(page_);
  }

 private:
  // The kernel's own page size, whatever page_size() pretends: the file has an entry for each page.
  const std::size_t page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const system::Descriptor pagemap_;
  std::array<std::uint64_t, 512> entries_;
};

}  // namespace kmapper::process
