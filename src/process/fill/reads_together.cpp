#include "process/fill/reads_together.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "process/fill/read_rings.hpp"
#include "system/pieces.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {

bool File::reads_at_once() noexcept {
  if (!has_copies() || arena_->is_strict()) return false;
  std::int8_t known = reads_at_once_.load(std::memory_order_relaxed);
  if (known < 0) {
    // What the kernel can read without waiting, if it is there, it can also begin to read.
    std::byte some{};
    iovec piece{&some, 1};
    const auto look = [&] { return preadv2(descriptor_.number(), &piece, 1, 0, RWF_NOWAIT); };
    known = system::uninterrupted(look) >= 0 || errno == EAGAIN ? 1 : 0;
    reads_at_once_.store(known, std::memory_order_relaxed);
  }
  return known == 1;
}

void ReadsTogether::add(File& file, Record& record, Units::Set needed) {
  if (count_ + file.units_.most_runs() > kMost) carry_out();
  const File::Reading reading = file.begin_reading(record, needed);
  if (!reading.is_own) return;
  const int number = file.make_memory(record);
  if (number != 0 || reading.units == 0) return file.end_reading(record, reading.state, number);
  const std::int64_t known_size = file.size_for_reading();
  for (Units::Set left = reading.units; left != 0;) {
    const Units::Run run = Units::first_run(left);
    left &= ~run.set();
    parts_[count_++] = {.file = &file,
                        .record = &record,
                        .known_size = known_size,
                        .state = reading.state,
                        .run = run,
                        .is_last = left == 0};
  }
}

void ReadsTogether::carry_out() {
  std::array<iovec, kMost> memory;
  std::array<Read, kMost> all;
  const std::span<Read> reads = plan(memory, all);
  if (reads.size() > 1) {
    const ReadRings::Turn turn(arena_.read_rings());
    if (turn.ring() != nullptr) {
      arena_.counters().add(Work::map_call);
      turn.ring()->read(reads);
    }
  }
  std::span<const Part> parts = std::span(parts_).first(count_);
  for (const Read& it : reads) {
    finish(it, parts.first(it.pieces.size()));
    parts = parts.subspan(it.pieces.size());
  }
  count_ = 0;
}

/// The reads of all parts, in the order of the parts. Each part has its piece of memory.
std::span<ReadsTogether::Read> ReadsTogether::plan(std::span<iovec> memory,
                                                   std::span<Read> reads) const {
  std::size_t count = 0;
  std::int64_t end = 0;  // of the last one, in its file
  for (std::size_t i = 0; i < count_; ++i) {
    const Part& part = parts_[i];
    const auto [within, size] = part.file->bytes_of(part.run);
    const std::int64_t offset = part.file->begin_of(*part.record) + within;
    memory[i] = {part.record->data() + within, static_cast<std::size_t>(size)};
    if (count != 0 && part.file == parts_[i - 1].file && offset == end) {
      std::span<iovec>& pieces = reads[count - 1].pieces;
      pieces = {pieces.data(), pieces.size() + 1};
    } else {
      // Units are whole pages: those that are added later are aligned as well as the first.
      const std::span<iovec> piece = memory.subspan(i, 1);
      const int descriptor = part.file->descriptor_for(piece, offset);
      reads[count++] = {.descriptor = descriptor, .offset = offset, .pieces = piece};
    }
    end = offset + size;
  }
  return reads.first(count);
}

/// Reads what the ring has not read, perhaps all of it, and notes what the parts have now.
void ReadsTogether::finish(const Read& read, std::span<const Part> parts) {
  const auto done = std::max<std::int64_t>(read.result, 0);
  const std::span<iovec> left = system::without(read.pieces, static_cast<std::size_t>(done));
  File::Read rest;
  if (!left.empty()) rest = parts.front().file->read_file(left, read.offset + done);
  std::int64_t bytes = done + static_cast<std::int64_t>(rest.bytes);
  for (const Part& it : parts) {
    const std::int64_t size = it.file->bytes_of(it.run).size;
    if (rest.number != 0) {
      failed_ = rest.number;
    } else {
      const std::int64_t own = std::clamp<std::int64_t>(bytes, 0, size);
      it.file->note_read(*it.record, it.known_size, it.run, own);
    }
    bytes -= size;
    if (!it.is_last) continue;
    it.file->end_reading(*it.record, it.state, failed_);
    failed_ = 0;
  }
}

}  // namespace kmapper::process
