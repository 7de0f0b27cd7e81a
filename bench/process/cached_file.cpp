#include "bench/process/cached_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace kmapper::bench {
namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

int make(bool in_memory) {
  const int number = in_memory ? memfd_create("bench", MFD_CLOEXEC)
                               : open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (number < 0) give_up(in_memory ? "memfd_create" : "/var/tmp");
  return number;
}

}  // namespace

CachedFile::CachedFile(bool in_memory, std::int64_t size)
    : is_in_memory_(in_memory), size_(size), descriptor_(make(in_memory)) {
  std::vector<std::uint32_t> block((std::size_t{1} << 20) / sizeof(std::uint32_t));
  const auto bytes = static_cast<std::int64_t>(block.size() * sizeof block[0]);
  for (std::int64_t at = 0; at < size; at += bytes) {
    for (std::size_t i = 0; i < block.size(); ++i)
      block[i] = word_at(at + static_cast<std::int64_t>(i * sizeof block[0]));
    if (pwrite(descriptor_, block.data(), static_cast<std::size_t>(bytes), at) != bytes)
      give_up("the bench's file");
  }
  // Otherwise the disk would be writing it while contenders are measured.
  if (fdatasync(descriptor_) != 0) give_up("the bench's file");
}

void CachedFile::forget() const {
  for (const int advice : {POSIX_FADV_DONTNEED, POSIX_FADV_RANDOM}) {
    if (posix_fadvise(descriptor_, 0, 0, advice) != 0) give_up("posix_fadvise");
  }
}

std::int64_t CachedFile::in_memory() const {
  constexpr std::int64_t kPart = std::int64_t{256} << 20;  // 32 bits have the addresses for that
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  std::int64_t pages = 0;
  for (std::int64_t at = 0; at < size_; at += kPart) {
    const auto bytes = static_cast<std::size_t>(std::min(kPart, size_ - at));
    void* const part = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor_, at);
    std::vector<unsigned char> present(bytes / static_cast<std::size_t>(page));
    if (part == MAP_FAILED || mincore(part, bytes, present.data()) != 0) give_up("mincore");
    munmap(part, bytes);
    for (const unsigned char it : present) pages += it & 1;
  }
  return pages * page;
}

CachedFile::~CachedFile() { close(descriptor_); }

}  // namespace kmapper::bench
