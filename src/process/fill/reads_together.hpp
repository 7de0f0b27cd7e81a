// Copies in several places, of several files perhaps, that are read together, for map_all(). All
// reads are under way at the same time where the kernel can do that (system/read_ring.hpp).
// Elsewhere they are made one after the other. What follows each other in a file is one read.
//
// A copy is read as it is by File::fill(): begin_reading(), end_reading(). It is left out if
// another thread is reading it, and it is as if it had not been read if its read fails. So the
// caller calls fill() afterwards, and learns the error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "process/file/file.hpp"
#include "process/fill/units.hpp"
#include "system/read_ring.hpp"

namespace kmapper::process {

class ReadsTogether {
 public:
  explicit ReadsTogether(Arena& arena) : arena_(arena) {}
  ReadsTogether(const ReadsTogether&) = delete;
  ReadsTogether& operator=(const ReadsTogether&) = delete;
  ~ReadsTogether() { carry_out(); }

  /// Adds those of the units of a copy that are missing. May carry out what was added before. The
  /// caller holds a pin of the copy, as long as this object lives.
  void add(File& file, Record& record, Units::Set needed);

 private:
  using Read = system::ReadRing::Read;
  static constexpr std::size_t kMost = system::ReadRing::kMost;
  static constexpr std::size_t kMostOfOne = 16;  // runs in the 32 units of a copy

  /// A run of units of a copy.
  struct Part {
    File* file;
    Record* record;
    std::int64_t known_size;  // of the file, when the reading began
    std::uint32_t state;
    Units::Run run;
    bool is_last;  // of the copy
  };

  void carry_out();
  [[nodiscard]] std::span<Read> plan(std::span<iovec> memory, std::span<Read> reads) const;
  void finish(const Read& read, std::span<const Part> parts);

  Arena& arena_;
  std::array<Part, kMost> parts_;
  std::size_t count_ = 0;
  int failed_ = 0;  // an errno: a part before, of the same copy, has not been read
};

}  // namespace kmapper::process
