// The errors of each call, as its manual page lists them: of section 2, or for fopen() and
// posix_fadvise() of the calls below them. Impossible errors are left out: a bad address, a bad
// descriptor, an invalid signal number.
#pragma once

#include <array>
#include <cerrno>
#include <initializer_list>
#include <span>

#include "injection.h"

namespace kmapper::injection {

struct Errors {
  const char* name;
  std::span<const int> errors;
};

namespace errors_of {
inline constexpr int kOpen[] = {EACCES, EINTR,   EMFILE, ENFILE,    ENOENT, ENOMEM, EPERM,
                                EROFS,  ETXTBSY, ELOOP,  EOVERFLOW, ENODEV, EIO};
inline constexpr int kFopen[] = {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM};
inline constexpr int kFcntl[] = {EMFILE, EINVAL, EPERM};
inline constexpr int kIoctl[] = {EINVAL, ENOTTY};
inline constexpr int kFstat[] = {ENOMEM, EOVERFLOW, EIO};
inline constexpr int kFstatfs[] = {EINTR, EIO, ENOMEM, ENOSYS, EOVERFLOW};
inline constexpr int kMemfdCreate[] = {EINVAL, EMFILE, ENFILE, ENOMEM, EPERM};
inline constexpr int kFtruncate[] = {EINTR, EFBIG, EINVAL, EIO, EPERM, EROFS, ETXTBSY};
inline constexpr int kFallocate[] = {EINTR,  EFBIG,      EINVAL, EIO,   ENODEV,
                                     ENOSPC, EOPNOTSUPP, ENOSYS, EPERM, ETXTBSY};
inline constexpr int kPread[] = {EINTR, EAGAIN, EIO, EINVAL, ENXIO, EOVERFLOW};
inline constexpr int kPwrite[] = {EINTR, EAGAIN, EDQUOT, EFBIG, EINVAL, EIO, ENOSPC, EPERM};
inline constexpr int kFdatasync[] = {EINTR, EIO, ENOSPC, EDQUOT, EROFS, EINVAL};
inline constexpr int kSyncFileRange[] = {EIO, ENOMEM, ENOSPC, EINVAL, ESPIPE};
inline constexpr int kFadvise[] = {EINVAL, ESPIPE};
inline constexpr int kMmap[] = {EACCES, EAGAIN, EINVAL, ENFILE,  ENODEV,
                                ENOMEM, EPERM,  EEXIST, ETXTBSY, EOVERFLOW};
inline constexpr int kMunmap[] = {EINVAL, ENOMEM};
inline constexpr int kMprotect[] = {EACCES, EINVAL, ENOMEM};
inline constexpr int kMadvise[] = {EACCES, EAGAIN, EINTR, EINVAL, EIO, ENOMEM, EPERM, EFAULT};
inline constexpr int kMsync[] = {EBUSY, EINTR, EINVAL, EIO, ENOMEM};
inline constexpr int kSigaction[] = {EINVAL};
inline constexpr int kPidfdOpen[] = {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM, ENOSYS};
inline constexpr int kProcessMadvise[] = {EAGAIN, EINTR, EINVAL, ENOMEM, EPERM, ENOSYS, ESRCH};
inline constexpr int kNew[] = {ENOMEM};
}  // namespace errors_of

/// Indexed by injected_call.
inline constexpr std::array<Errors, CALL_COUNT> kErrors = {{
    {"open", errors_of::kOpen},
    {"fopen", errors_of::kFopen},
    {"fcntl", errors_of::kFcntl},
    {"ioctl", errors_of::kIoctl},
    {"fstat", errors_of::kFstat},
    {"fstatfs", errors_of::kFstatfs},
    {"memfd_create", errors_of::kMemfdCreate},
    {"ftruncate", errors_of::kFtruncate},
    {"fallocate", errors_of::kFallocate},
    {"pread", errors_of::kPread},
    {"pwrite", errors_of::kPwrite},
    {"fdatasync", errors_of::kFdatasync},
    {"sync_file_range", errors_of::kSyncFileRange},
    {"posix_fadvise", errors_of::kFadvise},
    {"mmap", errors_of::kMmap},
    {"munmap", errors_of::kMunmap},
    {"mprotect", errors_of::kMprotect},
    {"madvise", errors_of::kMadvise},
    {"msync", errors_of::kMsync},
    {"sigaction", errors_of::kSigaction},
    {"pidfd_open", errors_of::kPidfdOpen},
    {"process_madvise", errors_of::kProcessMadvise},
    {"operator new", errors_of::kNew},
}};

}  // namespace kmapper::injection
