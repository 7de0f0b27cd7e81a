// Which files FileWindow opens and which it refuses: by their kind, by how the program has opened
// them, and by offsets that cannot be mapped. Opening waits for nothing, and changes nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>

#include "in_a_child.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kSmall = 64 << 10;

/// The text of the refusal; empty if the file is opened.
template <class File>
std::string refusal(const File& file, Access access, Placement placement = Placement::automatic) {
  try {
    const FileWindow window(file, access, Budget({.bytes = 1 << 20, .placement = placement}));
  } catch (const std::system_error& error) {
    return error.what();
  }
  return {};
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// A name in a folder of its own, for a file that a test makes.
class Name {
 public:
  Name() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/it";
  }
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;
  ~Name() {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string folder_ = "/tmp/kmapper-test-XXXXXX";
  std::string path_;
};

class Opened {
 public:
  explicit Opened(int number) : number_(number) { EXPECT_GE(number, 0); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { close(number_); }
  [[nodiscard]] int number() const { return number_; }

 private:
  const int number_;
};

// Without a writer, open() of a FIFO for reading blocks; and a writer that waits for a reader must
// not take the window for one.
TEST(Opening, AFifoIsRefusedAtOnceAndNotOpened) {
  const Name name;
  ASSERT_EQ(mkfifo(name.path().c_str(), 0600), 0);
  const int ended = in_a_child([&] {
    alarm(10);
    for (const Access access : {Access::read_only, Access::read_write}) {
      const std::string text = refusal(name.path(), access);
      if (!has(text, "is a FIFO") || !has(text, name.path().c_str())) return 1;
    }
    return 0;
  });
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(open(name.path().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
  EXPECT_EQ(errno, ENXIO);
}

TEST(Opening, WhatIsNoFileIsRefusedByPathWithItsKind) {
  EXPECT_TRUE(has(refusal("/tmp", Access::read_only), "is a directory"));
  EXPECT_TRUE(has(refusal("/tmp", Access::read_write), "is a directory"));
  EXPECT_TRUE(has(refusal("/dev/null", Access::read_write), "is a character device"));
  EXPECT_TRUE(has(refusal("/dev/zero", Access::read_only), "is a character device"));
  const Name name;
  const Opened socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.path().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(has(refusal(name.path(), Access::read_only), "is a socket"));
}

TEST(Opening, WhatIsNoFileIsRefusedByDescriptorWithItsKind) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const Opened reader(ends[0]);
  const Opened writer(ends[1]);
  EXPECT_TRUE(has(refusal(reader.number(), Access::read_only), "is a FIFO"));
  EXPECT_TRUE(has(refusal(Opened(::socket(AF_UNIX, SOCK_STREAM, 0)).number(), Access::read_write),
                  "is a socket"));
  EXPECT_TRUE(
      has(refusal(Opened(open("/tmp", O_RDONLY)).number(), Access::read_only), "is a directory"));
  EXPECT_TRUE(has(refusal(Opened(epoll_create1(0)).number(), Access::read_only), "is not a file"));
  EXPECT_TRUE(has(refusal(Opened(open("/dev/zero", O_RDWR)).number(), Access::read_write),
                  "is a character device"));
}

TEST(Opening, ATerminalIsRefused) {
  const int number = posix_openpt(O_RDWR | O_NOCTTY);
  if (number < 0) GTEST_SKIP() << "no terminal can be had here";
  const Opened terminal(number);
  EXPECT_TRUE(has(refusal(terminal.number(), Access::read_write), "is a terminal"));
}

TEST(Opening, TheWrongModeOfADescriptorIsRefused) {
  const ScratchFile file(ScratchFile::on_disk, kSmall);
  const auto refused = [&](int flags, Access access) {
    return refusal(Opened(open(file.path().c_str(), flags | O_CLOEXEC)).number(), access);
  };
  EXPECT_TRUE(has(refused(O_PATH, Access::read_only), "O_PATH"));
  EXPECT_TRUE(has(refused(O_WRONLY, Access::read_only), "O_WRONLY"));
  EXPECT_TRUE(has(refused(O_WRONLY, Access::read_write), "O_WRONLY"));
  EXPECT_TRUE(has(refused(O_RDONLY, Access::read_write), "O_RDONLY"));
  EXPECT_TRUE(has(refused(O_RDWR | O_APPEND, Access::read_write), "O_APPEND"));
  EXPECT_EQ(refused(O_RDWR | O_APPEND, Access::read_only), "");
  EXPECT_EQ(refused(O_RDWR, Access::read_only), "");
  EXPECT_EQ(refused(O_RDWR | O_NONBLOCK, Access::read_write), "");
}

TEST(Opening, AMemoryFileThatIsSealedAgainstWritingIsForReading) {
  constexpr int kFutureWrite = 0x10;  // F_SEAL_FUTURE_WRITE
  for (const int seal : {F_SEAL_WRITE, kFutureWrite}) {
    const Opened file(memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(ftruncate64(file.number(), kSmall), 0);
    if (fcntl(file.number(), F_ADD_SEALS, seal) != 0) continue;  // an older kernel
    EXPECT_TRUE(has(refusal(file.number(), Access::read_write), "sealed"));
    EXPECT_EQ(refusal(file.number(), Access::read_only), "");
  }
  const Opened whole(memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate64(whole.number(), kSmall), 0);
  ASSERT_EQ(fcntl(whole.number(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
  FileWindow window(whole.number(), Access::read_write, Budget({.bytes = 1 << 20}));
  EXPECT_TRUE(window.map(0, 4096));
  EXPECT_EQ(window.resize(2 * kSmall).code(), std::errc::operation_not_permitted);
}

TEST(Opening, FilesThatTheirFileSystemDoesNotMapAreRefused) {
  EXPECT_TRUE(has(refusal("/proc/self/mem", Access::read_only), "cannot be mapped"));
  EXPECT_TRUE(has(refusal("/proc/self/mem", Access::read_write), "cannot be mapped"));
  EXPECT_TRUE(
      has(refusal("/proc/self/mem", Access::read_only, Placement::copies), "how long it is"));
  const char* const in_sysfs = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (access(in_sysfs, R_OK) == 0) {
    EXPECT_TRUE(has(refusal(in_sysfs, Access::read_only), "cannot be mapped"));
  }
}

/// The state that opening must not change.
struct State {
  std::int64_t size, blocks, seconds, nanoseconds;
  bool operator==(const State&) const = default;
};

State state_of(int descriptor) {
  struct stat64 status {};
  EXPECT_EQ(fstat64(descriptor, &status), 0);
  return {status.st_size, status.st_blocks, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void expect_unchanged(int descriptor) {
  const State before = state_of(descriptor);
  for (const Placement placement : {Placement::automatic, Placement::slots, Placement::home}) {
    const std::int64_t granule = placement == Placement::automatic ? 2 << 20 : 64 << 10;
    try {
      const Budget budget({.bytes = 32 << 20, .granule = granule, .placement = placement});
      const FileWindow window(descriptor, Access::read_write, budget);
    } catch (const std::system_error&) {
      EXPECT_NE(placement, Placement::automatic);
    }
    EXPECT_EQ(state_of(descriptor), before);
  }
}

TEST(Opening, ChangesNoFile) {
  for (const ScratchFile::Kind kind : {ScratchFile::in_memory, ScratchFile::on_disk}) {
    for (const std::int64_t size : {0, 100'000}) {
      const ScratchFile file(kind, size);
      ASSERT_EQ(ftruncate64(file.descriptor(), size + (std::int64_t{1} << 30)), 0);
      expect_unchanged(file.descriptor());
      ASSERT_EQ(ftruncate64(file.descriptor(), size), 0);
      expect_unchanged(file.descriptor());
    }
  }
}

// --- Offsets ---

constexpr std::int64_t kFar = std::int64_t{1} << 52;

void write_text(int descriptor, const std::string& text, std::int64_t offset) {
  ASSERT_EQ(pwrite64(descriptor, text.data(), text.size(), offset),
            static_cast<ssize_t>(text.size()));
}

std::string text_at(FileWindow& window, std::int64_t offset) {
  const Expected<Mapping> mapping = window.map(offset, 4);
  if (!mapping) return mapping.error().message();
  return {reinterpret_cast<const char*>(mapping->data()), 4};
}

/// A memory file of that size with its own text at each place.
class FarFile {
 public:
  explicit FarFile(std::int64_t size) { size_ = ftruncate64(file_.descriptor(), size) == 0; }
  [[nodiscard]] bool has_size() const { return size_; }
  [[nodiscard]] int descriptor() const { return file_.descriptor(); }

 private:
  const ScratchFile file_{0};
  bool size_ = false;
};

constexpr Access kRead = Access::read_only;

// Two files of one budget: a granule's number that overflowed into its file's would name another
// granule.
TEST(FarOffsets, EachShowsItsOwnBytes) {
  const FarFile file(kFar * 4);
  const FarFile other(kSmall);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  for (const Placement placement : {Placement::automatic, Placement::slots, Placement::copies}) {
    if (sizeof(void*) == 4 && placement != Placement::copies) continue;
    const Budget budget({.bytes = 1 << 20, .granule = 4096, .placement = placement});
    FileWindow window(file.descriptor(), kRead, budget);
    FileWindow second(other.descriptor(), kRead, budget);
    write_text(file.descriptor(), "near", 0);
    write_text(file.descriptor(), "far.", kFar);
    write_text(other.descriptor(), "else", 0);
    EXPECT_EQ(text_at(second, 0), "else");
    EXPECT_EQ(text_at(window, 0), "near");
    EXPECT_EQ(text_at(window, kFar), "far.");
    EXPECT_EQ(text_at(second, 0), "else");
    EXPECT_EQ(text_at(window, kFar), "far.");
  }
}

TEST(FarOffsets, WhatHasNoNumberIsAnErrorThatNamesTheLimit) {
  constexpr std::int64_t kEnd = std::int64_t{1} << 56;
  const FarFile file(INT64_MAX);
  const FarFile other(kSmall);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  const Budget budget({.bytes = 1 << 20, .granule = 4096, .placement = Placement::copies});
  FileWindow first(file.descriptor(), kRead, budget);
  FileWindow second(other.descriptor(), kRead, budget);
  write_text(other.descriptor(), "else", 0);
  EXPECT_EQ(text_at(second, 0), "else");
  EXPECT_EQ(first.size(), INT64_MAX);
  for (const std::int64_t offset : {kEnd, kEnd + 4096, 2 * kEnd, INT64_MAX - 4}) {
    const Expected<Mapping> mapping = first.map(offset, 4);
    ASSERT_FALSE(mapping);
    EXPECT_EQ(mapping.error().code(), std::errc::file_too_large);
    EXPECT_EQ(mapping.error().limit(), kEnd);
    EXPECT_EQ(first.map(kEnd - 4, 8).error().code(), std::errc::file_too_large);
  }
  EXPECT_TRUE(first.map(kEnd - 4, 4));
}

// All except the last granule, whose end is no valid offset.
TEST(FarOffsets, LargerGranulesReachEveryOffset) {
  constexpr std::int64_t kGranule = 2 << 20;
  const FarFile file(INT64_MAX);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  for (const Placement placement : {Placement::slots, Placement::copies}) {
    if (sizeof(void*) == 4 && placement != Placement::copies) continue;
    const Budget budget({.bytes = 64 << 20, .granule = kGranule, .placement = placement});
    FileWindow window(file.descriptor(), kRead, budget);
    const std::int64_t last = INT64_MAX - (kGranule - 1) - kGranule;
    write_text(file.descriptor(), "last", last);
    EXPECT_EQ(text_at(window, last), "last");
    EXPECT_TRUE(window.map(last - kGranule + 1, kGranule));
    const Expected<Mapping> behind = window.map(last + kGranule, 4);
    EXPECT_EQ(behind.error().code(), std::errc::file_too_large);
  }
}

// mmap2() of 32-bit processes takes units of 4 KiB, in 32 bits.
TEST(FarOffsets, Of32BitProcessesAreMappedTo16TiBAndCopiedBeyond) {
  if (sizeof(void*) != 4) GTEST_SKIP() << "for 32-bit processes";
  constexpr std::int64_t kEnd = std::int64_t{1} << 44;
  constexpr std::int64_t kGranule = 64 << 10;
  const FarFile file(8 * kEnd);
  if (!file.has_size()) GTEST_SKIP() << "no memory file is so long here";
  write_text(file.descriptor(), "far.", 4 * kEnd);
  write_text(file.descriptor(), "last", kEnd - 2 * kGranule);
  const Budget slots({.bytes = 2 << 20, .granule = kGranule, .placement = Placement::slots});
  FileWindow window(file.descriptor(), kRead, slots);
  EXPECT_EQ(text_at(window, kEnd - 2 * kGranule), "last");
  const Expected<Mapping> beyond = window.map(4 * kEnd, 4);
  EXPECT_EQ(beyond.error().code(), std::errc::file_too_large);
  EXPECT_EQ(beyond.error().limit(), kEnd - kGranule);
  const Budget copies({.bytes = 2 << 20, .granule = kGranule, .placement = Placement::copies});
  FileWindow copied(file.descriptor(), kRead, copies);
  EXPECT_EQ(text_at(copied, 4 * kEnd), "far.");
}

TEST(FarOffsets, APageOfHighMemoryThatNoOffsetNamesIsAnError) {
  HighMemory memory(Budget({.bytes = 1 << 20, .granule = 4096}));
  const Expected<HighPage> page = memory.allocate();
  ASSERT_TRUE(page);
  for (const std::uint64_t number : {std::uint64_t{1} << 51, std::uint64_t{1} << 52, UINT64_MAX}) {
    EXPECT_EQ(memory.map(HighPage{number}).error().code(), WindowErrc::beyond_end);
    EXPECT_EQ(memory.try_map(HighPage{number}).error().code(), WindowErrc::beyond_end);
    EXPECT_TRUE(memory.free(HighPage{number}));
  }
}

}  // namespace
}  // namespace kmapper::process
