// Accesses that the kernel cannot carry out: the mapping is bad, its bytes are zeros, and all else
// continues.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/sigbus.hpp"
#include "scratch_file.hpp"
#include "small_disk.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kSize = 64 * kPage;

struct Kind {
  const char* name;
  ScratchFile::Kind file;
  Placement placement;
  std::int64_t granule;
};

std::string name_of(const testing::TestParamInfo<Kind>& info) { return info.param.name; }

class Fault : public testing::TestWithParam<Kind> {
 protected:
  const ScratchFile file_{GetParam().file, kSize};
  const Budget budget_{{.bytes = 16 * GetParam().granule,
                        .granule = GetParam().granule,
                        .placement = GetParam().placement}};
  FileWindow window_{file_.descriptor(), Access::read_write, budget_};

  void cut(std::int64_t size) const { ASSERT_EQ(ftruncate64(file_.descriptor(), size), 0); }
};

INSTANTIATE_TEST_SUITE_P(
    , Fault,
    testing::Values(Kind{"SlotsOnDisk", ScratchFile::on_disk, Placement::slots, kPage},
                    Kind{"SlotsInMemory", ScratchFile::in_memory, Placement::slots, 2 * kPage},
                    Kind{"Home", ScratchFile::in_memory, Placement::home, kPage},
                    Kind{"HomeInLargeGranules", ScratchFile::in_memory, Placement::home,
                         16 * kPage}),
    name_of);

TEST_P(Fault, AReadOfWhatIsNoLongerInTheFileShowsZeros) {
  const Expected<Mapping> lost = window_.map(40 * kPage, 100);
  const Expected<Mapping> kept = window_.map(0, 100);
  ASSERT_TRUE(lost && kept);
  EXPECT_FALSE(lost->bad());
  cut(kPage);
  EXPECT_EQ(lost->bytes()[7], std::byte{0});
  EXPECT_TRUE(lost->bad());
  EXPECT_EQ(lost->fault(), WindowErrc::cut_short);
  EXPECT_FALSE(kept->bad());
  EXPECT_FALSE(kept->fault());
  EXPECT_TRUE(shows(kept->bytes(), 0));
}

TEST_P(Fault, AWriteToWhatIsNoLongerInTheFileIsLost) {
  const Expected<Mapping> lost = window_.map(40 * kPage, 100);
  ASSERT_TRUE(lost);
  cut(kPage);
  lost->writable()[7] = std::byte{9};
  EXPECT_EQ(lost->bytes()[7], std::byte{9});
  EXPECT_TRUE(lost->bad());
  struct stat status {};
  ASSERT_EQ(fstat(file_.descriptor(), &status), 0);
  EXPECT_EQ(status.st_size, kPage);
}

TEST_P(Fault, TheNextMappingShowsTheFileAgain) {
  {
    const Expected<Mapping> lost = window_.map(40 * kPage, 100);
    ASSERT_TRUE(lost);
    cut(kPage);
    lost->writable()[7] = std::byte{9};
    cut(kSize);
    ASSERT_EQ(pwrite64(file_.descriptor(), "again", 5, 40 * kPage), 5);
    const Expected<Mapping> shared = window_.map(40 * kPage, 100);
    EXPECT_TRUE(shared->bad());
  }
  const Expected<Mapping> anew = window_.map(40 * kPage, 100);
  ASSERT_TRUE(anew);
  EXPECT_FALSE(anew->bad());
  EXPECT_EQ(std::memcmp(anew->data(), "again", 5), 0);
  EXPECT_EQ(anew->bytes()[7], std::byte{0});
  anew->writable()[8] = std::byte{8};
  EXPECT_EQ(file_.read(40 * kPage + 8), std::byte{8});
}

TEST_P(Fault, AMapOfABadGranuleThatIsHeldIsOneHit) {
  const Expected<Mapping> lost = window_.map(40 * kPage, 100);
  ASSERT_TRUE(lost);
  cut(kPage);
  EXPECT_EQ(lost->bytes()[7], std::byte{0});
  cut(kSize);
  const Stats before = budget_.stats();
  EXPECT_TRUE(window_.map(40 * kPage, 100));
  EXPECT_EQ(budget_.stats().hits, before.hits + 1);
  EXPECT_EQ(budget_.stats().misses, before.misses);
}

