// High memory for a process: pages of RAM, as many as the machine has, of which the process has
// only those mapped that it uses. A 32-bit process may have 20 GiB of them.
//
//     const Budget budget({.bytes = 64 << 20, .granule = 4096});
//     HighMemory memory(budget);
//     auto page = memory.allocate();
//     if (auto mapping = memory.map(*page)) fill(mapping->writable());
//
// The pages lie in a memory file (memfd_create), which has no name and dies with the process. Core
// dumps have those that are mapped in slots, none or all: see Options::core_dump.
#pragma once

#include <bit>
#include <cstdint>
#include <mutex>
#include <vector>

#include "kmapper/export.h"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// A page of a HighMemory, of the budget's granule.
enum class HighPage : std::uint64_t {};

/// When a page takes up memory. when_written: with the first write to it. Where the machine has
/// none left by then, or the process's control group, the kernel ends a process to get some (the
/// OOM killer). when_allocated: in allocate(), where running out is an error. That looks at what is
/// left before each 16 MiB, leaves 16 MiB, and costs a system call a page; memory that others take
/// at the same time is not seen.
enum class Commit : std::uint8_t { when_written, when_allocated };

/// All calls may come from several threads at once, but for the destructor.
class KMAPPER_API HighMemory {
 public:
  /// Throws std::system_error.
  explicit HighMemory(const Budget& budget, Commit commit = Commit::when_written);

  /// A page of zeros. Errors: of the system; not_enough_memory (of Commit::when_allocated).
  [[nodiscard]] Expected<HighPage> allocate() noexcept;
  /// Gives the page's memory back to the system. Errors: pinned (somebody holds a mapping of it;
  /// nothing was done), invalid_range (the page is not allocated).
  Error free(HighPage page) noexcept;

  /// Maps the page; see FileWindow::map(). Nobody may free it at the same time. At most 16,383
  /// mappings of a page at a time; one more is the error too_many_users.
  [[nodiscard]] Expected<Mapping> map(HighPage page) noexcept;
  [[nodiscard]] Expected<Mapping> map(HighPage page, const Patience& patience) noexcept;
  [[nodiscard]] Expected<Mapping> try_map(HighPage page) noexcept;

  /// Bytes a page.
  [[nodiscard]] std::int64_t page_size() const noexcept { return page_size_; }
  /// Pages that are allocated.
  [[nodiscard]] std::int64_t allocated() const noexcept;

 private:
  /// Below 0: there is no such offset, so no file has the page.
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
  std::int64_t seen_ = 0;  // bytes that were left, and have not been taken since
};

}  // namespace kmapper::process
