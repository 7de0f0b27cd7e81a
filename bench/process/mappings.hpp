// The kernel's own mappings, as programs use them: one for each access, or one for all.
#pragma once

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <span>

#include "bench/process/contender.hpp"
#include "system/own_memory.hpp"

namespace kmapper::bench {

[[nodiscard]] inline std::byte* must_map(void* where, std::size_t size, int flags, int descriptor,
                                         std::int64_t offset) {
  void* const address =
      mmap(where, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, descriptor, offset);
  if (address == MAP_FAILED) {
    std::perror("process_bench: mmap");
    std::abort();
  }
  return static_cast<std::byte*>(address);
}

/// Gives back what is mapped in ranges of this process, in one system call where the kernel can
/// (process_madvise, Linux 6.13).
class Drop {
 public:
  void drop(std::span<const iovec> ranges) const {
    if (own_memory_.drop(ranges)) return;
    for (const iovec& it : ranges) madvise(it.iov_base, it.iov_len, MADV_DONTNEED);
  }

 private:
  const system::OwnMemory own_memory_;
};

/// Written data goes to the disk: the kernel finds it by the page tables.
inline void must_sync(int descriptor) {
  if (fdatasync(descriptor) != 0) {
    std::perror("process_bench: fdatasync");
    std::abort();
  }
}

/// A seat that maps the granule around each access, by `Access::with`.
template <class Access>
class MappingSeat {
 public:
  explicit MappingSeat(const Setting& setting) : setting_(setting), access_(setting) {}

  template <class Use>
  auto read(std::int64_t offset, std::size_t, Use use) {
    const std::int64_t within = offset % setting_.granule;
    return access_.with(setting_, offset - within,
                        [&](std::byte* data) { return use(data + within); });
  }
  template <class Use>
  void write(std::int64_t offset, std::size_t length, Use use) {
    read(offset, length, use);
  }
  void sync() { must_sync(setting_.descriptor); }
  [[nodiscard]] std::int64_t scan_step() const { return setting_.granule; }

 private:
  const Setting setting_;
  Access access_;
};

template <class Access>
class Mapped : public Setting {
 public:
  explicit Mapped(const Setting& setting) : Setting(setting) {}
  using Seat = MappingSeat<Access>;
};

/// Maps a granule. From a disk, a fault reads no more than the page that it needs.
[[nodiscard]] inline std::byte* map_granule(void* where, int flags, const Setting& setting,
                                            std::int64_t offset) {
  const auto size = static_cast<std::size_t>(setting.granule);
  std::byte* const address = must_map(where, size, flags, setting.descriptor, offset);
  if (setting.load == Load::uncached) madvise(address, size, MADV_RANDOM);
  return address;
}

/// mmap and munmap for each access.
struct MapAnew {
  struct Region {
    std::size_t size;
    std::byte* address;
    ~Region() { munmap(address, size); }
  };
  explicit MapAnew(const Setting&) {}
  template <class Use>
  auto with(const Setting& setting, std::int64_t offset, Use use) {
    const Region mapping{.size = static_cast<std::size_t>(setting.granule),
                         .address = map_granule(nullptr, 0, setting, offset)};
    return use(mapping.address);
  }
};

/// mmap over the mapping of the last access: one system call.
class MapOver {
 public:
  explicit MapOver(const Setting& setting) : place_(map_granule(nullptr, 0, setting, 0)) {}
  template <class Use>
  auto with(const Setting& setting, std::int64_t offset, Use use) {
    return use(map_granule(place_, MAP_FIXED, setting, offset));
  }

 private:
  std::byte* const place_;
};

/// One mapping of the whole file, without a budget: the limit that a window cannot reach. Before
/// random reads all of it is mapped already; each scan begins with nothing mapped, and nothing is
/// mapped where the file is not in memory.
class MappedWhole {
 public:
  explicit MappedWhole(const Setting& setting)
      : setting_(setting),
        begin_(
            must_map(nullptr, static_cast<std::size_t>(setting.size), 0, setting.descriptor, 0)) {
    const auto size = static_cast<std::size_t>(setting.size);
    if (setting.load == Load::uncached) {
      madvise(begin_, size, MADV_RANDOM);
    } else if (setting.load != Load::scan) {
      madvise(begin_, size, MADV_POPULATE_READ);
    }
  }
  void prepare() {
    if (setting_.load == Load::scan)
      madvise(begin_, static_cast<std::size_t>(setting_.size), MADV_DONTNEED);
  }

  class Seat {
   public:
    explicit Seat(MappedWhole& shared) : shared_(shared) {}
    template <class Use>
    auto read(std::int64_t offset, std::size_t, Use use) {
      return use(shared_.begin_ + offset);
    }
    template <class Use>
    void write(std::int64_t offset, std::size_t length, Use use) {
      read(offset, length, use);
    }
    void sync() { must_sync(shared_.setting_.descriptor); }
    [[nodiscard]] std::int64_t scan_step() const { return shared_.setting_.granule; }

   private:
    MappedWhole& shared_;
  };

 private:
  const Setting setting_;
  std::byte* const begin_;
};

}  // namespace kmapper::bench
