// All numbers of the file have 32 bits; sums have 64, so that none wraps.
#include "kernel/user/elf.hpp"

#include <algorithm>
#include <optional>

namespace kmapper::kernel {
namespace {

struct FileHeader {
  std::array<unsigned char, 16> identification;
  std::uint16_t type, machine;
  std::uint32_t version, entry, program_headers, section_headers, flags;
  std::uint16_t header_size, program_header_size, program_header_count;
  std::uint16_t section_header_size, section_header_count, section_names;
};
static_assert(sizeof(FileHeader) == 52);

struct ProgramHeader {
  std::uint32_t type, offset, address, physical, file_size, memory_size, flags, alignment;
};
static_assert(sizeof(ProgramHeader) == 32);

constexpr std::array<unsigned char, 7> kIdentification{0x7F, 'E', 'L', 'F', 1, 1, 1};
constexpr std::uint16_t kExecutable = 2;
constexpr std::uint16_t kI386 = 3;
constexpr std::uint32_t kLoad = 1;
constexpr std::uint32_t kDynamic = 2;
constexpr std::uint32_t kInterpreter = 3;
constexpr std::uint32_t kThreadLocal = 7;
constexpr std::uint32_t kExecute = 1;
constexpr std::uint32_t kWrite = 2;

constexpr std::uint32_t kMostHeaders = 32;

// Reads an object anywhere in the file, if it lies wholly in it.
template <class T>
std::optional<T> read_at(std::span<const unsigned char> file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::copy_n(file.data() + offset, sizeof value, reinterpret_cast<unsigned char*>(&value));
  return value;
}

ElfError check(const FileHeader& header) {
  if (!std::equal(kIdentification.begin(), kIdentification.end(), header.identification.begin()))
    return ElfError::not_elf;
  if (header.machine != kI386 || header.version != 1) return ElfError::wrong_machine;
  if (header.type != kExecutable) return ElfError::not_static;
  if (header.header_size < sizeof header || header.program_header_size != sizeof(ProgramHeader))
    return ElfError::bad_headers;
  return header.program_header_count > kMostHeaders ? ElfError::too_many_segments : ElfError::none;
}

ElfError check(const ProgramHeader& header, std::size_t file_size) {
  const std::uint64_t begin = header.address;
  const std::uint64_t end = begin + header.memory_size;
  if (std::uint64_t{header.offset} + header.file_size > file_size) return ElfError::outside_file;
  if (header.file_size > header.memory_size) return ElfError::bad_size;
  if (begin < to_number(kProgramBegin) || end > to_number(kProgramEnd))
    return ElfError::outside_user;
  const std::uint32_t alignment = std::max(header.alignment, 1U);
  if ((alignment & (alignment - 1)) != 0 || (header.address - header.offset) % alignment != 0)
    return ElfError::misaligned;
  return (header.flags & (kWrite | kExecute)) == (kWrite | kExecute) ? ElfError::writable_code
                                                                     : ElfError::none;
}

bool holds(const ElfSegment& segment, UserAddr address) {
  return address >= segment.begin && address - segment.begin < segment.size;
}

}  // namespace

std::string_view describe(ElfError error) {
  switch (error) {
    case ElfError::none:
      return "nothing is wrong with it";
    case ElfError::truncated:
      return "the file ends before its headers do";
    case ElfError::not_elf:
      return "it is no 32-bit little-endian ELF file";
    case ElfError::wrong_machine:
      return "it is not for the i386";
    case ElfError::not_static:
      return "it is no static executable";
    case ElfError::bad_headers:
      return "its headers have an unusual size";
    case ElfError::too_many_segments:
      return "it has too many segments";
    case ElfError::outside_file:
      return "a segment lies outside the file";
    case ElfError::outside_user:
      return "a segment lies outside what programs may have";
    case ElfError::bad_size:
      return "a segment is larger in the file than in memory";
    case ElfError::misaligned:
      return "a segment is misaligned";
    case ElfError::overlap:
      return "two segments share a page";
    case ElfError::writable_code:
      return "a segment is to be written and executed";
    case ElfError::no_segment:
      return "it has no segment to load";
    case ElfError::bad_entry:
      return "it does not begin in its code";
  }
  return "unknown";
}

ElfError ElfImage::add(const ElfSegment& segment) {
  if (size_ == kMaxSegments) return ElfError::too_many_segments;
  const auto others = segments();
  const bool overlaps =
      std::any_of(others.begin(), others.end(), [&segment](const ElfSegment& other) {
        return segment.first_page() < other.end_of_pages() &&
               other.first_page() < segment.end_of_pages();
      });
  if (overlaps) return ElfError::overlap;
  segments_[size_++] = segment;
  return ElfError::none;
}

Result<ElfImage, ElfError> ElfImage::read(std::span<const unsigned char> file) {
  const auto header = read_at<FileHeader>(file, 0);
  if (!header) return ElfError::truncated;
  if (const ElfError error = check(*header); error != ElfError::none) return error;

  ElfImage image;
  image.entry_ = UserAddr{header->entry};
  for (std::uint32_t i = 0; i < header->program_header_count; ++i) {
    const auto segment = read_at<ProgramHeader>(
        file, std::uint64_t{header->program_headers} + i * sizeof(ProgramHeader));
    if (!segment) return ElfError::truncated;
    if (segment->type == kDynamic || segment->type == kInterpreter || segment->type == kThreadLocal)
      return ElfError::not_static;
    if (segment->type != kLoad || segment->memory_size == 0) continue;
    if (const ElfError error = check(*segment, file.size()); error != ElfError::none) return error;
    const ElfError error =
        image.add({UserAddr{segment->address}, segment->memory_size,
                   file.subspan(segment->offset, segment->file_size),
                   (segment->flags & kWrite) != 0, (segment->flags & kExecute) != 0});
    if (error != ElfError::none) return error;
  }
  if (image.size_ == 0) return ElfError::no_segment;
  const auto all = image.segments();
  const bool begins_in_code = std::any_of(all.begin(), all.end(), [&](const ElfSegment& segment) {
    return segment.executable && holds(segment, image.entry_);
  });
  return begins_in_code ? Result<ElfImage, ElfError>(image) : ElfError::bad_entry;
}

}  // namespace kmapper::kernel
