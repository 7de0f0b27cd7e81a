// Files in high memory, for processes to map.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/mm/block_list.hpp"

namespace kmapper::kernel {

struct File {
  std::string_view name;  // must outlive the file
  std::uint64_t size;     // in bytes
  BlockList pages{};
};

/// All files. One store at a time. While it exists, processes find the files in it, so it must
/// outlive all processes.
class FileStore {
 public:
  static constexpr std::uint32_t kMaxFiles = 64;

  FileStore();
  ~FileStore();
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  /// Adds a file without pages; its index is one more than the last one's. Null: no memory, or
  /// kMaxFiles.
  [[nodiscard]] File* add(std::string_view name, std::uint64_t size);
  [[nodiscard]] std::span<const File> all() const { return {files_, size_}; }

 private:
  File* files_ = nullptr;
  std::uint32_t size_ = 0;
};

/// The file with that index, or null. No file may be added at the same time.
[[nodiscard]] const File* find_file(std::uint32_t index);

}  // namespace kmapper::kernel
