// Signals: what a handler may do, and that signals disturb no call.
#include <gtest/gtest.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kSize = 256 * kPage;

const Mapping* counted = nullptr;
const Mapping* cut_short = nullptr;
std::atomic<int> handled{0};
std::atomic<bool> zeros{true};

// Touches what the interrupted thread holds; and, once, a page that the file has lost.
void use_mappings(int /*number*/) {
  auto* const counter = reinterpret_cast<volatile std::uint32_t*>(counted->data());
  *counter = *counter + 1;
  if (*static_cast<volatile std::byte*>(cut_short->data()) != std::byte{0}) zeros = false;
  ++handled;
}

void do_nothing(int /*number*/) { ++handled; }

/// A handler without SA_RESTART, until this is destroyed.
class Handler {
 public:
  Handler(int signal, void (*function)(int)) : signal_(signal) {
    struct sigaction action {};
    action.sa_handler = function;
    sigaction(signal, &action, &before_);
    handled = 0;
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { sigaction(signal_, &before_, nullptr); }

 private:
  const int signal_;
  struct sigaction before_ {};
};

class Signals : public testing::TestWithParam<Placement> {
 protected:
  const ScratchFile file_{ScratchFile::in_memory, kSize};
  const Budget budget_{{.bytes = 32 * kPage, .granule = kPage, .placement = GetParam()}};
  FileWindow window_{file_.descriptor(),
                     GetParam() == Placement::copies ? Access::read_only : Access::read_write,
                     budget_};
};

INSTANTIATE_TEST_SUITE_P(In, Signals,
                         testing::Values(Placement::slots, Placement::automatic, Placement::copies),
                         [](const auto& info) {
                           return info.param == Placement::slots       ? "Slots"
                                  : info.param == Placement::automatic ? "WhereItChooses"
                                                                       : "Copies";
                         });

TEST_P(Signals, AHandlerMayUseWhatIsHeld) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer runs no handler for a fault in a handler";
#endif
  if (GetParam() == Placement::copies) GTEST_SKIP() << "copies are not written to";
  auto first = window_.map(0, 4);
  auto last = window_.map(kSize - kPage, kPage);
  ASSERT_TRUE(first && last);
  *reinterpret_cast<std::uint32_t*>(first->data()) = 0;
  counted = &*first;
  cut_short = &*last;
  ASSERT_EQ(ftruncate64(file_.descriptor(), kSize - kPage), 0);
  {
    const Handler handler(SIGUSR1, use_mappings);
    std::mt19937 random(1);
    for (int i = 0; i < 3000; ++i) {
      const std::int64_t offset = 1 + random() % 254;
      const auto mapping = window_.map(offset * kPage, 100);
      ASSERT_TRUE(mapping);
      if (i % 3 == 0) raise(SIGUSR1);
      ASSERT_TRUE(shows(mapping->bytes(), offset * kPage));
    }
  }
  EXPECT_EQ(handled, 1000);
  EXPECT_EQ(*reinterpret_cast<const std::uint32_t*>(first->data()), 1000U);
  EXPECT_TRUE(zeros);
  EXPECT_TRUE(last->bad());
  EXPECT_FALSE(first->bad());
}

TEST_P(Signals, InterruptNoCall) {
  const Handler handler(SIGUSR1, do_nothing);
  std::atomic<int> running{3};
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 3; ++number) {
    threads.emplace_back([&, number] {
      std::mt19937 random(number);
      std::vector<Mapping> held;
      while (handled == 0)
        std::this_thread::yield();  // otherwise all may be over before the first signal
      for (int i = 0; i < 2000; ++i) {
        const std::int64_t offset = static_cast<std::int64_t>(random() % 255) * kPage;
        // Often across granules; and, as all threads hold several, often only after another thread
        // has released some.
        if (held.size() == 9) held.clear();
        auto mapping =
            window_.map_for(offset + 10, i % 50 == 0 ? kPage : 100, std::chrono::seconds(60));
        ASSERT_TRUE(mapping) << mapping.error().message();
        ASSERT_TRUE(shows(mapping->bytes(), offset + 10));
        held.push_back(std::move(*mapping));
        if (i % 200 == 0) {
          ASSERT_FALSE(window_.sync());
        }
      }
      --running;
    });
  }
  while (running != 0) {
    for (std::thread& it : threads) pthread_kill(it.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  for (std::thread& it : threads) it.join();
  EXPECT_GT(handled, 0);
}

}  // namespace
}  // namespace kmapper::process
