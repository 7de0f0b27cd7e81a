// Pieces of memory that one system call reads, writes or gives back.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace kmapper::system {

/// What is left of the pieces when the call has handled their first bytes.
[[nodiscard]] inline std::span<iovec> without(std::span<iovec> pieces, std::size_t bytes) {
  while (!pieces.empty() && bytes >= pieces.front().iov_len) {
    bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (bytes != 0) {
    pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + bytes;
    pieces.front().iov_len -= bytes;
  }
  return pieces;
}

/// Adds a piece to the first `count`; one that follows the last in memory becomes a part of it.
/// Returns how many there are now.
[[nodiscard]] inline std::size_t add_piece(std::span<iovec> pieces, std::size_t count,
                                           std::byte* begin, std::size_t size) {
  iovec* const last = count != 0 ? &pieces[count - 1] : nullptr;
  if (last != nullptr && static_cast<std::byte*>(last->iov_base) + last->iov_len == begin) {
    last->iov_len += size;
    return count;
  }
  pieces[count] = {begin, size};
  return count + 1;
}

}  // namespace kmapper::system
