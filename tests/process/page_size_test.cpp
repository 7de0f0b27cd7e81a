// Machines with larger pages: 16 and 64 KiB are simulated, each in a process of its own that makes
// its budgets with that size. This machine's kernel handles whole simulated pages correctly,
// because they are multiples of its own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

#include "in_a_child.hpp"
#include "is_readable.hpp"
#include "kmapper/linux/highmem.h"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "linux/machine.hpp"
#include "process/fill/home.hpp"
#include "scratch_file.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

class PageSize : public testing::TestWithParam<std::int64_t> {
 protected:
  const std::int64_t page_ = GetParam();

  void SetUp() override {
    if (page_ < sysconf(_SC_PAGESIZE)) GTEST_SKIP() << "this machine's own pages are larger";
  }
  /// Runs the function in a process that works with pages of that size. It returns 0, or which of
  /// its expectations failed.
  template <class Function>
  void expect(Function function) {
    EXPECT_EQ(in_a_child([&] {
                system::pretend_page_size(static_cast<std::size_t>(page_));
                return function();
              }),
              0);
  }
};

INSTANTIATE_TEST_SUITE_P(Of, PageSize, testing::Values(16 << 10, 64 << 10),
                         [](const auto& info) { return std::to_string(info.param >> 10) + "KiB"; });

std::string refusal_of(const Options& options) {
  try {
    const Budget budget(options);
  } catch (const std::system_error& error) {
    return error.code() == WindowErrc::invalid_option ? error.what() : "another error";
  }
  return "";
}

TEST_P(PageSize, AGranuleBelowItIsRefusedByALineThatNamesBoth) {
  expect([this] {
    const std::string refusal = refusal_of({.bytes = 16 << 20, .granule = page_ / 2});
    for (const std::int64_t number : {page_ / 2, page_, std::int64_t{2} << 20}) {
      if (refusal.find(std::to_string(number)) == std::string::npos) return 1;
    }
    return refusal_of({.bytes = 16 << 20, .granule = page_}).empty() ? 0 : 2;
  });
}

TEST_P(PageSize, ASmallBudgetChoosesNoGranuleBelowIt) {
  expect([this] { return Budget({.bytes = 16 * page_}).granule() == page_ ? 0 : 1; });
}

// One page table maps 32 MiB of pages of 16 KiB, and 512 MiB of pages of 64 KiB.
TEST_P(PageSize, APageTableIsOneOfItsPages) {
  expect([this] {
    const std::int64_t reach = page_ * page_ / 8;
    if (Home::page_tables_for(1) != page_ || Home::page_tables_for(reach) != page_) return 1;
    return Home::page_tables_for(reach + 1) == 2 * page_ ? 0 : 2;
  });
}

/// Maps a file page by page, twice, and across pages; writes; cuts it, and checks what is lost; and
/// gives everything back.
int live(std::int64_t page, Placement placement, ScratchFile::Kind kind) {
  const std::int64_t size = 64 * page;
  const ScratchFile file(kind, size);
  const bool writable = placement != Placement::copies;
  const Budget budget({.bytes = 40 * page, .granule = page, .placement = placement});
  FileWindow window(file.descriptor(), writable ? Access::read_write : Access::read_only, budget);
  for (std::int64_t i = 0; i < 128; ++i) {
    const std::int64_t offset = i * 7 % 64 * page;
    const Expected<Mapping> mapping = window.map(offset, page);
    if (!mapping || !shows(mapping->bytes(), offset)) return 10;
  }
  {
    const Expected<Mapping> span = window.map(page - 100, 200);
    if (!span || !shows(span->bytes(), page - 100)) return 11;
  }
  if (!writable) return budget.trim() > 0 ? 0 : 12;
  {
    const Expected<Mapping> mapping = window.map(3 * page + 9, 1);
    mapping->writable()[0] = std::byte{77};
    if (file.read(3 * page + 9) != std::byte{77}) return 13;
  }
  // The system syncs from the beginning of a page.
  if (window.sync(page + page / 2 + 1, page) || window.start_sync(0, page)) return 14;
  const Expected<Mapping> lost = window.map(40 * page, page);
  const Expected<Mapping> kept = window.map(0, page);
  if (ftruncate64(file.descriptor(), 8 * page) != 0 || !lost || !kept) return 15;
  if (lost->bytes()[5] != std::byte{0} || !lost->bad()) return 16;
  // The whole page has been replaced: later writes to the file do not show.
  const std::byte value{55};
  if (pwrite64(file.descriptor(), &value, 1, 41 * page - 1) != 1) return 17;
  if (lost->bytes()[static_cast<std::size_t>(page) - 1] != std::byte{0}) return 18;
  if (kept->bad() || !shows(kept->bytes(), 0)) return 19;
  const Stats stats = budget.stats();
  if (stats.granule != page || stats.pinned != 2 * page || stats.mapped > stats.budget) return 20;
  if (budget.trim() <= 0 || budget.stats().mapped != 2 * page) return 21;
  return 0;
}

