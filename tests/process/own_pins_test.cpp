// The library's own pins, of read-ahead and of lookups that found another page: no caller holds
// them, and no call reports them.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;

/// Pages on their way from one thread to another.
class Belt {
 public:
  void put(HighPage page) {
    const std::lock_guard lock(mutex_);
    pages_.push_back(page);
  }
  bool take(HighPage* page) {
    const std::lock_guard lock(mutex_);
    if (pages_.empty()) return false;
    *page = pages_.back();
    pages_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<HighPage> pages_;
};

struct Refused {
  std::atomic<int> frees{0};
  std::atomic<int> maps{0};
};

/// Two threads allocate pages in a row, which starts read-ahead, map each and hand it over; two
/// other threads map it again, release it and free it.
void hand_over_and_free(const Options& options, int pages, Refused& refused) {
  const Budget budget(options);
  HighMemory memory(budget);
  Belt belt;
  std::atomic<int> makers{2};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < pages / 2; ++i) {
        const Expected<HighPage> page = memory.allocate();
        if (!memory.map(*page)) ++refused.maps;
        belt.put(*page);
      }
      --makers;
    });
    threads.emplace_back([&] {
      HighPage page{};
      for (;;) {
        const bool is_over = makers == 0;
        if (!belt.take(&page)) {
          if (is_over) return;
          std::this_thread::yield();
          continue;
        }
        if (!memory.map(page)) ++refused.maps;
        if (memory.free(page)) ++refused.frees;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(memory.allocated(), refused.frees);
}

class OwnPins : public testing::TestWithParam<Placement> {
 protected:
  static constexpr int kPages = 20'000;
  static constexpr std::int64_t kFile = 64;  // granules

  [[nodiscard]] static Options options() {
    return {.bytes = 64 * kGranule, .granule = kGranule, .placement = GetParam()};
  }

  /// One thread reads the first half of the file sequentially, again and again, so that read-ahead
  /// goes into the second half; another has parts of the whole file read.
  class Readers {
   public:
    explicit Readers(FileWindow& window) {
      window.advise(Advice::sequential);
      threads_.emplace_back([this, &window](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          for (std::int64_t i = 0; i < kFile / 2; ++i) {
            if (!window.map(i * kGranule, 1)) ++refused_;
          }
        }
      });
      threads_.emplace_back([&window](const std::stop_token& stop) {
        for (std::int64_t i = 0; !stop.stop_requested(); i = (i + 3) % (kFile / 2))
          (void)window.prefetch(i * kGranule, kFile / 2 * kGranule);
      });
    }
    [[nodiscard]] int refused() const { return refused_; }

   private:
    std::atomic<int> refused_{0};
    std::vector<std::jthread> threads_;
  };
};

TEST_P(OwnPins, APageThatNobodyHoldsIsFreed) {
  Refused refused;
  hand_over_and_free(options(), kPages, refused);
  EXPECT_EQ(refused.frees, 0);
  EXPECT_EQ(refused.maps, 0);
}

TEST_P(OwnPins, AGranuleBeforeASequentialReaderIsDiscarded) {
  const ScratchFile file(kFile * kGranule);
  FileWindow window(file.descriptor(), Access::read_write, Budget(options()));
  const Readers readers(window);
  int refused = 0;
  for (std::int64_t i = 0; i < 3000; ++i) {
    const std::int64_t offset = (kFile / 2 + i % (kFile / 2)) * kGranule;
    {
      const auto mapping = window.map(offset, 1);
      ASSERT_TRUE(mapping) << mapping.error().message();
      mapping->writable()[0] = std::byte{1};
    }
    if (window.discard(offset, kGranule)) ++refused;
  }
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(readers.refused(), 0);
}

TEST_P(OwnPins, AFileIsCutShortBeforeASequentialReader) {
  const ScratchFile file(kFile * kGranule);
  FileWindow window(file.descriptor(), Access::read_write, Budget(options()));
  const Readers readers(window);
  int refused = 0;
  for (std::int64_t i = 0; i < 1000; ++i) {
    { ASSERT_TRUE(window.map((kFile / 2 + i % (kFile / 2)) * kGranule, 1)); }
    if (const Error error = window.resize(kFile / 2 * kGranule)) {
      EXPECT_EQ(error.code(), WindowErrc::pinned);
      ++refused;
    }
    ASSERT_FALSE(window.resize(kFile * kGranule));
  }
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(readers.refused(), 0);
}

INSTANTIATE_TEST_SUITE_P(Placements, OwnPins, testing::Values(Placement::slots, Placement::home));

}  // namespace
}  // namespace kmapper::process
