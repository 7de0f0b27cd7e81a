// Several threads in one window: all that is written is found again, and every waiting thread is
// woken.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <latch>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kGranule = 4096;
constexpr std::int64_t kFileSize = 1 << 20;
constexpr int kThreads = 4;

/// 14 slots, and two granules for spans.
Budget small_budget(Placement placement = Placement::slots) {
  return Budget({.bytes = 16 * kGranule, .granule = kGranule, .placement = placement});
}

/// Uses the bytes of the file whose offset, modulo the number of threads, is its own number, and
/// knows what each must be.
class Player {
 public:
  Player(FileWindow& window, int number)
      : window_(window),
        number_(number),
        random_(static_cast<unsigned>(number)),
        model_(static_cast<std::size_t>(kFileSize / kThreads)) {
    for (std::size_t i = 0; i < model_.size(); ++i) model_[i] = byte_at(offset_of(i));
  }

  void play(int operations) {
    for (int i = 0; i < operations; ++i) {
      const std::int64_t length = 1 + below(below(8) == 0 ? kGranule : 64);
      const std::int64_t offset = below(kFileSize - length);
      Expected<Mapping> mapping = map(offset, length);
      if (mapping) {
        touch(*mapping, offset);
      } else if (mapping.error().code() == WindowErrc::would_sleep ||
                 mapping.error().code() == WindowErrc::timed_out) {
        ++refused_;
      } else {
        ++faults_;
      }
    }
  }
  [[nodiscard]] int faults() const { return faults_; }
  [[nodiscard]] int refused() const { return refused_; }

  /// Whether the file itself has what this thread wrote.
  [[nodiscard]] bool agrees(std::span<const std::byte> file) const {
    for (std::size_t i = 0; i < model_.size(); ++i) {
      if (file[static_cast<std::size_t>(offset_of(i))] != model_[i]) return false;
    }
    return true;
  }

 private:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  [[nodiscard]] std::int64_t offset_of(std::size_t i) const {
    return static_cast<std::int64_t>(i) * kThreads + number_;
  }
  Expected<Mapping> map(std::int64_t offset, std::int64_t length) {
    switch (below(4)) {
      case 0:
        return window_.try_map(offset, length);
      case 1:
        return window_.map_for(offset, length, 10ms);
      default:
        return window_.map(offset, length);
    }
  }
  void touch(const Mapping& mapping, std::int64_t offset) {
    const std::span<std::byte> bytes = mapping.writable();
    const auto first =
        static_cast<std::size_t>((number_ - offset % kThreads + kThreads) % kThreads);
    for (std::size_t i = first; i < bytes.size(); i += kThreads) {
      std::byte& model =
          model_[static_cast<std::size_t>(offset + static_cast<std::int64_t>(i)) / kThreads];
      if (bytes[i] != model) ++faults_;
      if (below(2) == 0) bytes[i] = model = static_cast<std::byte>(below(256));
    }
  }

  FileWindow& window_;
  const int number_;
  std::mt19937_64 random_;
  std::vector<std::byte> model_;
  int faults_ = 0;
  int refused_ = 0;
};

void play_all(ScratchFile::Kind kind, const Options& options, int operations) {
  const ScratchFile file(kind, kFileSize);
  const Budget budget(options);
  std::vector<std::byte> content(static_cast<std::size_t>(kFileSize));
  {
    FileWindow window(file.descriptor(), Access::read_write, budget);
    std::vector<Player> players;
    players.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) players.emplace_back(window, i);
    {
      std::vector<std::jthread> threads;
      threads.reserve(kThreads);
      for (Player& player : players)
        threads.emplace_back([&player, operations] { player.play(operations); });
    }
    EXPECT_EQ(budget.stats().pinned, 0);
    ASSERT_EQ(pread64(file.descriptor(), content.data(), content.size(), 0), kFileSize);
    for (const Player& player : players) {
      EXPECT_EQ(player.faults(), 0);
      EXPECT_TRUE(player.agrees(content));
    }
  }
  EXPECT_EQ(budget.stats().mapped, 0);
}

