// A file system of one file, whose pages cannot always be read: a FUSE server, in a process of its
// own, which speaks the protocol of <linux/fuse.h> with the kernel.
//
// Longer than usual: all answers of the protocol are in one place.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "scratch_file.hpp"

namespace kmapper::process {

class FuseServer {
 public:
  explicit FuseServer(std::int64_t size) : size_(size) {
    folder_ = "/tmp/kmapper-fuse-XXXXXX";
    if (mkdtemp(folder_.data()) == nullptr) return;
    shared_ = static_cast<Shared*>(
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    device_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    const std::string options = "rootmode=40000,user_id=" + std::to_string(getuid()) +
                                ",group_id=" + std::to_string(getgid()) +
                                ",fd=" + std::to_string(device_);
    is_mounted_ =
        device_ >= 0 && unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount("kmapper", folder_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    if (!is_mounted_) return;
    server_ = fork();
    if (server_ == 0) serve();
    close(device_);
  }
  FuseServer(const FuseServer&) = delete;
  FuseServer& operator=(const FuseServer&) = delete;
  ~FuseServer() {
    if (is_mounted_) umount2(folder_.c_str(), MNT_DETACH);
    if (server_ > 0) {
      kill(server_, SIGKILL);
      waitpid(server_, nullptr, 0);
    }
    rmdir(folder_.c_str());
    if (shared_ != nullptr) munmap(shared_, sizeof(Shared));
  }

  /// False: this machine does not allow it.
  [[nodiscard]] bool is_mounted() const { return is_mounted_; }
  [[nodiscard]] std::string path() const { return folder_ + "/file"; }
  /// From now on each read in this range fails.
  void break_range(std::int64_t begin, std::int64_t end) {
    shared_->bad_begin = begin;
    shared_->bad_end = end;
  }
  /// The next `times` requests of this kind are answered EINTR, as by a server that gives a request
  /// up when the caller has a signal.
  void interrupt(fuse_opcode kind, int times) {
    shared_->interrupted = static_cast<std::uint32_t>(kind);
    shared_->times = times;
  }
  /// How many of these requests are still to come.
  [[nodiscard]] int left_to_interrupt() const { return shared_->times; }

 private:
  struct Shared {
    std::atomic<std::int64_t> bad_begin;
    std::atomic<std::int64_t> bad_end;
    std::atomic<std::uint32_t> interrupted;  // a fuse_opcode
    std::atomic<int> times;
  };
  static constexpr std::uint64_t kFile = 2;

  [[noreturn]] void serve() {
    std::vector<char> request(std::size_t{1} << 20);
    for (;;) {
      const ssize_t got = read(device_, request.data(), request.size());
      if (got < 0 && errno != EINTR && errno != ENOENT) _exit(0);
      if (got >= static_cast<ssize_t>(sizeof(fuse_in_header))) answer(request.data());
    }
  }

  void answer(const char* request) {
    fuse_in_header in{};
    std::memcpy(&in, request, sizeof in);
    const char* const argument = request + sizeof in;
    if (in.opcode == shared_->interrupted && shared_->times > 0) {
      --shared_->times;
      return refuse(in, EINTR);
    }
    switch (in.opcode) {
      case FUSE_INIT: {
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = 31;
        out.max_write = 4096;
        return reply(in, &out, sizeof out);
      }
      case FUSE_LOOKUP: {
        if (std::strcmp(argument, "file") != 0) return refuse(in, ENOENT);
        fuse_entry_out out{};
        out.nodeid = kFile;
        out.attr = attributes(kFile);
        return reply(in, &out, sizeof out);
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr = attributes(in.nodeid);
        return reply(in, &out, sizeof out);
      }
      case FUSE_OPEN: {
        const fuse_open_out out{};
        return reply(in, &out, sizeof out);
      }
      case FUSE_READ:
        return read_file(in, argument);
      case FUSE_WRITE: {  // the server drops the data
        fuse_write_in what{};
        std::memcpy(&what, argument, sizeof what);
        fuse_write_out out{};
        out.size = what.size;
        return reply(in, &out, sizeof out);
      }
      case FUSE_SETATTR: {
        fuse_setattr_in what{};
        std::memcpy(&what, argument, sizeof what);
        if ((what.valid & FATTR_SIZE) != 0) size_ = static_cast<std::int64_t>(what.size);
        fuse_attr_out out{};
        out.attr = attributes(in.nodeid);
        return reply(in, &out, sizeof out);
      }
      case FUSE_FSYNC:
      case FUSE_FALLOCATE:
        return reply(in, nullptr, 0);
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
        return;
      case FUSE_FLUSH:
      case FUSE_RELEASE:
        return reply(in, nullptr, 0);
      default:
        return refuse(in, ENOSYS);
    }
  }

  void read_file(const fuse_in_header& in, const char* argument) {
    fuse_read_in what{};
    std::memcpy(&what, argument, sizeof what);
    const auto begin = static_cast<std::int64_t>(what.offset);
    const std::int64_t end = std::min(begin + static_cast<std::int64_t>(what.size), size_);
    if (begin < shared_->bad_end && end > shared_->bad_begin) return refuse(in, EIO);
    std::vector<std::byte> data(static_cast<std::size_t>(std::max<std::int64_t>(end - begin, 0)));
    for (std::size_t i = 0; i < data.size(); ++i)
      data[i] = byte_at(begin + static_cast<std::int64_t>(i));
    reply(in, data.data(), data.size());
  }

  [[nodiscard]] fuse_attr attributes(std::uint64_t node) const {
    fuse_attr attributes{};
    attributes.ino = node;
    attributes.mode = node == kFile ? S_IFREG | 0600 : S_IFDIR | 0700;
    attributes.nlink = 1;
    attributes.size = node == kFile ? static_cast<std::uint64_t>(size_) : 0;
    attributes.uid = getuid();
    attributes.gid = getgid();
    return attributes;
  }

  void reply(const fuse_in_header& in, const void* data, std::size_t size) const {
    fuse_out_header out{};
    out.unique = in.unique;
    out.len = static_cast<std::uint32_t>(sizeof out + size);
    std::vector<char> message(sizeof out + size);
    std::memcpy(message.data(), &out, sizeof out);
    if (size != 0) std::memcpy(message.data() + sizeof out, data, size);
    if (write(device_, message.data(), message.size()) < 0) return;  // it was interrupted
  }
  void refuse(const fuse_in_header& in, int error) const {
    fuse_out_header out{};
    out.unique = in.unique;
    out.len = sizeof out;
    out.error = -error;
    if (write(device_, &out, sizeof out) < 0) return;
  }

  std::int64_t size_;  // used by the server's process
  std::string folder_;
  Shared* shared_ = nullptr;
  int device_ = -1;
  pid_t server_ = -1;
  bool is_mounted_ = false;
};

}  // namespace kmapper::process
