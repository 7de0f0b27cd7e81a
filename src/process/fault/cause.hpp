// Why an access to a mapped file failed. The kernel only says that it did (SIGBUS). So the file
// system is asked for the same page by system calls, which return the reason:
//
//     the file is shorter now                          fstat: kCutShort
//     the page cannot be read                          pread of a byte
//     it is a hole, and there is no block for it       fallocate of the page, which a write to it
//                                                      needs: ENOSPC, EDQUOT, EROFS, EIO
//     it has a block, but a write needs another one    fallocate behind the file's end, given back
//     (copy-on-write file systems)                     at once
//
// Counting free blocks would not help: file systems reserve some that the count shows as free, and
// a quota is not in the count.
//
// For signal handlers: system calls only.
#pragma once

#include <cstdint>

namespace kmapper::process {

/// The file has become shorter: a cause that is not one of the system's errno numbers.
inline constexpr int kCutShort = -1;

/// What the file system says of a page; 0: nothing is wrong, so the access may succeed now. If
/// `writable`, it has the page's block allocated, so the descriptor must be open for writing.
[[nodiscard]] int cause_of_fault(int descriptor, std::int64_t page_offset, bool writable) noexcept;

/// The same, after the access has failed once more: never 0, and EIO where no other cause is known.
[[nodiscard]] int cause_of_repeated_fault(int descriptor, bool writable) noexcept;

}  // namespace kmapper::process