TEST_P(Fault, ASlotThatWasPatchedServesOtherPagesWell) {
  for (std::int64_t round = 0; round < 3; ++round) {
    cut(kSize);
    std::vector<Mapping> lost;
    const std::int64_t step = budget_.granule();
    for (std::int64_t offset = 16 * kPage; offset < kSize; offset += step) {
      Expected<Mapping> mapping = window_.try_map(offset, 1);
      if (mapping) lost.push_back(std::move(*mapping));
    }
    cut(16 * kPage);
    for (const Mapping& mapping : lost) EXPECT_EQ(mapping.bytes()[0], std::byte{0});
    lost.clear();
    cut(kSize);
    ASSERT_EQ(pwrite64(file_.descriptor(), "x", 1, 50 * kPage), 1);
    for (std::int64_t offset = 0; offset < kSize; offset += kPage) {
      const Expected<Mapping> mapping = window_.map(offset, 1);
      ASSERT_TRUE(mapping);
      EXPECT_FALSE(mapping->bad());
      const std::byte expected = offset < 16 * kPage ? byte_at(offset) : std::byte{0};
      EXPECT_EQ(mapping->bytes()[0], offset == 50 * kPage ? std::byte{'x'} : expected);
    }
  }
}

TEST_P(Fault, ASpanIsBadInEachOfItsUses) {
  const std::int64_t offset = 48 * kPage - 10;
  {
    const Expected<Mapping> span = window_.map(offset, 20);
    ASSERT_TRUE(span);
    cut(48 * kPage);
    EXPECT_TRUE(shows(span->bytes().first(10), offset));
    EXPECT_FALSE(span->bad());
    EXPECT_EQ(span->bytes()[15], std::byte{0});
    EXPECT_TRUE(span->bad());
    EXPECT_EQ(span->fault(), WindowErrc::cut_short);
  }
  cut(kSize);
  const Expected<Mapping> anew = window_.map(offset, 20);
  EXPECT_FALSE(anew->bad());
  EXPECT_TRUE(shows(anew->bytes().first(10), offset));
}

TEST_P(Fault, ThreadsThatFaultAtOneMappingAllGoOn) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 300;
  std::barrier<> together(kThreads + 1);
  Mapping lost;
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto own = static_cast<std::size_t>(t);
      for (int round = 0; round < kRounds; ++round) {
        together.arrive_and_wait();
        lost.writable()[own] = std::byte{5};
        together.arrive_and_wait();
        // The patch for another mapping has not removed what this one has written.
        EXPECT_EQ(lost.bytes()[own], std::byte{5});
        together.arrive_and_wait();
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    cut(kSize);
    lost = std::move(*window_.map(40 * kPage, kPage));
    cut(kPage);
    for (int i = 0; i < 3; ++i) together.arrive_and_wait();
    EXPECT_TRUE(lost.bad());
    lost = {};
  }
}

TEST_P(Fault, TheWindowClosesAfterwards) {
  const std::int64_t before = budget_.stats().mapped;
  {
    FileWindow other(file_.descriptor(), Access::read_write, budget_);
    const Expected<Mapping> lost = other.map(40 * kPage, 1);
    cut(0);
    EXPECT_EQ(lost->bytes()[0], std::byte{0});
  }
  EXPECT_EQ(budget_.stats().mapped, before);
}

TEST(FullDisk, AWriteIntoAHoleIsAnErrorOfThatMapping) {
  const SmallDisk disk;
  if (!disk.is_there()) GTEST_SKIP() << "no file system can be mounted here";
  for (const Placement placement : {Placement::slots, Placement::home}) {
    const int file = disk.open_file(kSize);
    ASSERT_GE(file, 0);
    FileWindow window(file, Access::read_write,
                      Budget({.bytes = 128 * kPage, .granule = kPage, .placement = placement}));
    std::vector<Mapping> held;
    std::size_t bad = 0;
    for (std::int64_t i = 0; i < 64; ++i) {
      Expected<Mapping> mapping = window.map(i * kPage, 1);
      ASSERT_TRUE(mapping) << mapping.error().message();
      mapping->writable()[0] = std::byte{1};
      bad += mapping->bad() ? 1 : 0;
      if (mapping->bad()) {
        EXPECT_EQ(mapping->fault(), std::errc::no_space_on_device);
      }
      held.push_back(std::move(*mapping));
    }
    EXPECT_EQ(bad, 48U);
    for (const Mapping& mapping : held) EXPECT_EQ(mapping.bytes()[0], std::byte{1});
    close(file);
  }
}

