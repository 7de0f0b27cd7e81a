// Copies of files that get shorter and longer, or that are not as long as the system says; and
// copies that are discarded because they are old.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 65536;
constexpr std::int64_t kLong = 60'000;
constexpr std::int64_t kShort = 10'000;

class CopiesOf : public testing::Test {
 protected:
  explicit CopiesOf(std::int64_t size) : file_(ScratchFile::on_disk, size) {}

  const Budget budget_{
      {.bytes = 64 * kGranule, .granule = kGranule, .placement = Placement::copies}};
  const ScratchFile file_;
  FileWindow window_{file_.path(), Access::read_only, budget_};

  void cut(std::int64_t size) const { ASSERT_EQ(ftruncate64(file_.descriptor(), size), 0); }
  /// Extends the file by the usual bytes.
  void grow(std::int64_t from, std::int64_t to) const {
    std::vector<std::byte> bytes(static_cast<std::size_t>(to - from));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = byte_at(from + static_cast<std::int64_t>(i));
    ASSERT_EQ(pwrite64(file_.descriptor(), bytes.data(), bytes.size(), from), to - from);
  }
  void expect_shown(std::int64_t offset, std::int64_t length) {
    const auto mapping = window_.map(offset, length);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(shows(mapping->bytes(), offset));
  }
  static void expect_beyond(const Error& error, std::int64_t end) {
    EXPECT_EQ(error.code(), WindowErrc::beyond_end);
    EXPECT_EQ(error.limit(), end);
  }
};

class CopiesOfAShorterFile : public CopiesOf {
 protected:
  CopiesOfAShorterFile() : CopiesOf(kLong) { cut(kShort); }
};

TEST_F(CopiesOfAShorterFile, ShowWhatIsStillThere) {
  expect_shown(0, 100);
  expect_shown(0, kShort);
  EXPECT_EQ(window_.size(), kShort);
  EXPECT_EQ(budget_.stats().pinned, 0);
}

TEST_F(CopiesOfAShorterFile, GiveTheSameAnswerTwice) {
  for (int i = 0; i < 2; ++i) expect_beyond(window_.map(kShort, 1).error(), kShort);
  for (int i = 0; i < 2; ++i) expect_beyond(window_.map(kShort - 1, 2).error(), kShort);
  expect_shown(kShort - 1, 1);
  EXPECT_EQ(budget_.stats().pinned, 0);
}

TEST_F(CopiesOfAShorterFile, ShowACursorWhatIsStillThere) {
  Cursor cursor(window_);
  const std::byte* const at = cursor.at(100, 10);
  ASSERT_NE(at, nullptr) << cursor.error().message();
  EXPECT_TRUE(shows({at, 10}, 100));
  EXPECT_EQ(cursor.at(kShort, 1), nullptr);
}

TEST_F(CopiesOfAShorterFile, ShowTogetherWhatIsStillThere) {
  Range ranges[] = {{&window_, 0, 10}, {&window_, kShort - 10, 10}};
  const Error error = map_all(budget_, ranges);
  ASSERT_FALSE(error) << error.message();
  for (const Range& it : ranges) EXPECT_TRUE(shows(it.mapping.bytes(), it.offset));
}

TEST_F(CopiesOfAShorterFile, AreAnErrorTogetherTwice) {
  Range ranges[] = {{&window_, 0, 10}, {&window_, kShort, 10}};
  for (int i = 0; i < 2; ++i) expect_beyond(map_all(budget_, ranges), kShort);
  EXPECT_EQ(budget_.stats().pinned, 0);
}

TEST_F(CopiesOfAShorterFile, ShowItInAReservation) {
  Expected<Reservation> room = reserve(budget_, 4);
  ASSERT_TRUE(room);
  for (int i = 0; i < 2; ++i) expect_beyond(room->map(window_, kShort, 1).error(), kShort);
  const auto mapping = room->map(window_, 0, 100);
  ASSERT_TRUE(mapping) << mapping.error().message();
  EXPECT_TRUE(shows(mapping->bytes(), 0));
}

TEST_F(CopiesOfAShorterFile, MayGrowAgain) {
  expect_shown(0, kShort);
  grow(kShort, kLong);
  expect_shown(kShort - 10, 100);
  expect_shown(0, kLong);
}

class CopiesOfALongFile : public CopiesOf {
 protected:
  static constexpr std::int64_t kSize = 5 * kGranule / 2;
  CopiesOfALongFile() : CopiesOf(kSize) {}
};

TEST_F(CopiesOfALongFile, ShowInOnePieceWhatIsStillThere) {
  cut(kGranule + 10);
  for (int i = 0; i < 2; ++i) {
    expect_beyond(window_.map(kGranule - 10, 2 * kGranule / 2).error(), kGranule + 10);
  }
  cut(kSize);
  grow(0, kSize);
  expect_shown(kGranule - 10, kGranule + 20);
  cut(kGranule + 10);
  expect_shown(kGranule - 10, 20);
}

