// Real threads that contend for very few slots, so that ThreadSanitizer sees the sleepers and the
// waking threads work on the same memory. Without ThreadSanitizer these tests only show that no
// thread hangs.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "kmapper/core/mapper.hpp"
#include "simulated/computer.hpp"
#include "simulated/host_threads.hpp"
#include "simulated/random.hpp"

namespace kmapper::simulated {
namespace {

// Half of the sleepers find their page mapped by another thread, and are woken for that.
TEST(Threads, SleepersThatWaitForTheSamePageAreToldOfItUnderTheLock) {
  constexpr std::uint32_t kThreads = 6;
  constexpr std::uint32_t kPages = 3;
  constexpr int kRounds = 3'000;
  Computer<HostThreads> computer({.cpus = 4, .slots = 1, .low_frames = 1, .high_frames = kPages});
  const HostThreads::Attachment here(computer.threads(), CpuIndex{0});
  const auto mapper = std::make_unique<Mapper<Platform<HostThreads>>>(computer.platform());
  mapper->open(1);
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&computer, &mapper, i] {
      const HostThreads::Attachment attached(computer.threads(), CpuIndex{i % 4});
      Random random(i);
      for (int round = 0; round < kRounds; ++round) {
        const auto page = computer.high_page(random.below(kPages));
        ASSERT_NE(mapper->kmap(page), nullptr);
        std::this_thread::yield();  // held while the other threads come
        mapper->kunmap(page);
      }
    });
  }
  threads.clear();  // joins them
  EXPECT_EQ(computer.machine().faults().text(), "");
  EXPECT_EQ(mapper->stats().hits + mapper->stats().misses, kThreads * std::uint64_t{kRounds});
}

}  // namespace
}  // namespace kmapper::simulated
