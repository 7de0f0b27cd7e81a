// Page tables are accessed through local mappings, one at a time, for a few instructions each. A
// table stays until release(), even when it maps nothing any more.
#include "kernel/user/address_space.hpp"

#include <algorithm>

#include "arch/tlb.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {
namespace {

constexpr Pfn kFirstAbove4GiB{1U << (32 - kPageShift)};

// A page table or directory, while it is mapped.
class Table {
 public:
  explicit Table(Page* page) : mapping_(local_maps, page) {}
  [[nodiscard]] PageTableEntry& operator[](std::uint32_t index) const {
    return reinterpret_cast<PageTableEntry*>(mapping_.address())[index];
  }

 private:
  LocalMapping<KernelPlatform> mapping_;
};

constexpr std::uint32_t directory_index(UserAddr address) { return to_number(address) >> 30; }
constexpr std::uint32_t table_index(UserAddr address) {
  return (to_number(address) >> kLargePageShift) % kEntriesPerTable;
}
constexpr std::uint32_t page_index(UserAddr address) {
  return (to_number(address) >> kPageShift) % kEntriesPerTable;
}
// How many of these pages the page table of `at` has entries for.
std::uint32_t pages_in_table(UserAddr at, std::uint32_t pages) {
  return std::min(pages, kEntriesPerTable - page_index(at));
}

// Processes get high memory while there is any. The kernel keeps a sixteenth of low memory for
// itself.
Page* take_page_for_user() {
  Page* const page = alloc_pages(GFP_HIGHMEM, 0);
  if (page == nullptr || is_high(page)) return page;
  const PageCounts counts = page_counts();
  if (counts.low_free >= counts.low / 16) return page;
  free_pages(page, 0);
  return nullptr;
}

}  // namespace

Page* AddressSpace::take_table() {
  Page* page = alloc_pages(GFP_HIGHMEM, 0);
  if (page != nullptr && page_to_pfn(page) >= kFirstAbove4GiB && !finds_high_tables()) {
    free_pages(page, 0);
    page = alloc_pages(GFP_KERNEL, 0);
  }
  if (page == nullptr) return nullptr;
  clear_highpage(page);
  ++table_pages_;
  return page;
}

bool AddressSpace::open() {
  for (std::uint32_t i = 0; i < PageDirectoryPointers::kOfUser; ++i) {
    directories_[i] = take_table();
    if (directories_[i] == nullptr) return false;
    pointers_.set(i, page_to_pfn(directories_[i]));
  }
  pointers_.share_kernel();
  return true;
}

void AddressSpace::release_table(Page* table) {
  const Table entries(table);
  for (std::uint32_t i = 0; i < kEntriesPerTable; ++i) {
    if (!entries[i].is_present() || !entries[i].is_owned()) continue;
    free_pages(pfn_to_page(entries[i].frame()), 0);
    --pages_;
  }
}

void AddressSpace::release() {
  for (Page*& page : directories_) {
    if (page == nullptr) continue;
    for (std::uint32_t i = 0; i < kEntriesPerTable; ++i) {
      const Table directory(page);
      if (!directory[i].is_present()) continue;
      Page* const table = pfn_to_page(directory[i].frame());
      release_table(table);
      free_pages(table, 0);
      --table_pages_;
    }
    free_pages(page, 0);
    --table_pages_;
    page = nullptr;
  }
}

Page* AddressSpace::find_table(UserAddr address) const {
  Page* const page = directories_[directory_index(address)];
  if (page == nullptr) return nullptr;
  const Table directory(page);
  const PageTableEntry& entry = directory[table_index(address)];
  return entry.is_present() ? pfn_to_page(entry.frame()) : nullptr;
}

Page* AddressSpace::make_table(UserAddr address) {
  Page* table = find_table(address);
  if (table != nullptr) return table;
  table = take_table();
  if (table == nullptr) return nullptr;
  const Table directory(directories_[directory_index(address)]);
  directory[table_index(address)].set_user_table(page_to_pfn(table));
  return table;
}

bool AddressSpace::set_entry(UserAddr at, Page* page, Access access, bool owned) {
  Page* const table = make_table(at);
  if (table == nullptr) return false;
  const Table entries(table);
  entries[page_index(at)].set_user(page_to_pfn(page), access, owned);
  if (owned) ++pages_;
  return true;
}

bool AddressSpace::map_at(UserAddr first, std::uint32_t pages, Access access) {
  for (std::uint32_t i = 0; i < pages; ++i) {
    Page* const page = take_page_for_user();
    if (page == nullptr) return false;
    clear_highpage(page);
    if (set_entry(first + i * kPageSize, page, access, true)) continue;
    free_pages(page, 0);
    return false;
  }
  return true;
}