TEST_F(CopiesOfALongFile, ThatIsReadFromFrontToBackEndWithTheFile) {
  window_.advise(Advice::sequential);
  cut(kGranule + 10);
  expect_shown(0, kGranule);
  expect_shown(kGranule, 10);
  expect_beyond(window_.map(kGranule, 11).error(), kGranule + 10);
}

TEST_F(CopiesOfALongFile, ShowWhatIsAppendedWhileSomebodyHoldsTheLastOne) {
  const auto held = window_.map(kSize - 10, 10);
  ASSERT_TRUE(held);
  grow(kSize, kSize + 2 * kGranule);
  expect_shown(kSize, 100);
  expect_shown(kSize - 10, 20);
  expect_shown(kSize + kGranule, 100);
  EXPECT_EQ(window_.size(), kSize + 2 * kGranule);
  EXPECT_TRUE(shows(held->bytes(), kSize - 10));
}

TEST_F(CopiesOfALongFile, ShowWhatIsAppendedBehindOneThatWasCutOffAndIsHeld) {
  const auto held = window_.map(kSize - 10, 10);
  cut(10);
  expect_beyond(window_.map(kGranule, 1).error(), 10);
  grow(10, kSize + 2 * kGranule);
  expect_shown(0, 100);
  expect_shown(kSize, 100);
}

TEST_F(CopiesOfALongFile, AreNewAfterARefresh) {
  expect_shown(0, 10);
  const auto held = window_.map(kGranule, 10);
  ASSERT_TRUE(held);
  const char other[] = "other";
  ASSERT_EQ(pwrite64(file_.descriptor(), other, 5, 0), 5);
  ASSERT_EQ(pwrite64(file_.descriptor(), other, 5, kGranule), 5);
  EXPECT_TRUE(shows(window_.map(0, 10)->bytes(), 0));
  EXPECT_FALSE(window_.refresh());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(window_.map(0, 1)->bytes()[0], std::byte{'o'});
    EXPECT_EQ(window_.map(kGranule, 1)->bytes()[0], std::byte{'o'});
  }
  EXPECT_TRUE(shows(held->bytes(), kGranule));
}

TEST_F(CopiesOfALongFile, HaveTheNewSizeAfterARefresh) {
  cut(10);
  EXPECT_EQ(window_.size(), kSize);
  EXPECT_FALSE(window_.refresh());
  EXPECT_EQ(window_.size(), 10);
}

TEST_F(CopiesOfALongFile, AreGivenUpForOneFile) {
  FileWindow other(file_.path(), Access::read_only, budget_);
  window_.advise(Advice::random);  // no read-ahead
  const auto held = window_.map(0, 1);
  ASSERT_TRUE(held && window_.map(kGranule, 1) && other.map(kGranule, 1));
  EXPECT_EQ(window_.trim(), 1);
  EXPECT_EQ(budget_.stats().mapped, 2 * kGranule);
  EXPECT_EQ(window_.trim(), 0);
  EXPECT_EQ(other.trim(), 1);
}

// The beginning is shown, whatever other threads do to the end.
TEST_F(CopiesOfALongFile, ShowTheBeginningWhileTheEndComesAndGoes) {
  std::atomic<bool> stop{false};
  std::thread changer([&] {
    while (!stop.load()) {
      cut(kShort);
      grow(kShort, kLong);
    }
  });
  constexpr std::size_t kReaders = 2;
  std::vector<std::thread> readers;
  readers.reserve(kReaders);
  for (std::size_t t = 0; t < kReaders; ++t) {
    readers.emplace_back([this] {
      for (int i = 0; i < 500; ++i) {
        expect_shown(0, 100);
        (void)window_.map(kShort + 100, 100);
        expect_shown(kShort - 100, 100);
      }
    });
  }
  for (std::thread& it : readers) it.join();
  stop = true;
  changer.join();
  EXPECT_EQ(budget_.stats().pinned, 0);
}

// The system reports one page as the size of a file of sysfs.
TEST(CopiesOfASystemFile, AreAsLongAsCanBeRead) {
  const std::string path = "/sys/kernel/fscaps";
  struct stat status {};
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::vector<char> bytes(100);
  const ssize_t size = read(file, bytes.data(), bytes.size());
  if (file < 0 || fstat(file, &status) != 0 || size <= 0 || status.st_size <= size)
    GTEST_SKIP() << path << " is not what it is elsewhere";
  const Budget budget({.bytes = 64 * kGranule, .placement = Placement::copies});
  for (const bool whole_first : {false, true}) {
    FileWindow window(file, Access::read_only, budget);
    for (int i = 0; i < 2; ++i) {
      if (whole_first || i != 0) {
        const auto too_long = window.map(0, status.st_size);
        EXPECT_EQ(too_long.error().code(), WindowErrc::beyond_end);
        EXPECT_EQ(too_long.error().limit(), size);
      }
      const auto mapping = window.map(0, size);
      ASSERT_TRUE(mapping) << mapping.error().message();
      EXPECT_EQ(std::memcmp(mapping->data(), bytes.data(), static_cast<std::size_t>(size)), 0);
    }
    EXPECT_EQ(window.size(), size);
  }
  close(file);
}

}  // namespace
}  // namespace kmapper::process
