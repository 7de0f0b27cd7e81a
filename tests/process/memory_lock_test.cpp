// Processes that lock their memory (mlockall). Each test is in a process of its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kGranule = 64 << 10;
constexpr int kCannotLock = 77;

std::int64_t allocated_of(int descriptor) {
  struct stat64 status {};
  return fstat64(descriptor, &status) == 0 ? status.st_blocks * 512 : -1;
}

/// Whether later mappings are locked, and as much memory as the tests need may be locked.
/// Sanitizers prevent it.
bool locks_what_it_maps() {
  constexpr std::size_t kSize = 64 << 20;
  void* const address =
      mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return false;
  const bool is_locked = msync(address, kSize, MS_INVALIDATE) != 0 && errno == EBUSY;
  munmap(address, kSize);
  return is_locked;
}

/// Becomes another user, with the right to lock so much memory and no more.
bool become_a_user_that_may_lock(std::int64_t bytes) {
  const rlimit limit{.rlim_cur = static_cast<rlim_t>(bytes),
                     .rlim_max = static_cast<rlim_t>(bytes)};
  constexpr uid_t kNobody = 65'534;
  return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && (geteuid() != 0 || setuid(kNobody) == 0);
}

#define EXPECT_DONE(ended)                                                   \
  do {                                                                       \
    if ((ended) == kCannotLock) GTEST_SKIP() << "memory is not locked here"; \
    EXPECT_EQ(ended, 0);                                                     \
  } while (false)

TEST(MemoryLock, OfAllThatIsMappedLaterKeepsTheBudgetAndTheFileSmall) {
  const int ended = in_a_child([] {
    const ScratchFile file(0);
    if (ftruncate64(file.descriptor(), 300 * kMiB) != 0) return 1;
    if (mlockall(MCL_FUTURE) != 0 || !locks_what_it_maps()) return kCannotLock;
    const Budget budget({.bytes = 16 * kMiB, .granule = kGranule});
    FileWindow window(file.descriptor(), Access::read_write, budget);
    if (allocated_of(file.descriptor()) != 0) return 2;
    for (std::int64_t i = 0; i < 100; ++i) {
      const Expected<Mapping> mapping = window.map(i * kMiB, 8);
      if (!mapping) return 3;
      mapping->writable()[0] = std::byte{1};
    }
    if (allocated_of(file.descriptor()) > 100 * kGranule) return 4;
    return budget.stats().populated <= 16 * kMiB ? 0 : 5;
  });
  EXPECT_DONE(ended);
}

TEST(MemoryLock, OfAllThatIsMappedLaterRefusesAHomeThatWasAskedFor) {
  const int ended = in_a_child([] {
    const ScratchFile file(kMiB);
    if (mlockall(MCL_FUTURE) != 0 || !locks_what_it_maps()) return kCannotLock;
    try {
      const FileWindow window(
          file.descriptor(), Access::read_write,
          Budget({.bytes = 4 * kMiB, .granule = kGranule, .placement = Placement::home}));
    } catch (const std::system_error& error) {
      return std::string(error.what()).find("mlockall") != std::string::npos ? 0 : 2;
    }
    return 1;
  });
  EXPECT_DONE(ended);
}

TEST(MemoryLock, OfAFileAtHomeEndsWhenItsNextGranuleIsTakenBack) {
  const int ended = in_a_child([] {
    constexpr std::int64_t kFile = 48 * kMiB;
    constexpr std::int64_t kBudget = 4 * kMiB;
    const ScratchFile file(0);
    if (ftruncate64(file.descriptor(), kFile) != 0) return 1;
    const Budget budget({.bytes = kBudget, .granule = kGranule, .placement = Placement::home});
    FileWindow window(file.descriptor(), Access::read_write, budget);
    const Expected<Mapping> held = window.map(kFile - 8, 8);
    if (!held) return 2;
    held->writable()[0] = std::byte{7};
    if (mlockall(MCL_CURRENT) != 0) return kCannotLock;
    const std::int64_t locked = budget.stats().populated;
    if (locked < kFile) return locked > kBudget ? 3 : kCannotLock;  // -1: unknown
    for (std::int64_t i = 0; i < kFile / kGranule / 4; ++i) {
      if (!window.map(i * kGranule, 1)) return 4;
    }
    if (held->bytes()[0] != std::byte{7}) return 5;
    return budget.stats().populated <= kBudget ? 0 : 6;
  });
  EXPECT_DONE(ended);
}

TEST(MemoryLock, ABudgetBeyondWhatMayBeLockedNamesTheLimit) {
  const int ended = in_a_child([] {
    if (!become_a_user_that_may_lock(8 * kMiB) || mlockall(MCL_FUTURE) != 0) return kCannotLock;
    try {
      const Budget budget({.bytes = 64 * kMiB});
    } catch (const std::system_error& error) {
      const std::string text = error.what();
      if (error.code().value() != EAGAIN) return 2;
      return text.find("RLIMIT_MEMLOCK") != std::string::npos &&
                     text.find(std::to_string(8 * kMiB)) != std::string::npos
                 ? 0
                 : 3;
    }
    return locks_what_it_maps() ? 1 : kCannotLock;
  });
  EXPECT_DONE(ended);
}

// The kernel also counts the memory that a new mapping replaces.
TEST(MemoryLock, AProcessThatMayLockNoMoreMapsGranulesAsBefore) {
  const int ended = in_a_child([] {
    const ScratchFile file(ScratchFile::on_disk, 4 * kMiB);
    if (!become_a_user_that_may_lock(8 * kMiB) || mlockall(MCL_FUTURE) != 0) return kCannotLock;
    std::optional<Budget> made;
    try {
      made.emplace(Options{.bytes = kMiB, .granule = kGranule});
    } catch (const std::system_error&) {
      return kCannotLock;  // a checked window needs more than that
    }
    const Budget& budget = *made;
    FileWindow window(file.descriptor(), Access::read_write, budget);
    std::size_t size = 8 << 20;
    while (size >= 4096) {
      const void* const taken =
          mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (taken == MAP_FAILED) {
        if (errno != EAGAIN) return 1;
        size /= 2;
      } else if (size == 8 << 20) {
        return kCannotLock;  // as much again may be locked: nothing is counted here
      }
    }
    for (std::int64_t at = 0; at < 4 * kMiB; at += kGranule) {
      const Expected<Mapping> mapping = window.map(at, kGranule);
      if (!mapping || !shows(mapping->bytes(), at)) return 2;
    }
    // Data that is no longer in the file is zeros, as always.
    const Expected<Mapping> cut = window.map(3 * kMiB, 1);
    if (!cut || ftruncate64(file.descriptor(), kMiB) != 0) return 3;
    if (cut->bytes()[0] != std::byte{0} || !cut->bad()) return 4;
    budget.trim();
    return window.map(0, 1) ? 0 : 5;
  });
  EXPECT_DONE(ended);
}

}  // namespace
}  // namespace kmapper::process