TEST_P(PageSize, AFileOnDiskIsUsedInSlots) {
  expect([this] { return live(page_, Placement::slots, ScratchFile::on_disk); });
}

TEST_P(PageSize, AFileInMemoryIsUsedAtHome) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer fails to unmap its shadow of such a range";
#endif
  if (sizeof(void*) == 4 && page_ == 64 << 10)
    GTEST_SKIP() << "a home of such pages takes 1 GiB of addresses, too much of a 32-bit process";
  expect([this] { return live(page_, Placement::home, ScratchFile::in_memory); });
}

TEST_P(PageSize, AFileIsUsedInCopies) {
  expect([this] { return live(page_, Placement::copies, ScratchFile::on_disk); });
}

TEST_P(PageSize, HighMemoryIsUsed) {
  expect([this] {
    HighMemory memory{Budget({.bytes = 16 * page_})};
    for (int i = 0; i < 40; ++i) {
      const Expected<HighPage> page = memory.allocate();
      if (!page) return 1;
      const Expected<Mapping> mapping = memory.map(*page);
      if (!mapping || static_cast<std::int64_t>(mapping->size()) != page_) return 2;
      for (std::byte& it : mapping->writable()) it = std::byte{1};
    }
    const Expected<HighPage> last = memory.allocate();
    return last && !memory.free(*last) && memory.allocated() == 40 ? 0 : 3;
  });
}

/// Maps a page of kernel code, which is smaller than one of the machine.
int map_kernel_pages(std::size_t machine_page) {
  struct page* const first = alloc_pages(GFP_HIGHUSER | __GFP_ZERO, 1);
  struct page* const second = first + 1;
  auto* const one = static_cast<char*>(kmap(first));
  auto* const other = static_cast<char*>(kmap(second));
  // Each kernel page has a page of the machine for itself, which can be made inaccessible.
  // A guard of the same size is behind it.
  if (other - one != static_cast<std::ptrdiff_t>(2 * machine_page)) return 1;
  std::memset(one, 1, PAGE_SIZE);
  std::memset(other, 2, PAGE_SIZE);
  if (kmap_to_page(one + PAGE_SIZE - 1) != first || kmap_to_page(other) != second) return 2;
  kunmap(first);
  if (is_readable(one) || !is_readable(other)) return 3;
  auto* const again = static_cast<char*>(kmap_local_page(first));
  if (again[0] != 1 || again[PAGE_SIZE - 1] != 1 || other[0] != 2) return 4;
  kunmap_local(again);
  kunmap(second);
  __free_pages(first, 1);
  struct page* const zeros = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
  if (static_cast<char*>(kmap(zeros))[PAGE_SIZE - 1] != 0) return 5;
  kunmap(zeros);
  // Low pages are neighbours.
  auto* const low = reinterpret_cast<char*>(__get_free_pages(GFP_KERNEL, 2));
  std::memset(low, 3, 4 * PAGE_SIZE);
  return virt_to_page(low + 3 * PAGE_SIZE) == virt_to_page(low) + 3 ? 0 : 6;
}

// Needs a process that has used no kernel page yet: CTest runs each test in its own process.
TEST_P(PageSize, KernelCodesPagesHave4KiBNevertheless) {
  if (linux_face::Machine::find() != nullptr) GTEST_SKIP() << "the machine was made before";
  expect([this] { return map_kernel_pages(static_cast<std::size_t>(page_)); });
}

}  // namespace
}  // namespace kmapper::process
