// What a file of named pages says about itself.
//
//     offset 0       a header     the one with the higher sequence number that is whole counts;
//     offset 4096    a header     the next change writes the other
//     pages          those that names lead to; and the directory, in a run of pages: for each name
//                    its length, how many pages it leads to, its bytes, and the pages' numbers
//
// All numbers are the machine's, of 64 bits. A change writes a new directory, syncs the file, and
// only then writes the header that leads to it. So at each moment one header leads to a whole
// directory, and that to pages which no later call has changed. The directory before is kept until
// the next change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kmapper/process/high_memory.hpp"

namespace kmapper::process {

using PageNames = std::map<std::string, std::vector<HighPage>, std::less<>>;

struct PageHeader {
  static constexpr std::uint64_t kMagic = 0x736567617050'4D4B;  // "KMPpages" in little endian
  static constexpr std::uint64_t kVersion = 1;
  static constexpr std::int64_t kDistance = 4096;  // between the two, which no write tears at once

  std::uint64_t magic = kMagic;
  std::uint64_t version = kVersion;
  std::uint64_t page_size = 0;
  std::uint64_t sequence = 0;
  std::uint64_t first_page = 0;  // of the directory
  std::uint64_t length = 0;      // of the directory, in bytes; 0: no names, and no directory
  std::uint64_t directory_sum = 0;
  std::uint64_t sum = 0;  // of all before it

  [[nodiscard]] bool is_whole() const;
  void seal();
};
static_assert(sizeof(PageHeader) == 64);

[[nodiscard]] std::uint64_t sum_of(std::span<const std::byte> bytes);

/// Throws std::bad_alloc.
[[nodiscard]] std::vector<std::byte> written(const PageNames& names);
/// Nothing: this is no directory. Throws std::bad_alloc.
[[nodiscard]] std::optional<PageNames> read_names(std::span<const std::byte> directory);

}  // namespace kmapper::process
