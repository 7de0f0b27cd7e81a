// The kernel trusts nothing in a program's file that it has not checked.
#include "kernel/user/elf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernel/lib/prng.hpp"
#include "repeat.hpp"

namespace kmapper::kernel {
namespace {

using File = std::vector<unsigned char>;

// The fields by their offsets in the file: System V ABI, figures 4-3 and 5-1.
enum class Field : std::size_t {
  type = 16,
  machine = 18,
  version = 20,
  entry = 24,
  program_headers = 28,
  header_size = 40,
  program_header_size = 42,
  program_header_count = 44,
};
enum class OfSegment : std::size_t {
  type = 0,
  offset = 4,
  address = 8,
  file_size = 16,
  memory_size = 20,
  flags = 24,
  alignment = 28,
};
constexpr std::size_t kHeader = 52;
constexpr std::size_t kProgramHeader = 32;
constexpr std::uint32_t kBase = 0x00400000;
constexpr std::uint32_t kExecute = 1, kWrite = 2, kRead = 4;

template <class T>
void put(File& file, std::size_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}
void put16(File& file, Field field, std::uint16_t value) {
  put(file, static_cast<std::size_t>(field), value);
}
void put32(File& file, Field field, std::uint32_t value) {
  put(file, static_cast<std::size_t>(field), value);
}
void put32(File& file, std::size_t segment, OfSegment field, std::uint32_t value) {
  put(file, kHeader + segment * kProgramHeader + static_cast<std::size_t>(field), value);
}

// Code, constants and data of a page each; two pages of zeros follow the data.
File make_program() {
  File file(0x4000);
  const unsigned char identification[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
  std::copy(std::begin(identification), std::end(identification), file.begin());
  put16(file, Field::type, 2);
  put16(file, Field::machine, 3);
  put32(file, Field::version, 1);
  put32(file, Field::entry, kBase + 0x1010);
  put32(file, Field::program_headers, kHeader);
  put16(file, Field::header_size, kHeader);
  put16(file, Field::program_header_size, kProgramHeader);
  put16(file, Field::program_header_count, 3);
  const std::uint32_t flags[] = {kRead | kExecute, kRead, kRead | kWrite};
  for (std::uint32_t i = 0; i < 3; ++i) {
    put32(file, i, OfSegment::type, 1);
    put32(file, i, OfSegment::offset, 0x1000 * (i + 1));
    put32(file, i, OfSegment::address, kBase + 0x1000 * (i + 1));
    put32(file, i, OfSegment::file_size, 0x1000);
    put32(file, i, OfSegment::memory_size, i == 2 ? 0x3000 : 0x1000);
    put32(file, i, OfSegment::flags, flags[i]);
    put32(file, i, OfSegment::alignment, 0x1000);
  }
  return file;
}

// Changes a good file, and returns the result of reading it.
template <class Change>
ElfError error_after(Change change) {
  File file = make_program();
  change(file);
  return ElfImage::read(file).error();
}
ElfError error_with(std::size_t segment, OfSegment field, std::uint32_t value) {
  return error_after([&](File& file) { put32(file, segment, field, value); });
}
ElfError error_with(Field field, std::uint32_t value) {
  return error_after([&](File& file) { put32(file, field, value); });
}
ElfError error_with16(Field field, std::uint16_t value) {
  return error_after([&](File& file) { put16(file, field, value); });
}

TEST(Elf, AGoodProgramIsReadAsItIs) {
  const File file = make_program();
  const auto image = ElfImage::read(file);
  ASSERT_TRUE(image);
  EXPECT_EQ((*image).entry(), UserAddr{kBase + 0x1010});
  const auto segments = (*image).segments();
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_TRUE(segments[0].executable && !segments[0].writable);
  EXPECT_TRUE(!segments[1].executable && !segments[1].writable);
  EXPECT_TRUE(!segments[2].executable && segments[2].writable);
  EXPECT_EQ(segments[2].begin, UserAddr{kBase + 0x3000});
  EXPECT_EQ(segments[2].size, 0x3000U);
  EXPECT_EQ(segments[2].content.data(), file.data() + 0x3000);
  EXPECT_EQ(segments[2].content.size(), 0x1000U);
}

TEST(Elf, AFileThatEndsEarlyIsRefusedWhereverItEnds) {
  const File whole = make_program();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // In memory of its own, so that a read behind the end is found.
    const File file(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const ElfError error = ElfImage::read(file).error();
    const ElfError expected =
        size < kHeader + kProgramHeader ? ElfError::truncated : ElfError::outside_file;
    if (size < kHeader + kProgramHeader) {
      EXPECT_EQ(error, expected) << size;
    } else {
      EXPECT_TRUE(error == ElfError::truncated || error == expected) << size;
    }
  }
}

TEST(Elf, WhatIsNoI386ElfIsRefused) {
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(error_after([i](File& file) { file[i] ^= 3; }), ElfError::not_elf) << i;
  }
  EXPECT_EQ(error_with16(Field::machine, 62), ElfError::wrong_machine);
  EXPECT_EQ(error_with(Field::version, 0), ElfError::wrong_machine);
}

TEST(Elf, WhatIsNotStaticIsRefused) {
  for (const std::uint16_t type : {0, 1, 3, 4, 0xFFFF}) {
    EXPECT_EQ(error_with16(Field::type, type), ElfError::not_static) << type;
  }
  for (const std::uint32_t type : {2U, 3U, 7U}) {  // dynamic, interpreter, thread-local
    EXPECT_EQ(error_with(1, OfSegment::type, type), ElfError::not_static) << type;
  }
}

TEST(Elf, HeadersOfAnotherSizeAreRefused) {
  EXPECT_EQ(error_with16(Field::program_header_size, 31), ElfError::bad_headers);
  EXPECT_EQ(error_with16(Field::program_header_size, 0), ElfError::bad_headers);
  EXPECT_EQ(error_with16(Field::program_header_size, 0xFFFF), ElfError::bad_headers);
  EXPECT_EQ(error_with16(Field::header_size, 51), ElfError::bad_headers);
}

TEST(Elf, TooManyHeadersAreRefusedWithoutALookAtThem) {
  EXPECT_EQ(error_with16(Field::program_header_count, 0xFFFF), ElfError::too_many_segments);
  EXPECT_EQ(error_with16(Field::program_header_count, 33), ElfError::too_many_segments);
}

TEST(Elf, NineSegmentsAreTooMany) {
  const auto with = [](std::uint16_t count) {
    return error_after([count](File& file) {
      put16(file, Field::program_header_count, count);
      for (std::uint32_t i = 3; i < count; ++i) {
        std::copy_n(file.begin() + kHeader, kProgramHeader,
                    file.begin() + static_cast<std::ptrdiff_t>(kHeader + i * kProgramHeader));
        put32(file, i, OfSegment::address, kBase + 0x10000 * i);
        put32(file, i, OfSegment::alignment, 0);
      }
    });
  };
  EXPECT_EQ(with(8), ElfError::none);
  EXPECT_EQ(with(9), ElfError::too_many_segments);
}

TEST(Elf, HeadersOutsideTheFileAreRefused) {
  for (const std::uint32_t offset : {0x3FE0U, 0x4000U, 0x7FFFFFFFU, 0xFFFFFFE0U, 0xFFFFFFFFU}) {
    EXPECT_EQ(error_with(Field::program_headers, offset), ElfError::truncated) << offset;
  }
}

TEST(Elf, ASegmentOutsideTheFileIsRefusedAlsoWhereItsEndWraps) {
  EXPECT_EQ(error_with(0, OfSegment::offset, 0x4000), ElfError::outside_file);
  EXPECT_EQ(error_with(0, OfSegment::offset, 0x3001), ElfError::outside_file);
  EXPECT_EQ(error_with(0, OfSegment::offset, 0xFFFFF000), ElfError::outside_file);
  EXPECT_EQ(error_with(0, OfSegment::offset, 0xFFFFFFFF), ElfError::outside_file);
  EXPECT_EQ(error_with(0, OfSegment::file_size, 0xFFFFFFFF), ElfError::outside_file);
  EXPECT_EQ(error_with(0, OfSegment::file_size, 0xFFFFF000), ElfError::outside_file);
}

TEST(Elf, MoreInTheFileThanInMemoryIsRefused) {
  EXPECT_EQ(error_with(0, OfSegment::memory_size, 0xFFF), ElfError::bad_size);
}

TEST(Elf, ASegmentWhereProgramsMustNotBeIsRefused) {
  for (const std::uint32_t address :
       {0U, 0x1000U, 0xF000U, 0x0FFFF001U, 0x10000000U, 0xBFFFF000U, 0xC0000000U, 0xC0100000U,
        0xFC000000U, 0xFFFFF000U, 0xFFFFFFFFU}) {
    EXPECT_EQ(error_with(0, OfSegment::address, address), ElfError::outside_user) << address;
  }
  for (const std::uint32_t size :
       {0x10000000U, 0x7FFFFFFFU, 0xFFC00000U, 0xFFBFF000U, 0xFFFFFFFFU}) {
    EXPECT_EQ(error_with(0, OfSegment::memory_size, size), ElfError::outside_user) << size;
  }
}

TEST(Elf, MisalignedSegmentsAreRefused) {
  EXPECT_EQ(error_with(0, OfSegment::alignment, 0x1001), ElfError::misaligned);
  EXPECT_EQ(error_with(0, OfSegment::alignment, 3), ElfError::misaligned);
  EXPECT_EQ(error_with(0, OfSegment::alignment, 0xFFFFFFFF), ElfError::misaligned);
  EXPECT_EQ(error_with(0, OfSegment::address, kBase + 0x1004), ElfError::misaligned);
  EXPECT_EQ(error_with(0, OfSegment::alignment, 0x80000000), ElfError::misaligned);
  EXPECT_EQ(error_with(0, OfSegment::alignment, 0), ElfError::none);
}

TEST(Elf, SegmentsThatShareAPageAreRefused) {
  EXPECT_EQ(error_with(1, OfSegment::address, kBase + 0x1000), ElfError::overlap);
  EXPECT_EQ(error_with(0, OfSegment::memory_size, 0x1001), ElfError::overlap);
  EXPECT_EQ(error_with(1, OfSegment::memory_size, 0x10000), ElfError::overlap);
  // Side by side in one page.
  EXPECT_EQ(error_after([](File& file) {
              for (std::size_t i = 0; i < 2; ++i) {
                put32(file, i, OfSegment::alignment, 4);
                put32(file, i, OfSegment::file_size, 0x100);
                put32(file, i, OfSegment::memory_size, 0x100);
              }
              put32(file, 1, OfSegment::address, kBase + 0x1100);
            }),
            ElfError::overlap);
}

TEST(Elf, WhatIsToBeWrittenAndExecutedIsRefused) {
  EXPECT_EQ(error_with(0, OfSegment::flags, kRead | kWrite | kExecute), ElfError::writable_code);
  EXPECT_EQ(error_with(2, OfSegment::flags, kWrite | kExecute), ElfError::writable_code);
  EXPECT_EQ(error_with(2, OfSegment::flags, 0xFFFFFFFF), ElfError::writable_code);
}

TEST(Elf, AnEntryThatIsNotInTheCodeIsRefused) {
  for (const std::uint32_t entry :
       {0U, kBase, kBase + 0xFFF, kBase + 0x2000, kBase + 0x3000, 0xC0100000U, 0xFFFFFFFFU}) {
    EXPECT_EQ(error_with(Field::entry, entry), ElfError::bad_entry) << entry;
  }
  EXPECT_EQ(error_with(Field::entry, kBase + 0x1FFF), ElfError::none);
}

TEST(Elf, AProgramWithoutSegmentsIsRefused) {
  EXPECT_EQ(error_with16(Field::program_header_count, 0), ElfError::no_segment);
  EXPECT_EQ(error_after([](File& file) {
              for (std::size_t i = 0; i < 3; ++i) put32(file, i, OfSegment::type, 4);
            }),
            ElfError::no_segment);
  EXPECT_EQ(error_after([](File& file) {
              for (std::size_t i = 0; i < 3; ++i) {
                put32(file, i, OfSegment::memory_size, 0);
                put32(file, i, OfSegment::file_size, 0);
              }
            }),
            ElfError::no_segment);
}

TEST(Elf, EveryErrorHasWords) {
  for (int i = 0; i <= static_cast<int>(ElfError::bad_entry); ++i) {
    EXPECT_NE(describe(static_cast<ElfError>(i)), "unknown") << i;
  }
}

// A result must be loadable without further checks, whatever the file.
void expect_loadable(const File& file, const ElfImage& image) {
  ASSERT_GT(image.segments().size(), 0U);
  bool begins_in_code = false;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pages;
  for (const ElfSegment& segment : image.segments()) {
    const std::uint64_t begin = to_number(segment.begin);
    EXPECT_GE(begin, to_number(kProgramBegin));
    EXPECT_LE(begin + segment.size, to_number(kProgramEnd));
    EXPECT_LE(segment.content.size(), segment.size);
    EXPECT_FALSE(segment.writable && segment.executable);
    EXPECT_GE(segment.content.data(), file.data());
    EXPECT_LE(segment.content.data() + segment.content.size(), file.data() + file.size());
    pages.emplace_back(to_number(segment.first_page()), to_number(segment.end_of_pages()));
    const std::uint64_t entry = to_number(image.entry());
    begins_in_code |= segment.executable && entry >= begin && entry < begin + segment.size;
  }
  EXPECT_TRUE(begins_in_code);
  std::sort(pages.begin(), pages.end());
  for (std::size_t i = 1; i < pages.size(); ++i) EXPECT_LE(pages[i - 1].second, pages[i].first);
}

constexpr std::uint32_t kOddNumbers[] = {0,          1,          2,          7,          0xFFF,
                                         0x1000,     0xFFFF,     0x10000,    0x7FFFFFFF, 0x80000000,
                                         0xBFFFFFFF, 0xC0000000, 0xFC000000, 0xFFFFF000, 0xFFFFFFFF,
                                         0x0FFFFFFF, 0x10000000};

// One to four changes: a bit, a byte, or a word that is likely to do harm; mostly in the headers.
void mutate(File& file, Prng& random) {
  for (std::uint32_t changes = 1 + random.below(4); changes > 0; --changes) {
    const std::uint32_t size = random.below(8) == 0 ? static_cast<std::uint32_t>(file.size())
                                                    : kHeader + 3 * kProgramHeader;
    const std::uint32_t at = random.below(size - 4);
    switch (random.below(3)) {
      case 0:
        file[at] ^= static_cast<unsigned char>(1U << random.below(8));
        break;
      case 1:
        file[at] = static_cast<unsigned char>(random.next());
        break;
      default:
        put(file, at & ~3U, kOddNumbers[random.below(std::size(kOddNumbers))]);
    }
  }
  if (random.below(8) == 0) file.resize(random.below(static_cast<std::uint32_t>(file.size()) + 1));
}

TEST(Elf, WhateverIsChangedAtRandomIsRefusedOrLoadable) {
  const File program = make_program();
  constexpr std::uint32_t kRounds = fewer(200'000);
  Prng random(20'240'611);
  std::uint32_t accepted = 0;
  for (std::uint32_t i = 0; i < kRounds && !::testing::Test::HasFailure(); ++i) {
    File file = program;
    mutate(file, random);
    file.shrink_to_fit();
    const auto image = ElfImage::read(file);
    if (!image) continue;
    ++accepted;
    SCOPED_TRACE(i);
    expect_loadable(file, *image);
  }
  // Both must happen, or the changes are useless.
  EXPECT_GT(accepted, kRounds / 100);
  EXPECT_LT(accepted, kRounds - kRounds / 10);
}

}  // namespace
}  // namespace kmapper::kernel
