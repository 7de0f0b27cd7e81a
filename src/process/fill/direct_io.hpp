// Reads and writes that bypass the page cache (O_DIRECT), for copies: so a file's data is not in
// memory twice. The kernel wants them aligned; what is not aligned, such as the end of a file, goes
// through the page cache.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>

#include "kmapper/process/process.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {

class DirectIo {
 public:
  /// None: everything goes through the page cache.
  DirectIo() = default;
  /// Opens the file anew. Throws std::system_error if its file system cannot do that.
  DirectIo(int descriptor, const std::string& name, Access access);

  /// The descriptor for a transfer: `cached`, or that which bypasses the page cache.
  [[nodiscard]] int choose(int cached, std::span<const iovec> pieces, std::int64_t offset) const {
    if (direct_.number() < 0) [[likely]]
      return cached;
    return are_aligned(pieces, offset) ? direct_.number() : cached;
  }

 private:
  [[nodiscard]] static bool are_aligned(std::span<const iovec> pieces, std::int64_t offset);

  system::Descriptor direct_{-1};
};

}  // namespace kmapper::process
