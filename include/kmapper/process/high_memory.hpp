// High memory for a process: pages of RAM, as many as the machine has. Only the pages in use are
// mapped. A 32-bit process may have 20 GiB of them.
//
//     const Budget budget({.bytes = 64 << 20, .granule = 4096});
//     HighMemory memory(budget);
//     auto page = memory.allocate();
//     if (auto mapping = memory.map(*page)) fill(mapping->writable());
//
// The pages lie in a memory file (memfd_create), which has no name and ends with the process.
// Options::core_dump says which pages a core dump contains: those mapped in slots, none or all.
#pragma once

#include <bit>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "kmapper/export.h"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// A page of a HighMemory. It has the size of the budget's granule.
enum class HighPage : std::uint64_t {};

/// When a page takes up memory. when_written: at the first write to it. If the machine, or the
/// process's control group, has no memory left then, the kernel kills a process to get some (the
/// OOM killer). when_allocated: in allocate(), where running out is an error. allocate() checks the
/// memory that is left before each 16 MiB that it takes, always leaves 16 MiB, and needs one system
/// call for each page. It does not see memory that other processes take at the same time.
enum class Commit : std::uint8_t { when_written, when_allocated };

/// Except the destructor, all calls may come from several threads at once.
class KMAPPER_API HighMemory {
 public:
  /// Throws std::system_error.
  explicit HighMemory(const Budget& budget, Commit commit = Commit::when_written);

  /// Allocates a page of zeros. Errors: of the system; not_enough_memory (of
  /// Commit::when_allocated).
  [[nodiscard]] Expected<HighPage> allocate() noexcept;
  /// Gives the page's memory back to the system. Errors: pinned (a mapping of the page is held;
  /// nothing was done), invalid_range (the page is not allocated).
  Error free(HighPage page) noexcept;

  /// Maps the page; see FileWindow::map(). No thread may free the page during the call. A page has
  /// a limited number of mappings at a time.
  [[nodiscard]] Expected<Mapping> map(HighPage page) noexcept;
  [[nodiscard]] Expected<Mapping> map(HighPage page, const Patience& patience) noexcept;
  [[nodiscard]] Expected<Mapping> try_map(HighPage page) noexcept;

  /// The size of a page in bytes.
  [[nodiscard]] std::int64_t page_size() const noexcept { return page_size_; }
  /// The number of allocated pages.
  [[nodiscard]] std::int64_t allocated() const noexcept;

 private:
  friend class NamedPages;
  /// Pages in a window on a file.
  HighMemory(std::int64_t page_size, FileWindow window) noexcept
      : page_size_(page_size), commit_(Commit::when_written), window_(std::move(window)) {}
  /// Of the file's pages, these (in order) are allocated. All others become zeros.
  [[nodiscard]] Error adopt(const std::vector<std::uint64_t>& pages) noexcept;
  /// Allocates pages in a row, and returns the first. What they hold is unknown.
  [[nodiscard]] Expected<HighPage> allocate_run(std::uint64_t pages) noexcept;
  /// Whether the page is allocated.
  [[nodiscard]] bool has(HighPage page) const noexcept;
  /// Below 0: the offset would be too large for any file, so there is no such page.
  [[nodiscard]] std::int64_t offset_of(HighPage page) const noexcept {
    const auto size = static_cast<std::uint64_t>(page_size_);  // a power of two
    const auto number = static_cast<std::uint64_t>(page);
    if (number >> (63 - std::countr_zero(size)) != 0) [[unlikely]]
      return -1;
    return static_cast<std::int64_t>(number * size);
  }
  [[nodiscard]] Error beyond(HighPage page) const noexcept;
  [[nodiscard]] Error grow_by_half() noexcept;
  [[nodiscard]] Error take_memory(HighPage page) noexcept;
  [[nodiscard]] bool is_allocated(HighPage page) const noexcept;

  const std::int64_t page_size_;
  const Commit commit_;
  FileWindow window_;
  mutable std::mutex mutex_;         // guards what follows
  std::vector<std::uint64_t> free_;  // a bit a page
  std::size_t hint_ = 0;             // no word below has a free page
  std::int64_t allocated_ = 0;
  std::int64_t seen_ = 0;  // that the last check found free, and that are not taken since
};

}  // namespace kmapper::process
