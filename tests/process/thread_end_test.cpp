// What threads leave behind when they end, in any order of their destructors.
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <set>
#include <thread>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "process/wait/threads.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kSize = std::int64_t{64} << 10;
constexpr std::int64_t kSmallBudget = std::int64_t{2} << 20;

int numbers_in_use() {
  int sum = 0;
  for (std::uint32_t number = 1; number < kSharedThreadNumber; ++number)
    sum += has_thread(static_cast<std::uint16_t>(number)) ? 1 : 0;
  return sum;
}

/// Uses up all numbers of this process.
void use_all_numbers_up() {
  while (assign_thread_number() != kSharedThreadNumber) {
  }
}

class ThreadEnd : public testing::Test {
 protected:
  const Budget budget_{{.bytes = kSmallBudget}};
  const ScratchFile file_{kSize};
  FileWindow window_{file_.descriptor(), Access::read_only, budget_};

  static void map(void* window) { EXPECT_TRUE(static_cast<FileWindow*>(window)->map(0, 1)); }
};

TEST_F(ThreadEnd, ANumberIsReturned) {
  map(&window_);
  const int before = numbers_in_use();
  for (int i = 0; i < 50; ++i) std::thread(map, &window_).join();
  EXPECT_EQ(numbers_in_use(), before);
}

TEST_F(ThreadEnd, ANumberIsReturnedByAThreadThatMapsInAKeysDestructor) {
  pthread_key_t key{};
  ASSERT_EQ(pthread_key_create(&key, map), 0);
  map(&window_);
  const int before = numbers_in_use();
  const auto end_with_a_map = [&] { EXPECT_EQ(pthread_setspecific(key, &window_), 0); };
  for (int i = 0; i < 50; ++i) {
    std::thread(end_with_a_map).join();
    std::thread([&] {
      map(&window_);  // it has a number before its end, too
      end_with_a_map();
    }).join();
  }
  EXPECT_EQ(numbers_in_use(), before);
  EXPECT_EQ(pthread_key_delete(key), 0);
}

TEST_F(ThreadEnd, ANumberIsReturnedByAThreadThatOwnsAWindow) {
  map(&window_);
  const int before = numbers_in_use();
  for (int i = 0; i < 50; ++i) {
    std::thread([this] {
      // Made before the thread has a number, and so destroyed after what the thread has made since.
      thread_local std::optional<FileWindow> own;
      own.emplace(file_.descriptor(), Access::read_only, budget_);
      map(&*own);
    }).join();
  }
  EXPECT_EQ(numbers_in_use(), before);
}

TEST_F(ThreadEnd, LivingThreadsHaveDifferentNumbers) {
  std::set<std::uint16_t> numbers{thread_number()};
  std::thread([&] {
    numbers.insert(thread_number());
    std::thread([&] { numbers.insert(thread_number()); }).join();
  }).join();
  EXPECT_EQ(numbers.size(), 3U);
}

TEST_F(ThreadEnd, ThreadsWithoutANumberShareOne) {
  const int ended = in_a_child([] {
    use_all_numbers_up();
    const ScratchFile file(kSize);
    const Budget budget({.bytes = kSmallBudget});
    FileWindow window(file.descriptor(), Access::read_only, budget);
    constexpr int kMaps = 10'000;
    const auto map_many = [&] {
      for (int i = 0; i < kMaps; ++i) map(&window);
    };
    {
      const std::jthread one(map_many);
      const std::jthread other(map_many);
    }
    const Expected<Mapping> held = window.map(0, 1);
    const Stats stats = budget.stats();
    if (stats.hits + stats.misses != 2 * kMaps + 1) return 1;
    if (stats.longest_holder != 0 || budget.report_holders(std::chrono::nanoseconds(0)) != 1)
      return 2;
    return 0;
  });
  EXPECT_EQ(ended, 0);
}

TEST_F(ThreadEnd, AChildReturnsItsParentsNumbers) {
  map(&window_);
  std::optional<int> in_use;
  std::thread([&] {
    map(&window_);
    in_use = in_a_child([] {
      forget_other_threads();
      const bool is_right = thread_id_of(thread_number()) == gettid();
      return is_right ? numbers_in_use() : 100;
    });
  }).join();
  EXPECT_EQ(in_use, 1);
}

}  // namespace
}  // namespace kmapper::process
