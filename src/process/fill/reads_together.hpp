// Copies in several places, of several files perhaps, that are read together, for map_all(): by
// io_uring (system/read_ring.hpp), so that all reads are under way at the same time. Where the
// process can have no ring, they are made one after the other. Parts that are adjacent in a file
// are one read.
//
// A copy is read as it is by File::fill(): begin_reading(), end_reading(). A copy that another
// thread is reading is left out. A copy whose read fails is left as it was. The caller calls fill()
// afterwards, which waits for the one, and reads the other again and returns the error.
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
