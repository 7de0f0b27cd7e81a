// Sequential reading and writing of a file's records, through a window. A stream keeps only one
// granule mapped, by a Cursor, so hundreds may be open at once within one budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::examples {

/// A file that is mapped through a window, with what its streams need to know about it.
struct MappedFile {
  MappedFile(int descriptor, std::string name, process::Access access,
             const process::Budget& budget)
      : window(descriptor, access, budget), name(std::move(name)), granule(budget.granule()) {
    window.advise(process::Advice::sequential);
  }

  process::FileWindow window;
  std::string name;
  std::int64_t granule;
};

/// Reads a part of a file. Throws std::runtime_error, at the latest in finish().
class RecordReader {
 public:
  RecordReader(MappedFile& file, std::int64_t begin, std::int64_t end, std::size_t size)
      : file_(&file), cursor_(file.window), next_(begin), end_(end), size_(size) {}

  /// The next record, valid until the next call; null: there is none.
  [[nodiscard]] const std::byte* next();
  /// Throws if any of the file's bytes could not be read.
  void finish();

 private:
  MappedFile* file_;
  process::Cursor cursor_;
  std::int64_t next_, end_;
  std::size_t size_;
  // A record that crosses granules is copied here, so that a stream holds only one granule. Streams
  // that hold one and wait for another could wait for each other for ever.
  std::vector<std::byte> crossing_;
};

/// Writes a file from an offset on. Throws as RecordReader does.
class RecordWriter {
 public:
  RecordWriter(MappedFile& file, std::int64_t begin, std::size_t size)
      : file_(&file), cursor_(file.window), next_(begin), size_(size) {}

  void write(const std::byte* record);
  void finish();

 private:
  MappedFile* file_;
  process::Cursor cursor_;
  std::int64_t next_;
  std::size_t size_;
};

}  // namespace kmapper::examples
