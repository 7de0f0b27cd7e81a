#include "process/fault/cause.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "system/page_size.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {
namespace {

std::int64_t page_bytes() { return static_cast<std::int64_t>(system::page_size()); }

int change_blocks(int descriptor, int mode, std::int64_t offset) {
  const auto call = [&] {
    return fallocate(descriptor, mode | FALLOC_FL_KEEP_SIZE, offset, page_bytes());
  };
  return system::uninterrupted(call) == 0 ? 0 : errno;
}

/// Whether the error is a file system's answer to a request for a block. Others cannot allocate
/// blocks this way (EOPNOTSUPP, ENODEV), or not so far behind a file's end (EFBIG).
bool is_about_blocks(int number) {
  return number == ENOSPC || number == EDQUOT || number == ENOMEM || number == EROFS ||
         number == EIO;
}

}  // namespace

int cause_of_fault(int descriptor, std::int64_t page_offset, bool writable) noexcept {
  struct stat status {};
  if (system::uninterrupted([&] { return fstat(descriptor, &status); }) != 0) return errno;
  if (S_ISREG(status.st_mode) && page_offset >= status.st_size) return kCutShort;
  char byte = 0;
  // A descriptor for direct access (O_DIRECT) cannot read a single byte: EINVAL.
  if (system::uninterrupted([&] { return pread64(descriptor, &byte, 1, page_offset); }) < 0 &&
      errno != EINVAL) {
    return errno;
  }
  if (!writable) return 0;
  const int number = change_blocks(descriptor, 0, page_offset);
  return is_about_blocks(number) ? number : 0;
}

int cause_of_repeated_fault(int descriptor, bool writable) noexcept {
  struct statfs disk {};
  struct stat status {};
  // So far behind the end that no program has allocated anything there.
  constexpr std::int64_t kFarBehind = std::int64_t{1} << 30;
  if (writable && system::uninterrupted([&] { return fstat(descriptor, &status); }) == 0 &&
      S_ISREG(status.st_mode) && status.st_size < INT64_MAX - 2 * kFarBehind) {
    const std::int64_t behind = status.st_size - status.st_size % page_bytes() + kFarBehind;
    const int number = change_blocks(descriptor, 0, behind);
    if (is_about_blocks(number)) return number;
    if (number == 0) (void)change_blocks(descriptor, FALLOC_FL_PUNCH_HOLE, behind);
  }
  // A file system that cannot allocate blocks on request, as many network file systems cannot.
  if (system::uninterrupted([&] { return fstatfs(descriptor, &disk); }) == 0 &&
      disk.f_blocks != 0 && disk.f_bavail == 0) {
    return ENOSPC;
  }
  return EIO;
}

}  // namespace kmapper::process
