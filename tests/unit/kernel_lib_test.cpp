// The kernel's small library, on the host.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernel/lib/command_line.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/prng.hpp"
#include "kernel/lib/sha256.hpp"

// The kernel's memory functions under names of their own, beside the host's.
#define memcpy kernel_memcpy
#define memmove kernel_memmove
#define memset kernel_memset
#define memcmp kernel_memcmp
#define memchr kernel_memchr
#define strlen kernel_strlen
#include "kernel/lib/string.cpp"  // NOLINT
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen

namespace kmapper::kernel {
namespace {

template <class... T>
std::string format(Format<std::type_identity_t<T>...> text, const T&... values) {
  char buffer[128];
  return std::string(format_to<T...>(buffer, text, values...));
}

std::string hash(std::string_view text, std::size_t piece) {
  Sha256 sha;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string_view part = text.substr(at, piece);
    sha.update({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()});
  }
  std::string hex;
  for (const std::uint8_t byte : sha.finish()) hex += format("{:02x}", byte);
  return hex;
}

TEST(Divide, AgreesWithTheHost) {
  Prng random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t a =
        (std::uint64_t{random.next()} << 32 | random.next()) >> random.below(64);
    const std::uint64_t b =
        ((std::uint64_t{random.next()} << 32 | random.next()) >> random.below(64)) | 1;
    EXPECT_EQ(divide(a, b).quotient, a / b);
    EXPECT_EQ(divide(a, b).remainder, a % b);
  }
}

TEST(Divide, KeepsTheBitThatTheShiftPushesOut) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(divide(kMax, kMax - 1).quotient, 1U);
  EXPECT_EQ(divide(kMax, kMax - 1).remainder, 1U);
}

TEST(Divide, ARateOverNoTimeIsZero) { EXPECT_EQ(ratio(5, 0), 0U); }

