// What a process has in its part of the address space: page directories and tables of its own,
// which lie in high memory where there is any and are reached by kmap_local, and pages. Pages that
// it owns come zeroed, and go back to the allocator; those of files are the file's.
//
// An address space is loaded only on the CPU that runs its process's one thread: see
// Scheduler::use_directories(). So dropping a translation there is a matter of that CPU.
//
// Not locked. The process's mutex guards what its own thread changes and others look at.
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

  /// Makes it empty. False: out of memory; release() gives back what there is. Once, first.
  [[nodiscard]] bool open();
  /// Gives everything back. It must be loaded nowhere.
  void release();

  // All of these need a context that may sleep.

  /// Zeroed pages at an address. None may be mapped there. False: out of memory, and some of them
  /// may be mapped.
  [[nodiscard]] bool map_at(UserAddr first, std::uint32_t pages, Access access);
  /// Zeroed pages, readable and writable, in a row between unmapped ones.
  [[nodiscard]] Result<UserAddr, UserError> map(std::uint32_t pages);
  /// The same for pages that somebody else owns, who keeps them as long as the address space;
  /// readable.
  [[nodiscard]] Result<UserAddr, UserError> map_shared(const BlockList& pages);
  /// Every one of the pages must be mapped. By its own thread.
  UserError unmap(UserAddr first, std::uint32_t pages);

  /// Any context.
  [[nodiscard]] std::optional<UserPage> find(UserAddr address) const;

  /// How many pages it owns; and how many its tables and directories take.
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
