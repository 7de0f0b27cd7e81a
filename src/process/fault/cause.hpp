// Why an access to a mapped file could not be carried out. The kernel says only that it could not
// (SIGBUS), so the file system is asked for the same page by system calls, which name the reason:
//
//     the file is shorter now                          fstat: kCutShort
//     the page cannot be read                          pread of a byte
//     it is a hole, and there is no block for it       fallocate of the page, which a write to it
//                                                      needs: ENOSPC, EDQUOT, EROFS, EIO
//     it has a block, but a write needs another one    fallocate behind the file's end, given back
//     (copy-on-write file systems)                     at once
//
// Free blocks are not counted: file systems keep some back that a count shows as free, and a quota
// shows in none.
//
// For signal handlers: system calls only.
#pragma once

#include <cstdint>

namespace kmapper::process {

/// The file has become shorter: a cause beside the system's errno numbers.
inline constexpr int kCutShort = -1;

/// What the file system says of a page; 0: nothing is wrong, so the access may do better now. Has
/// the page's block allocated where `writable`, so that the descriptor must be one for writing.
[[nodiscard]] int cause_of_fault(int descriptor, std::int64_t page_offset, bool writable) noexcept;

/// The same, when the access has failed once more: never 0, and EIO where nobody says more.
[[nodiscard]] int cause_of_repeated_fault(int descriptor, bool writable) noexcept;

}  // namespace kmapper::process