std::atomic<int> others{0};
void* other_page = nullptr;

// Gives the faulting page, which does not belong to the window, something to read.
void handle_others(int /*number*/, siginfo_t* info, void* /*context*/) {
  if (info->si_addr == other_page) ++others;
  (void)mmap(other_page, static_cast<std::size_t>(kPage), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

TEST(Handler, FaultsOfOthersGoToTheHandlerThatWasThere) {
  EXPECT_EQ(in_a_child([] {
              struct sigaction action {};
              action.sa_sigaction = handle_others;
              action.sa_flags = SA_SIGINFO;
              sigaction(SIGBUS, &action, nullptr);
              const ScratchFile file(kSize);
              FileWindow window(
                  file.descriptor(), Access::read_only,
                  Budget({.bytes = 16 * kPage, .granule = kPage, .placement = Placement::slots}));
              install_sigbus_handler();  // an earlier test may have made the first budget
              other_page = mmap(nullptr, static_cast<std::size_t>(kPage), PROT_READ, MAP_SHARED,
                                file.descriptor(), 0);
              const Expected<Mapping> lost = window.map(kPage, 1);
              if (!lost || ftruncate64(file.descriptor(), 0) != 0) return 1;
              if (*static_cast<volatile char*>(other_page) != 0 || others != 1) return 2;
              return lost->bytes()[0] == std::byte{0} && others == 1 ? 0 : 3;
            }),
            0);
}

TEST(Handler, FaultsOfOthersEndTheProcessWhereThereWasNone) {
  const int ended = in_a_child([] {
    const ScratchFile file(kSize);
    const Budget budget({.bytes = 16 * kPage, .granule = kPage});
    void* const page =
        mmap(nullptr, static_cast<std::size_t>(kPage), PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (ftruncate64(file.descriptor(), 0) != 0) return 1;
    return static_cast<int>(*static_cast<volatile char*>(page));
  });
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_NE(ended, 0);  // by the sanitizer's own handler
#else
  EXPECT_EQ(ended, -SIGBUS);
#endif
}

TEST(Fork, TheChildIsToldThatTheWindowIsItsParents) {
  const ScratchFile file(kSize);
  const Budget budget({.bytes = 16 * kPage, .granule = kPage});
  FileWindow window(file.descriptor(), Access::read_write, budget);
  Cursor cursor(window);
  ASSERT_NE(cursor.at(0), nullptr);
  Expected<Mapping> held = window.map(5 * kPage, 10);
  (void)window.map(6 * kPage, 10);
  const int ended = in_a_child([&] {
    if (!shows(held->bytes(), 5 * kPage)) return 1;
    if (window.map(6 * kPage, 10).error().code() != WindowErrc::forked) return 2;
    if (window.map(7 * kPage, 10).error().code() != WindowErrc::forked) return 3;
    if (window.resize(0).code() != WindowErrc::forked) return 4;
    *held = {};
    if (budget.stats().misses != 0) return 5;
    if (cursor.at(9 * kPage) != nullptr) return 6;
    // The child may have as many windows of its own as it likes.
    FileWindow own(file.descriptor(), Access::read_only,
                   Budget({.bytes = 16 * kPage, .granule = kPage}));
    const Expected<Mapping> mapping = own.map(6 * kPage, 10);
    return mapping && shows(mapping->bytes(), 6 * kPage) ? 0 : 7;
  });
  EXPECT_EQ(ended, 0);
  EXPECT_TRUE(shows(held->bytes(), 5 * kPage));
  EXPECT_TRUE(window.map(6 * kPage, 10));
}

TEST(Fork, TheChildOfAThreadAmongOthersIsTold) {
  const ScratchFile file(kSize);
  const Budget budget({.bytes = 16 * kPage, .granule = kPage});
  FileWindow window(file.descriptor(), Access::read_write, budget);
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  threads.reserve(2);
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (std::int64_t i = 0; !done; i = (i + 7) % 64) (void)window.map(i * kPage, 1);
    });
  }
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(in_a_child([&] {
                if (window.map(0, 1).error().code() != WindowErrc::forked) return 1;
                const FileWindow taken = std::move(window);
                return 0;
              }),
              0);
  }
  done = true;
}

}  // namespace
}  // namespace kmapper::process
