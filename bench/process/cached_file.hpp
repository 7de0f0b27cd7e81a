// A file without a name whose bytes are in the page cache: a memory file, or a file on a disk.
#pragma once

#include <cstdint>

namespace kmapper::bench {

/// The file's first contents: a word, at an offset that is a multiple of its size.
[[nodiscard]] constexpr std::uint32_t word_at(std::int64_t offset) {
  const auto number = static_cast<std::uint64_t>(offset) / sizeof(std::uint32_t);
  return static_cast<std::uint32_t>((number * 0x9E3779B97F4A7C15U) >> 32);
}

class CachedFile {
 public:
  /// Ends the program if the file cannot be made.
  CachedFile(bool in_memory, std::int64_t size);
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;
  ~CachedFile();

  /// Has the kernel forget what it keeps of the file, as far as no process has it mapped, and from
  /// now on read no more of it than a system call asks for.
  void forget() const;
  /// How much of the file is in memory, in bytes.
  [[nodiscard]] std::int64_t in_memory() const;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool is_in_memory() const { return is_in_memory_; }
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  const bool is_in_memory_;
  const std::int64_t size_;
  const int descriptor_;
};

}  // namespace kmapper::bench