TEST(Threads, FindWhatTheyWroteInAMemoryFile) {
  play_all(ScratchFile::in_memory, {.bytes = 16 * kGranule, .granule = kGranule}, 20'000);
}

TEST(Threads, FindWhatTheyWroteInAFileOnDisk) {
  play_all(ScratchFile::on_disk, {.bytes = 64 * kGranule, .granule = 2 * kGranule}, 10'000);
}

TEST(Threads, FindWhatTheyWroteWhereNothingStaysMapped) {
  play_all(ScratchFile::in_memory, {.bytes = 16 * kGranule, .granule = kGranule, .strict = true},
           5'000);
}

TEST(Threads, FindWhatTheyWroteAtHome) {
  play_all(ScratchFile::in_memory,
           {.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::home}, 20'000);
}

TEST(Threads, FindWhatTheyWroteInSlots) {
  play_all(ScratchFile::in_memory,
           {.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::slots}, 20'000);
}

/// Frees and allocates pages while other threads do the same: a freed page is unmapped, and pages
/// that others hold are not.
void allocate_and_free(const Options& options) {
  const Budget budget(options);
  HighMemory memory(budget);
  std::atomic<int> faults{0};
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        std::vector<HighPage> pages;
        const auto check = [&](HighPage page, std::uint64_t expected, std::uint64_t next) {
          const Expected<Mapping> mapping = memory.map(page);
          std::uint64_t found = 0;
          std::memcpy(&found, mapping->data() + 8 * t, sizeof found);
          if (found != expected) ++faults;
          std::memcpy(mapping->data() + 8 * t, &next, sizeof next);
        };
        const auto tag = [t](HighPage page) {
          return (static_cast<std::uint64_t>(page) << 8) + static_cast<std::uint64_t>(t) + 1;
        };
        for (int i = 0; i < 5000; ++i) {
          if (pages.size() < 20 || random() % 2 == 0) {
            pages.push_back(*memory.allocate());
            check(pages.back(), 0, tag(pages.back()));
          } else {
            std::swap(pages[random() % pages.size()], pages.back());
            check(pages.back(), tag(pages.back()), 0);
            if (memory.free(pages.back())) ++faults;
            pages.pop_back();
          }
        }
      });
    }
  }
  EXPECT_EQ(faults, 0);
}

TEST(Threads, AllocateAndFreePagesAtHome) {
  allocate_and_free({.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::home});
}

TEST(Threads, AllocateAndFreePagesInSlots) {
  allocate_and_free({.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::slots});
}

TEST(Threads, AllocateAndFreePagesWhereNothingStaysMapped) {
  allocate_and_free({.bytes = 16 * kGranule, .granule = kGranule, .strict = true});
}

/// Another thread gets the range after give_back() has been called, and not before.
template <class GiveBack>
void expect_to_wait_for(FileWindow& window, std::int64_t offset, std::int64_t length,
                        GiveBack give_back) {
  std::atomic<bool> done{false};
  std::jthread waiter([&] {
    const Expected<Mapping> mapping = window.map(offset, length);
    EXPECT_TRUE(mapping && shows(mapping->bytes(), offset));
    done = true;
  });
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(done);
  give_back();
  waiter.join();
  EXPECT_TRUE(done);
}

TEST(Threads, OneThatWaitsGetsWhatAnotherGivesBack) {
  const ScratchFile file(kFileSize);
  const Budget budget = small_budget();
  FileWindow window(file.descriptor(), Access::read_only, budget);
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < 14; ++i) held.push_back(std::move(*window.map(i * kGranule, 1)));
  expect_to_wait_for(window, 100 * kGranule, 10, [&] { held.pop_back(); });
}

TEST(Threads, OneThatWaitsForASpanGetsWhatAnotherGivesBack) {
  const ScratchFile file(kFileSize);
  const Budget budget = small_budget();
  FileWindow window(file.descriptor(), Access::read_only, budget);
  std::optional<Expected<Mapping>> held = window.map(kGranule - 1, 2);
  expect_to_wait_for(window, 3 * kGranule - 1, 2, [&] { held.reset(); });
}

TEST(Threads, AWaitIsCancelledByItsStopToken) {
  const ScratchFile file(kFileSize);
  const Budget budget = small_budget();
  FileWindow window(file.descriptor(), Access::read_only, budget);
  std::vector<Mapping> held;
  for (std::int64_t i = 0; i < 14; ++i) held.push_back(std::move(*window.map(i * kGranule, 1)));
  const Expected<Mapping> span = window.map(kGranule - 1, 2);
  for (const std::int64_t length : {1, 2}) {
    std::error_code code;
    std::jthread waiter([&](const std::stop_token& stop) {
      code = window.map(101 * kGranule - 1, length, {.stop = stop}).error().code();
    });
    std::this_thread::sleep_for(10ms);
    waiter.request_stop();
    waiter.join();
    EXPECT_EQ(code, WindowErrc::cancelled);
  }
  EXPECT_EQ(window.try_map(100 * kGranule, 1).error().code(), WindowErrc::would_sleep);
}

