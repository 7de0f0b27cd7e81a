// Pages in a file that the next process finds again by names: high memory that survives.
//
//     NamedPages pages("cache.pages", budget);
//     auto list = pages.find("index");
//     if (!list) {
//       auto page = pages.allocate();
//       fill(pages.map(*page)->writable());
//       if (Error error = pages.name("index", {{*page}})) return puts(error.message().c_str());
//     }
//
// A name leads to a list of pages, and is what makes them last. When name() returns, the name and
// what the pages hold are on the disk; if the process or the machine ends before that, the next
// process finds the names as they were before the call. Pages without a name are free then. So to
// change what a name leads to for good, write other pages, name them, and free the old ones.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kmapper/export.h"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// Except the destructor, all calls may come from several threads at once. One process at a time
/// may have the file open.
class KMAPPER_API NamedPages {
 public:
  /// Opens the file, or makes it if there is none. Pages have the size of the budget's granule,
  /// which must be that of the budget with which the file was made. Throws std::system_error, with
  /// a text that says what is wrong with the file: no such file (another magic number), of another
  /// version, of another page size, cut short, damaged, open elsewhere. Costs a look at each page
  /// that has a name. May sleep for the disk.
  NamedPages(const std::string& path, const Budget& budget);
  NamedPages(NamedPages&&) noexcept;
  /// Closes the file that this had open, as the destructor does.
  NamedPages& operator=(NamedPages&&) noexcept;
  ~NamedPages();

  /// Allocates a page of zeros. Errors: of the system.
  [[nodiscard]] Expected<HighPage> allocate() noexcept;
  /// Gives the page's room in the file back. Errors: pinned (a mapping of it is held),
  /// invalid_range (not allocated, or a name leads to it); of the last name() or unname(), if that
  /// has failed.
  [[nodiscard]] Error free(HighPage page) noexcept;
  /// Maps a page; see HighMemory::map().
  [[nodiscard]] Expected<Mapping> map(HighPage page, const Patience& patience = {}) noexcept;

  /// Makes a name lead to these pages, instead of those that it has led to, which stay allocated. A
  /// name has 1 to 255 bytes. Writes the pages and all names to the disk. Errors: invalid_range (a
  /// page that is not allocated), invalid_option (the name's length); of the system, also for
  /// writes to pages that were lost (FileWindow::sync()). Then the name leads, in this process, to
  /// what it led to before; and for the next process to that, or to the new pages.
  [[nodiscard]] Error name(std::string_view text, std::span<const HighPage> pages) noexcept;
  /// Makes a name lead to nothing; its pages stay allocated. Errors: no_such_file_or_directory (no
  /// such name); as name().
  [[nodiscard]] Error unname(std::string_view text) noexcept;
  /// The pages that a name leads to. Errors: no_such_file_or_directory (no such name).
  [[nodiscard]] Expected<std::vector<HighPage>> find(std::string_view text) const noexcept;
  /// All names, in order. Throws std::bad_alloc.
  [[nodiscard]] std::vector<std::string> names() const;

  /// The size of a page in bytes.
  [[nodiscard]] std::int64_t page_size() const noexcept;

 private:
  struct Store;
  std::unique_ptr<Store> store_;
};

}  // namespace kmapper::process
