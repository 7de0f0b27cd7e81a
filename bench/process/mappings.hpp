// The kernel's own mappings, as programs use them: one for each access, or one for all.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "bench/process/contender.hpp"

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
  void read(std::int64_t offset, std::size_t, Use use) {
    const std::int64_t within = offset % setting_.granule;
    access_.with(setting_, offset - within, [&](std::byte* data) { use(data + within); });
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

/// mmap and munmap for each access.
struct MapAnew {
  explicit MapAnew(const Setting&) {}
  template <class Use>
  void with(const Setting& setting, std::int64_t offset, Use use) {
    const auto size = static_cast<std::size_t>(setting.granule);
    std::byte* const address = must_map(nullptr, size, 0, setting.descriptor, offset);
    use(address);
    munmap(address, size);
  }
};

/// mmap over the mapping of the last access: one system call.
class MapOver {
 public:
  explicit MapOver(const Setting& setting)
      : place_(must_map(nullptr, static_cast<std::size_t>(setting.granule), 0, setting.descriptor,
                        0)) {}
  template <class Use>
  void with(const Setting& setting, std::int64_t offset, Use use) {
    use(must_map(place_, static_cast<std::size_t>(setting.granule), MAP_FIXED, setting.descriptor,
                 offset));
  }

 private:
  std::byte* const place_;
};

/// One mapping of the whole file, without a budget: the limit that a window cannot reach. Before
/// random reads all of it is mapped already; each scan begins with nothing mapped.
class MappedWhole {
 public:
  explicit MappedWhole(const Setting& setting)
      : setting_(setting),
        begin_(
            must_map(nullptr, static_cast<std::size_t>(setting.size), 0, setting.descriptor, 0)) {
    if (setting.load != Load::scan)
      madvise(begin_, static_cast<std::size_t>(setting.size), MADV_POPULATE_READ);
  }
  void prepare() {
    if (setting_.load == Load::scan)
      madvise(begin_, static_cast<std::size_t>(setting_.size), MADV_DONTNEED);
  }

  class Seat {
   public:
    explicit Seat(MappedWhole& shared) : shared_(shared) {}
    template <class Use>
    void read(std::int64_t offset, std::size_t, Use use) {
      use(shared_.begin_ + offset);
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
