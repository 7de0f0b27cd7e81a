#include "streams.hpp"

#include <cstring>
#include <stdexcept>

namespace kmapper::examples {
namespace {

/// The address of the record's place in the file, mapped.
std::byte* place(MappedFile& file, process::Cursor& cursor, std::int64_t offset, std::size_t size) {
  std::byte* const bytes = cursor.at(offset, size);
  if (bytes != nullptr) return bytes;
  throw std::runtime_error(file.name + ": " + cursor.error().code().message() + " (" +
                           std::to_string(size) + " bytes at " + std::to_string(offset) + ")");
}

/// Whether the record is in several granules. No stream may hold several while it waits, because
/// other streams would do the same.
bool crosses(const MappedFile& file, std::int64_t offset, std::size_t size) {
  return offset / file.granule != (offset + static_cast<std::int64_t>(size) - 1) / file.granule;
}

void check(const MappedFile& file, const process::Cursor& cursor) {
  if (const std::error_code fault = cursor.fault())
    throw std::runtime_error(file.name + ": " + fault.message());
}

}  // namespace

const std::byte* RecordReader::next() {
  if (next_ == end_) return nullptr;
  const std::byte* record = place(*file_, cursor_, next_, size_);
  const auto size = static_cast<std::int64_t>(size_);
  if (crosses(*file_, next_, size_)) {
    crossing_.assign(record, record + size_);
    cursor_.release();
    record = crossing_.data();
  }
  next_ += size;
  return record;
}

void RecordReader::finish() { check(*file_, cursor_); }

void RecordWriter::write(const std::byte* record) {
  std::memcpy(place(*file_, cursor_, next_, size_), record, size_);
  if (crosses(*file_, next_, size_)) cursor_.release();
  next_ += static_cast<std::int64_t>(size_);
}

void RecordWriter::finish() { check(*file_, cursor_); }

}  // namespace kmapper::examples
