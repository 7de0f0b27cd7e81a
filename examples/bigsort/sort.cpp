#include "sort.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "streams.hpp"

namespace kmapper::examples {
namespace {

using process::Access;
using process::Budget;

/// A part of a file that is sorted, in bytes.
struct Run {
  std::int64_t begin, end;
};

/// A record of the run that is in memory.
struct Entry {
  std::uint64_t prefix;
  std::uint32_t number;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Reads the run into memory, sorts an index of it, and writes the records in the order of the
/// index.
void sort_run(MappedFile& from, MappedFile& to, Run run, const Records& records,
              std::vector<std::byte>& bytes, std::vector<Entry>& index) {
  index.clear();
  RecordReader reader(from, run.begin, run.end, records.size);
  std::byte* next = bytes.data();
  while (const std::byte* const record = reader.next()) {
    std::memcpy(next, record, records.size);
    index.push_back({records.prefix(record), static_cast<std::uint32_t>(index.size())});
    next += records.size;
  }
  reader.finish();

  const auto record_of = [&](const Entry& entry) {
    return bytes.data() + std::size_t{entry.number} * records.size;
  };
  std::sort(index.begin(), index.end(), [&](const Entry& a, const Entry& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = records.compare_rest(record_of(a), record_of(b));
    return order != 0 ? order < 0 : a.number < b.number;
  });

  RecordWriter writer(to, run.begin, records.size);
  for (const Entry& entry : index) writer.write(record_of(entry));
  writer.finish();
}

std::vector<Run> sort_runs(const OpenFile& input, const OpenFile& output, std::int64_t size,
                           const Records& records, const Memory& memory) {
  // The window needs little memory here: it goes through two files. The rest is for records and the
  // index.
  const std::int64_t window = std::max(memory.bytes / 8, 8 * memory.granule);
  const Budget budget({.bytes = window, .granule = memory.granule});
  MappedFile from(input.descriptor, input.name, Access::read_only, budget);
  MappedFile to(output.descriptor, output.name, Access::read_write, budget);
  const auto record = static_cast<std::int64_t>(records.size);
  const std::int64_t total = size / record;
  const std::int64_t fit =
      (memory.bytes - window) / (record + static_cast<std::int64_t>(sizeof(Entry)));
  const std::int64_t most =
      std::clamp<std::int64_t>(fit, 1, std::min<std::int64_t>(total, UINT32_MAX));

  std::vector<std::byte> bytes(static_cast<std::size_t>(most * record));
  std::vector<Entry> index;
  index.reserve(static_cast<std::size_t>(most));
  std::vector<Run> runs;
  for (std::int64_t begin = 0; begin < size; begin = runs.back().end) {
    runs.push_back({begin, std::min(size, begin + most * record)});
    sort_run(from, to, runs.back(), records, bytes, index);
  }
  return runs;
}

/// Gives the least record of several runs, then the next, and so on. A heap of the runs, ordered by
/// their next record; among equal records the first run's comes first, so that they keep their
/// order.
class Merge {
 public:
  Merge(MappedFile& from, std::span<const Run> runs, const Records& records) : records_(records) {
    readers_.reserve(runs.size());
    for (const Run& run : runs) readers_.emplace_back(from, run.begin, run.end, records.size);
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      const std::byte* const record = readers_[i].next();
      heap_.push_back({records_.prefix(record), record, i});
    }
    for (std::size_t i = heap_.size() / 2; i-- > 0;) sink(i);
  }

  /// Valid until step(). Null: there is none.
  [[nodiscard]] const std::byte* least() const {
    return heap_.empty() ? nullptr : heap_.front().record;
  }
  void step() {
    Head& head = heap_.front();
    head.record = readers_[head.reader].next();
    if (head.record != nullptr) {
      head.prefix = records_.prefix(head.record);
    } else {
      readers_[head.reader].finish();
      head = heap_.back();
      heap_.pop_back();
    }
    sink(0);
  }

 private:
  struct Head {
    std::uint64_t prefix;
    const std::byte* record;
    std::size_t reader;
  };

  [[nodiscard]] bool less(const Head& a, const Head& b) const {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = records_.compare_rest(a.record, b.record);
    return order != 0 ? order < 0 : a.reader < b.reader;
  }
  void sink(std::size_t at) {
    for (;;) {
      std::size_t child = 2 * at + 1;
      if (child >= heap_.size()) return;
      if (child + 1 < heap_.size() && less(heap_[child + 1], heap_[child])) ++child;
      if (!less(heap_[child], heap_[at])) return;
      std::swap(heap_[child], heap_[at]);
      at = child;
    }
  }

  const Records records_;
  std::vector<RecordReader> readers_;
  std::vector<Head> heap_;
};

/// Merges each `ways` consecutive runs into one, at the same place in the other file.
std::vector<Run> merge_runs(const OpenFile& input, const OpenFile& output,
                            std::span<const Run> runs, std::size_t ways, const Records& records,
                            const Budget& budget) {
  MappedFile from(input.descriptor, input.name, Access::read_only, budget);
  MappedFile to(output.descriptor, output.name, Access::read_write, budget);
  std::vector<Run> merged;
  for (; !runs.empty(); runs = runs.subspan(std::min(ways, runs.size()))) {
    const std::span<const Run> some = runs.first(std::min(ways, runs.size()));
    merged.push_back({some.front().begin, some.back().end});
    Merge merge(from, some, records);
    RecordWriter writer(to, merged.back().begin, records.size);
    for (; const std::byte* const record = merge.least(); merge.step()) writer.write(record);
    writer.finish();
  }
  return merged;
}

/// How many runs are merged at once. Each needs a granule, and memory for a record that crosses two
/// granules. Half of the memory is left for what the window maps ahead.
std::int64_t ways_within(const Memory& memory, const Records& records) {
  const std::int64_t each = memory.granule + static_cast<std::int64_t>(records.size);
  return std::max<std::int64_t>(2, memory.bytes / 2 / each);
}

}  // namespace

Summary sort_file(const OpenFile& input, const OpenFile& output, std::int64_t size,
                  const Records& records, const Memory& memory,
                  const std::function<OpenFile()>& temporary) {
  Summary summary;
  if (size == 0) return summary;
  auto begin = std::chrono::steady_clock::now();
  OpenFile from = temporary();
  std::vector<Run> runs = sort_runs(input, from, size, records, memory);
  summary.runs = static_cast<std::int64_t>(runs.size());
  summary.sorting_seconds = seconds_since(begin);

  begin = std::chrono::steady_clock::now();
  const std::int64_t ways = ways_within(memory, records);
  summary.ways = std::min(ways, summary.runs);
  const std::int64_t crossing = summary.ways * static_cast<std::int64_t>(records.size);
  const Budget budget({.bytes = memory.bytes - crossing, .granule = memory.granule});
  for (OpenFile spare{-1, {}};; std::swap(from, spare)) {
    ++summary.merges;
    const bool last = static_cast<std::int64_t>(runs.size()) <= ways;
    if (!last && spare.descriptor < 0) spare = temporary();
    const OpenFile& to = last ? output : spare;
    runs = merge_runs(from, to, runs, static_cast<std::size_t>(ways), records, budget);
    if (last) break;
  }
  summary.merging_seconds = seconds_since(begin);
  return summary;
}

}  // namespace kmapper::examples
