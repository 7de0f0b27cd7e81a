#include "process/file/opening.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "system/page_size.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {
namespace {

std::system_error refused(int number, const std::string& name, const std::string& what) {
  return {number, std::system_category(), what.empty() ? name : name + ": " + what};
}

/// The kind of a file that no window maps. Empty: it is a regular file or a block device.
std::string kind_that_is_not_mapped(const struct stat& status, int descriptor) {
  if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) return {};
  if (S_ISDIR(status.st_mode)) return "a directory";
  if (S_ISFIFO(status.st_mode)) return "a FIFO";
  if (S_ISSOCK(status.st_mode)) return "a socket";
  if (S_ISLNK(status.st_mode)) return "a symbolic link";
  if (S_ISCHR(status.st_mode)) return isatty(descriptor) != 0 ? "a terminal" : "a character device";
  return "not a file of a file system";  // epoll, eventfd, pidfd, ...
}

void check_kind(int descriptor, const std::string& name) {
  struct stat status {};
  if (system::uninterrupted([&] { return fstat(descriptor, &status); }) != 0)
    throw refused(errno, name, {});
  const std::string kind = kind_that_is_not_mapped(status, descriptor);
  if (kind.empty()) return;
  throw refused(S_ISDIR(status.st_mode) ? EISDIR : ENODEV, name,
                "is " + kind + "; only regular files, memory files and block devices are mapped");
}

void check_access(int descriptor, const std::string& name, Access access) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) throw refused(errno, name, {});
  if ((flags & O_PATH) != 0)
    throw refused(EBADF, name, "is open only as a path (O_PATH), not for reading");
  if ((flags & O_ACCMODE) == O_WRONLY) {
    throw refused(EACCES, name,
                  "is open for writing only (O_WRONLY); to map it, it must be open for reading");
  }
  if (access == Access::read_only) return;
  if ((flags & O_ACCMODE) == O_RDONLY)
    throw refused(EACCES, name, "is open for reading only (O_RDONLY), not for read_write");
  if ((flags & O_APPEND) != 0) {
    throw refused(EACCES, name, "is open for appending (O_APPEND), but a mapping writes in place");
  }
  constexpr int kFutureWrite = 0x10;  // F_SEAL_FUTURE_WRITE, which older headers do not have
  const int seals = fcntl(descriptor, F_GET_SEALS);
  if (seals >= 0 && (seals & (F_SEAL_WRITE | kFutureWrite)) != 0)
    throw refused(EPERM, name, "is a memory file that is sealed against writing");
}

/// Opens the file that `path` names now; it must be of a kind that can be mapped. To open a FIFO, a
/// terminal or a tape has an effect on it, and may wait. So the path is first opened by a
/// descriptor that only stands for the path. Without /proc, the path is opened without waiting,
/// which fails if another process has a lease on the file.
int open_without_waiting(const std::string& path, int flags) {
  const system::Descriptor only_path(
      system::uninterrupted([&] { return open(path.c_str(), O_PATH | O_CLOEXEC); }));
  if (only_path.number() < 0) return -1;
  check_kind(only_path.number(), path);
  const std::string same = "/proc/thread-self/fd/" + std::to_string(only_path.number());
  const int number = system::uninterrupted([&] { return open(same.c_str(), flags); });
  if (number >= 0 || errno != ENOENT) return number;
  return system::uninterrupted([&] { return open(path.c_str(), flags | O_NONBLOCK); });
}

std::size_t huge_page_size_of(int descriptor) {
  struct statfs status {};
  if (fstatfs(descriptor, &status) != 0) return 0;
  // In 32-bit processes, f_type is a signed number.
  if (static_cast<std::uint32_t>(status.f_type) != HUGETLBFS_MAGIC) return 0;
  return static_cast<std::size_t>(status.f_bsize);
}

}  // namespace

system::Descriptor open_file(const std::string& path, Access access) {
  const int mode = access == Access::read_only ? O_RDONLY : O_RDWR;
  system::Descriptor file(open_without_waiting(path, mode | O_CLOEXEC | O_NOCTTY));
  if (file.number() < 0) throw refused(errno, path, {});
  check_kind(file.number(), path);
  check_access(file.number(), path, access);
  return file;
}

system::Descriptor duplicate_file(int descriptor, const std::string& name, Access access) {
  system::Descriptor file(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (file.number() < 0) throw refused(errno, name, {});
  check_access(file.number(), name, access);
  check_kind(file.number(), name);
  return file;
}

std::size_t check_mappable(int descriptor, const std::string& name, std::size_t granule) {
  // The trial is inaccessible and reserves nothing. A writable mapping of a file in huge pages
  // makes the file as long as the mapping, and takes pages from the machine's pool.
  void* const trial =
      mmap(nullptr, system::page_size(), PROT_NONE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
  const int number = trial == MAP_FAILED ? errno : 0;
  const std::size_t huge = huge_page_size_of(descriptor);
  if (number == 0) munmap(trial, huge != 0 ? huge : system::page_size());
  // The process is out of addresses, or of memory that it may lock. That says nothing about this
  // file.
  if (number != 0 && number != ENOMEM && number != EAGAIN)
    throw refused(number, name, "cannot be mapped; a budget of copies may be able to read it");
  if (huge <= granule) return huge != 0 ? huge : system::page_size();
  throw std::system_error(WindowErrc::invalid_option,
                          name + ": is in huge pages of " + std::to_string(huge) +
                              " bytes, but the budget has granules of " + std::to_string(granule) +
                              ", which must not be smaller except in a budget of copies");
}

void check_readable(int descriptor, const std::string& name) {
  struct stat status {};
  struct statfs disk {};
  // A file system is not required to support this call; procfs does.
  if (fstat(descriptor, &status) == 0 && status.st_size == 0 && fstatfs(descriptor, &disk) == 0 &&
      disk.f_type == PROC_SUPER_MAGIC)
    throw refused(ENODEV, name, "is a file of procfs, which does not say how long it is");
}

}  // namespace kmapper::process