Result<UserAddr, UserError> AddressSpace::map(std::uint32_t pages) {
  const std::optional<UserAddr> first = find_gap(pages);
  if (!first) return UserError::out_of_memory;
  if (!map_at(*first, pages, Access::write)) {
    unmap_mapped(*first, pages);
    return UserError::out_of_memory;
  }
  next_ = *first + pages * kPageSize;
  return *first;
}

Result<UserAddr, UserError> AddressSpace::map_shared(const BlockList& pages) {
  const std::optional<UserAddr> first = find_gap(pages.pages());
  if (!first) return UserError::out_of_memory;
  UserAddr at = *first;
  const bool complete = pages.for_each_page([&](Page* page) {
    const bool set = set_entry(at, page, Access::read, false);
    at = at + kPageSize;
    return set;
  });
  if (!complete) {
    unmap_mapped(*first, pages.pages());
    return UserError::out_of_memory;
  }
  next_ = at;
  return *first;
}

std::optional<UserAddr> AddressSpace::find_gap(std::uint32_t pages) const {
  if (pages == 0 || pages > (kMapEnd - kMapBegin) / kPageSize) return std::nullopt;
  const std::optional<UserAddr> gap = find_gap(next_, pages);
  return gap ? gap : find_gap(kMapBegin, pages);
}

// The first of so many unmapped pages whose neighbours are unmapped, too.
std::optional<UserAddr> AddressSpace::find_gap(UserAddr from, std::uint32_t pages) const {
  std::uint32_t empty = 0;
  for (UserAddr at = from; at < kMapEnd;) {
    const std::uint32_t here = pages_in_table(at, (kMapEnd - at) / kPageSize);
    Page* const page = find_table(at);
    if (page == nullptr) {
      empty += here;
      at = at + here * kPageSize;
    } else {
      const Table table(page);
      for (std::uint32_t i = 0; i < here && empty < pages + 2; ++i, at = at + kPageSize) {
        empty = table[page_index(at)].is_present() ? 0 : empty + 1;
      }
    }
    if (empty < pages + 2) continue;
    return UserAddr{to_number(at) - (empty - 1) * kPageSize};
  }
  return std::nullopt;
}

std::optional<UserPage> AddressSpace::find(UserAddr address) const {
  if (address >= kUserEnd) return std::nullopt;
  Page* const page = find_table(address);
  if (page == nullptr) return std::nullopt;
  const Table table(page);
  const PageTableEntry& entry = table[page_index(address)];
  if (!entry.is_present()) return std::nullopt;
  return UserPage{pfn_to_page(entry.frame()), entry.access(), entry.is_owned()};
}

UserError AddressSpace::unmap(UserAddr first, std::uint32_t pages) {
  if (to_number(first) % kPageSize != 0) return UserError::bad_address;
  if (pages == 0 || pages > to_number(kUserEnd) / kPageSize) return UserError::bad_size;
  if (!is_user_range(first, pages * kPageSize)) return UserError::bad_address;
  for (std::uint32_t i = 0; i < pages; ++i) {
    if (!find(first + i * kPageSize)) return UserError::bad_address;
  }
  unmap_mapped(first, pages);
  return UserError::none;
}

// Unmaps those of the pages that are mapped. First all entries go, then all translations, then the
// pages.
void AddressSpace::unmap_mapped(UserAddr first, std::uint32_t pages) {
  const auto for_each_entry = [&](auto visit) {
    for (std::uint32_t i = 0; i < pages;) {
      const UserAddr at = first + i * kPageSize;
      const std::uint32_t here = pages_in_table(at, pages - i);
      i += here;
      Page* const page = find_table(at);
      if (page == nullptr) continue;
      const Table table(page);
      for (std::uint32_t j = 0; j < here; ++j) visit(table[page_index(at) + j]);
    }
  };
  for_each_entry([](PageTableEntry& entry) {
    if (entry.is_present()) entry.hide();
  });
  if (pages > tlb::kMostPages) flush_all();
  for (std::uint32_t i = 0; i < pages && pages <= tlb::kMostPages; ++i)
    invalidate_page(VirtAddr{to_number(first + i * kPageSize)});
  for_each_entry([this](PageTableEntry& entry) {
    if (!entry.has_frame()) return;
    if (entry.is_owned()) {
      free_pages(pfn_to_page(entry.frame()), 0);
      --pages_;
    }
    entry.clear();
  });
}

}  // namespace kmapper::kernel
