#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"
#include "small_disk.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;

/// Bytes as a scratch file would have them at an offset.
std::vector<std::byte> bytes_of(std::int64_t offset, std::size_t length) {
  std::vector<std::byte> bytes(length);
  for (std::size_t i = 0; i < length; ++i)
    bytes[i] = byte_at(offset + static_cast<std::int64_t>(i));
  return bytes;
}

std::int64_t size_of(int descriptor) {
  struct stat64 status {};
  EXPECT_EQ(fstat64(descriptor, &status), 0);
  return status.st_size;
}

class Append : public testing::TestWithParam<Placement> {
 protected:
  ScratchFile file_{100};
  Budget budget_{{.bytes = 16 * kGranule, .granule = kGranule, .placement = GetParam()}};
  FileWindow window_{file_.descriptor(), Access::read_write, budget_};
};
INSTANTIATE_TEST_SUITE_P(Placements, Append,
                         testing::Values(Placement::automatic, Placement::slots));

TEST_P(Append, IsMappedAtOnce) {
  std::int64_t size = 100;
  for (std::size_t length = 1; length < 3000; length += 37) {
    const auto at = window_.append(bytes_of(size, length));
    ASSERT_TRUE(at) << at.error().message();
    ASSERT_EQ(*at, size);
    const std::int64_t begin = std::max<std::int64_t>(size - 50, 0);
    size += static_cast<std::int64_t>(length);
    ASSERT_EQ(window_.size(), size);
    const auto mapping = window_.map(begin, size - begin);
    ASSERT_TRUE(mapping) << mapping.error().message();
    ASSERT_TRUE(shows(mapping->bytes(), begin));
    ASSERT_FALSE(mapping->bad());
  }
  EXPECT_EQ(size_of(file_.descriptor()), size);
  EXPECT_EQ(*window_.append({}), size);
}

TEST_P(Append, FollowsWhatOthersHaveAppended) {
  ASSERT_EQ(ftruncate(file_.descriptor(), 5000), 0);
  const auto at = window_.append(bytes_of(5000, 10));
  ASSERT_TRUE(at);
  EXPECT_EQ(*at, 5000);
  EXPECT_TRUE(shows(window_.map(5000, 10)->bytes(), 5000));
}

TEST_P(Append, OfManyThreadsDoesNotMix) {
  constexpr std::int64_t kRecord = 50;
  ASSERT_FALSE(window_.resize(0));
  std::vector<std::thread> threads;
  for (std::uint64_t number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      for (std::uint64_t i = 0; i < 200; ++i) {
        std::uint64_t record[kRecord];
        for (std::uint64_t& it : record) it = number << 32 | i;
        const auto at = window_.append(std::as_bytes(std::span(record)));
        ASSERT_TRUE(at);
        ASSERT_EQ(*at % static_cast<std::int64_t>(sizeof record), 0);
      }
    });
  }
  for (std::thread& it : threads) it.join();
  ASSERT_EQ(window_.size(), 800 * kRecord * 8);
  std::set<std::uint64_t> seen;
  for (std::int64_t i = 0; i < 800; ++i) {
    std::uint64_t record[kRecord];
    const auto mapping = window_.map(i * kRecord * 8, kRecord * 8);
    ASSERT_TRUE(mapping);
    std::memcpy(record, mapping->data(), sizeof record);
    for (const std::uint64_t it : record) ASSERT_EQ(it, record[0]);
    seen.insert(record[0]);
  }
  EXPECT_EQ(seen.size(), 800U);
}

TEST_P(Append, BeyondTheProcesssLimitAppendsNothing) {
  EXPECT_EQ(in_a_child([this] {
              const rlimit limit{.rlim_cur = 5000, .rlim_max = 5000};
              if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
              FileWindow window(file_.descriptor(), Access::read_write,
                                Budget({.bytes = 16 * kGranule, .granule = kGranule}));
              const auto failed = window.append(bytes_of(100, 10'000));
              if (failed.error().code() != std::errc::file_too_large) return 2;
              if (failed.error().offset() != 100 || failed.error().length() != 10'000) return 3;
              if (size_of(file_.descriptor()) != 100 || window.size() != 100) return 4;
              const auto at = window.append(bytes_of(100, 4900));
              return at && *at == 100 && shows(window.map(0, 5000)->bytes(), 0) ? 0 : 5;
            }),
            0);
}

TEST(Append, ToAFullDiskAppendsNothing) {
  const int ended = in_a_child([] {
    const SmallDisk disk;
    if (!disk.is_there()) return 77;
    const int descriptor = disk.open_file(0);
    FileWindow window(descriptor, Access::read_write,
                      Budget({.bytes = 16 * kGranule, .granule = kGranule}));
    if (!window.append(bytes_of(0, 20'000))) return 1;
    const auto failed = window.append(bytes_of(20'000, 100'000));
    if (failed.error().code() != std::errc::no_space_on_device) return 2;
    if (size_of(descriptor) != 20'000 || window.size() != 20'000) return 3;
    if (*window.append(bytes_of(20'000, 100)) != 20'000) return 4;
    return shows(window.map(19'000, 1'100)->bytes(), 19'000) ? 0 : 5;
  });
  if (ended == 77) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(ended, 0);
}

TEST(Append, NeedsAWindowOpenedForWriting) {
  const ScratchFile file(100);
  FileWindow window(file.descriptor(), Access::read_only,
                    Budget({.bytes = 16 * kGranule, .granule = kGranule}));
  const auto failed = window.append(bytes_of(100, 7));
  EXPECT_EQ(failed.error().code(), WindowErrc::read_only);
  EXPECT_EQ(failed.error().offset(), 100);
  EXPECT_EQ(size_of(file.descriptor()), 100);
}

}  // namespace
}  // namespace kmapper::process
