// The process's part of the address space: pages, and page directories and tables of its own. The
// tables lie in high memory while there is any, and are reached by kmap_local. Pages that the
// process owns come zeroed and go back to the allocator; pages of files belong to the file.
//
// An address space is loaded only on the CPU that runs the process's one thread: see
// Scheduler::use_directories(). So only that CPU has to drop its translations.
//
// Not locked. The process's mutex guards what its own thread changes and other threads read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "arch/paging.hpp"
#include "kernel/mm/block_list.hpp"
#include "kernel/user/abi.hpp"
#include "kernel/user/user_addr.hpp"
#include "kmapper/core/result.hpp"

namespace kmapper::kernel {

/// A page that a process has at some address.
struct UserPage {
  Page* page;
  Access access;
  bool owned;
};

class AddressSpace {
 public:
  AddressSpace() = default;
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  /// Makes it empty. False: out of memory; release() gives back what was taken. Once, first.
  [[nodiscard]] bool open();
  /// Gives everything back. No CPU may have it loaded.
  void release();

  // All of these need a context that may sleep.

  /// Maps zeroed pages at an address where none are mapped. False: out of memory, and some of the
  /// pages may be mapped.
  [[nodiscard]] bool map_at(UserAddr first, std::uint32_t pages, Access access);
  /// Maps zeroed, contiguous pages, readable and writable, between unmapped ones.
  [[nodiscard]] Result<UserAddr, UserError> map(std::uint32_t pages);
  /// The same for pages that another owner keeps as long as the address space exists;
  /// readable.
  [[nodiscard]] Result<UserAddr, UserError> map_shared(const BlockList& pages);
  /// Each of the pages must be mapped. Called by the process's thread.
  UserError unmap(UserAddr first, std::uint32_t pages);

  /// Any context.
  [[nodiscard]] std::optional<UserPage> find(UserAddr address) const;

  /// The number of pages that the process owns, and that its tables and directories take.
  [[nodiscard]] std::uint32_t pages() const { return pages_; }
  [[nodiscard]] std::uint32_t table_pages() const { return table_pages_; }
  [[nodiscard]] const PageDirectoryPointers& directories() const { return pointers_; }

 private:
  [[nodiscard]] Page* take_table();
  [[nodiscard]] Page* find_table(UserAddr address) const;
  [[nodiscard]] Page* make_table(UserAddr address);
  [[nodiscard]] bool set_entry(UserAddr at, Page* page, Access access, bool owned);
  [[nodiscard]] std::optional<UserAddr> find_gap(std::uint32_t pages) const;
  [[nodiscard]] std::optional<UserAddr> find_gap(UserAddr from, std::uint32_t pages) const;
  void unmap_mapped(UserAddr first, std::uint32_t pages);
  void release_table(Page* table);

  PageDirectoryPointers pointers_{};
  std::array<Page*, PageDirectoryPointers::kOfUser> directories_{};
  UserAddr next_ = kMapBegin;  // where to look for a gap first
  std::uint32_t pages_ = 0;
  std::uint32_t table_pages_ = 0;
};

}  // namespace kmapper::kernel