TEST(Format, PrintsNumbersOfAnyWidth) {
  EXPECT_EQ(format("{} {} {}", 0, -7, 42U), "0 -7 42");
  EXPECT_EQ(format("{}", std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(format("{}", std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(format("{}", std::uint64_t{1} << 32), "4294967296");
}

TEST(Format, PrintsHexadecimal) {
  EXPECT_EQ(format("{:x} {:08x}", 0xABCDEFULL, 0x1F), "abcdef 0000001f");
  EXPECT_EQ(format("{:x}", std::numeric_limits<std::uint64_t>::max()), "ffffffffffffffff");
}

TEST(Format, PadsToAWidth) {
  EXPECT_EQ(format("[{:5}] [{:<5}] [{:05}]", 42, 42, 42), "[   42] [42   ] [00042]");
  EXPECT_EQ(format("[{:5}] [{:>5}]", "ab", "ab"), "[ab   ] [   ab]");
  EXPECT_EQ(format("[{:2}]", 12345), "[12345]");
}

TEST(Format, PrintsAddressesByTheirType) {
  EXPECT_EQ(format("{} {}", Pfn{0x1000000}, VirtAddr{0xFC000000}), "0x1000000 0xfc000000");
  EXPECT_EQ(format("{:>12}", PhysAddr{0x103FFFF000}), "0x103ffff000");
}

TEST(Format, PrintsHundredths) {
  EXPECT_EQ(format("{} {}", Hundredths{5}, Hundredths{123456}), "0.05 1234.56");
}

TEST(Format, PrintsWordsAndBraces) {
  EXPECT_EQ(format("{{{}}} {} {}", true, 'x', std::string_view("y z")), "{true} x y z");
}

TEST(Format, CutsAtTheBuffersEnd) {
  char buffer[4];
  EXPECT_EQ(format_to(buffer, "{}", 1234567), "1234");
}

TEST(Sha256, MatchesTheStandardsExamples) {
  EXPECT_EQ(hash("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash(std::string(1000000, 'a'), 4096),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotCareHowTheMessageIsCut) {
  // Every length around the padding's special cases, in pieces that straddle the blocks.
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    const std::string whole = hash(text, 1000);
    for (const std::size_t piece : {1, 7, 63, 64, 65}) EXPECT_EQ(hash(text, piece), whole) << size;
  }
}

TEST(CommandLine, FindsTheLastWordOfAKey) {
  EXPECT_EQ(find_word("kmapper-kernel job=run slots=512", "slots"), "512");
  EXPECT_EQ(find_word("job=run  job=test\t", "job"), "test");
  EXPECT_EQ(find_word("xjob=run jobs=2 job", "job"), "");
  EXPECT_EQ(find_word("job=", "job"), "");
  EXPECT_EQ(find_word("", "job"), "");
}

TEST(CommandLine, ReadsWholeNumbersOnly) {
  EXPECT_EQ(parse_number("4294967295"), 4294967295U);
  EXPECT_EQ(parse_number("0"), 0U);
  for (const char* wrong :
       {"", "4294967296", "12x", "-1", "0x10", " 1", "99999999999999999999999"}) {
    EXPECT_EQ(parse_number(wrong), std::nullopt) << wrong;
  }
}

TEST(Prng, RepeatsFromItsSeedAndStaysInBounds) {
  Prng a(7);
  Prng b(7);
  Prng c(8);
  int same = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t value = a.next();
    EXPECT_EQ(value, b.next());
    same += value == c.next() ? 1 : 0;
    EXPECT_LT(a.below(10), 10U);
    (void)b.next();
  }
  EXPECT_LT(same, 3);
}

class Memory : public testing::Test {
 protected:
  Memory() {
    for (std::size_t i = 0; i < 256; ++i) ours_.push_back(static_cast<unsigned char>(i * 37 + 1));
    theirs_ = ours_;
  }
  std::vector<unsigned char> ours_;
  std::vector<unsigned char> theirs_;
};

TEST_F(Memory, CopiesLikeTheHost) {
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::size_t shift = 0; shift < 5; ++shift) {
      EXPECT_EQ(kernel_memcpy(&ours_[128 + shift], &ours_[shift], size), &ours_[128 + shift]);
      std::memcpy(&theirs_[128 + shift], &theirs_[shift], size);
      ASSERT_EQ(ours_, theirs_) << size << " " << shift;
    }
  }
}

TEST_F(Memory, MovesOverItselfBothWays) {
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::size_t to = 60; to < 140; ++to) {
      EXPECT_EQ(kernel_memmove(&ours_[to], &ours_[100], size), &ours_[to]);
      std::memmove(&theirs_[to], &theirs_[100], size);
      ASSERT_EQ(ours_, theirs_) << size << " " << to;
    }
  }
}

TEST_F(Memory, FillsExactlyWhatItShould) {
  for (std::size_t size = 0; size < 70; ++size) {
    const int value = static_cast<int>(size) + 200;  // only the low byte counts
    EXPECT_EQ(kernel_memset(&ours_[size % 5 + 9], value, size), &ours_[size % 5 + 9]);
    std::memset(&theirs_[size % 5 + 9], value, size);
    ASSERT_EQ(ours_, theirs_) << size;
  }
}

TEST_F(Memory, ComparesBytesAsUnsigned) {
  for (std::size_t size = 1; size < 40; ++size) {
    EXPECT_EQ(kernel_memcmp(&ours_[3], &theirs_[3], size), 0);
    theirs_[3 + size - 1] ^= 0x80;
    const int expected = ours_[3 + size - 1] < theirs_[3 + size - 1] ? -1 : 1;
    EXPECT_EQ(kernel_memcmp(&ours_[3], &theirs_[3], size), expected);
    EXPECT_EQ(kernel_memcmp(&ours_[3], &theirs_[3], size - 1), 0);
    theirs_ = ours_;
  }
}

TEST_F(Memory, FindsBytesAndEnds) {
  EXPECT_EQ(kernel_memchr(ours_.data(), ours_[77], 256), &ours_[77]);
  EXPECT_EQ(kernel_memchr(ours_.data(), ours_[77], 77), nullptr);
  EXPECT_EQ(kernel_strlen(""), 0U);
  EXPECT_EQ(kernel_strlen("twelve bytes"), 12U);
}

}  // namespace
}  // namespace kmapper::kernel
