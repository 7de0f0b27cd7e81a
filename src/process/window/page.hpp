// A page of the big memory, as the core sees it: one granule of one file.
#pragma once

#include <cstdint>

namespace kmapper::process {

/// The file's number within its budget, and the granule's within the file. Page{} is no page.
enum class Page : std::uint64_t {};

inline constexpr unsigned kGranuleBits = 44;
/// The highest number of a file: 1,048,575, as many as Linux lets a process open by default
/// (fs.nr_open). A higher number would not fit in the bits beside the granule's.
inline constexpr std::uint32_t kMostFiles = (std::uint32_t{1} << (64 - kGranuleBits)) - 1;
/// How many granules of a file have numbers: with granules of 4 KiB, those in its first 2^56 bytes.
inline constexpr std::uint64_t kMostGranules = std::uint64_t{1} << kGranuleBits;

[[nodiscard]] constexpr std::uint64_t to_number(Page page) {
  return static_cast<std::uint64_t>(page);
}
/// `file` is from 1 to kMostFiles, `granule` below kMostGranules.
[[nodiscard]] constexpr Page make_page(std::uint32_t file, std::uint64_t granule) {
  return Page{(std::uint64_t{file} << kGranuleBits) | granule};
}
[[nodiscard]] constexpr std::uint32_t file_of(Page page) {
  return static_cast<std::uint32_t>(to_number(page) >> kGranuleBits);
}
[[nodiscard]] constexpr std::uint64_t granule_of(Page page) {
  return to_number(page) & ((std::uint64_t{1} << kGranuleBits) - 1);
}
[[nodiscard]] constexpr Page operator+(Page page, std::uint64_t granules) {
  return Page{to_number(page) + granules};
}

}  // namespace kmapper::process