TEST(Threads, AMappingIsGivenBackByAnother) {
  const ScratchFile file(kFileSize);
  const Budget budget = small_budget();
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (std::int64_t i = 0; i < 30; ++i) {
    Expected<Mapping> mapping = window.map(i * kGranule, 1);
    ASSERT_TRUE(mapping);
    std::jthread([taken = std::move(*mapping)] { EXPECT_NE(taken.data(), nullptr); });
  }
  EXPECT_EQ(budget.stats().pinned, 0);
}

TEST(Threads, AThreadThatEndsLeavesWhatItHolds) {
  const ScratchFile file(kFileSize);
  const Budget budget = small_budget();
  FileWindow window(file.descriptor(), Access::read_only, budget);
  Mapping left;
  std::jthread([&] { left = std::move(*window.map(5 * kGranule, 10)); }).join();
  EXPECT_EQ(budget.stats().pinned, kGranule);
  EXPECT_TRUE(shows(left.bytes(), 5 * kGranule));
  left = {};
  EXPECT_EQ(budget.stats().pinned, 0);
}

TEST(Threads, WhoMissOneGranuleTogetherMapItOnceAndCountOnceEach) {
  const ScratchFile file(kFileSize);
  const Budget budget = small_budget();
  FileWindow window(file.descriptor(), Access::read_only, budget);
  for (std::int64_t i = 0; i < 200; ++i) {
    std::latch all_are_here(kThreads);
    // A thread that missed the granule and comes late would take it back if it had no user.
    std::latch all_hold_it(kThreads);
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&window, &all_are_here, &all_hold_it, i] {
        all_are_here.count_down();
        // To sleep for the others would take longer than to map the granule.
        while (!all_are_here.try_wait()) std::this_thread::yield();
        const Expected<Mapping> mapping = window.map(i * kGranule, 64);
        EXPECT_TRUE(mapping && shows(mapping->bytes(), i * kGranule));
        all_hold_it.arrive_and_wait();
      });
    }
  }
  EXPECT_EQ(budget.stats().misses, 200U);
  EXPECT_EQ(budget.stats().hits, 200U * (kThreads - 1));
  EXPECT_EQ(budget.stats().map_calls, 200U);
}

// When one thread takes back granules of a file that another thread closes, this is over before the
// file's home is gone: its addresses may belong to another mapping then.
TEST(Threads, NothingIsEmptiedWhereAFileWasThatIsClosed) {
  if (sizeof(void*) < 8) GTEST_SKIP() << "files have no home in a 32-bit process";
  const ScratchFile scavenged(kFileSize);
  const ScratchFile closed(kFileSize);
  const Budget budget = small_budget(Placement::home);
  FileWindow window(scavenged.descriptor(), Access::read_write, budget);
  std::atomic<bool> done{false};
  std::thread scavenger([&] {
    for (std::int64_t i = 0; !done; i = (i + 7) % (kFileSize / kGranule))
      (void)window.try_map(i * kGranule, 1);
  });
  constexpr std::size_t kSize = 14 * kGranule;
  for (int round = 0; round < 300; ++round) {
    std::byte* address = nullptr;
    {
      FileWindow other(closed.descriptor(), Access::read_write, budget);
      for (std::int64_t i = 0; i < 14; ++i) {
        const auto mapping = other.map(i * 2 % 14 * kGranule, 1);  // no neighbours: at home
        ASSERT_TRUE(mapping);
        if (i == 0) address = mapping->data();
      }
    }
    void* const own = mmap(address, kSize, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (own == MAP_FAILED) continue;  // it was in a slot
    std::memset(own, 1, kSize);
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
    for (std::size_t i = 0; i < kSize; i += kGranule)
      EXPECT_EQ(static_cast<volatile unsigned char*>(own)[i], 1) << round;
    munmap(own, kSize);
  }
  done = true;
  scavenger.join();
}

}  // namespace
}  // namespace kmapper::process
