// A window on a simulated machine, ready for use: most tests of the mapper start with it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kmapper/core/mapper.hpp"
#include "repeat.hpp"
#include "simulated/computer.hpp"
#include "simulated/host_threads.hpp"
#include "simulated/posting_host_threads.hpp"
#include "simulated/scheduled_threads.hpp"

namespace kmapper::simulated {

/// The test's own thread is CPU 0 of a machine, and alone there: for tests of one caller.
template <class Threads>
class WindowOn {
 public:
  using Page = typename Computer<Threads>::Page;

  explicit WindowOn(std::uint32_t slots, std::uint32_t high_frames = 64, std::uint32_t cpus = 1)
      : computer_({.cpus = cpus, .slots = slots, .low_frames = 4, .high_frames = high_frames}),
        attachment_(computer_.threads(), CpuIndex{0}) {
    mapper.open(slots);
    for (std::uint32_t i = 0; i < computer_.machine().frame_count(); ++i)
      computer_.machine().poke(FrameIndex{i}, 0, tag_of(FrameIndex{i}));
  }
  ~WindowOn() { EXPECT_EQ(machine().faults().text(), ""); }

  [[nodiscard]] Page high(std::uint32_t number) { return computer_.high_page(number); }
  [[nodiscard]] Page low(std::uint32_t number) { return computer_.low_page(number); }
  [[nodiscard]] Computer<Threads>& computer() { return computer_; }
  [[nodiscard]] Machine& machine() { return computer_.machine(); }
  [[nodiscard]] Threads& threads() { return computer_.threads(); }

  /// Whether a read through the address finds the page's frame.
  [[nodiscard]] bool shows(const void* address, Page page) {
    return computer_.read(address) == tag_of(page->frame);
  }
  /// Maps, reads and unmaps: the page stays in the window, idle. By try_kmap(): alone, a kmap()
  /// that slept would never wake.
  void touch(Page page) {
    void* const address = mapper.try_kmap(page);
    ASSERT_NE(address, nullptr);
    EXPECT_TRUE(shows(address, page));
    mapper.kunmap(page);
  }
  [[nodiscard]] std::uint32_t users(Page page) {
    const SlotIndex slot = mapper.find(page);
    return slot == kNoSlot ? 0 : word::users(mapper.inspect(slot).word) - 1;
  }

 private:
  [[nodiscard]] static std::uint64_t tag_of(FrameIndex frame) {
    return 0x7A60'0000U + to_number(frame);
  }

  Computer<Threads> computer_;
  typename Threads::Attachment attachment_;
  std::unique_ptr<Mapper<Platform<Threads>>> storage_ =
      std::make_unique<Mapper<Platform<Threads>>>(computer_.platform());

 public:
  Mapper<Platform<Threads>>& mapper = *storage_;
};

using Window = WindowOn<HostThreads>;
/// The same where flushes are posted.
using PostingWindow = WindowOn<PostingHostThreads>;

/// Several threads share the window, in an order that a seed chooses: for tests of waiting threads.
class SharedWindow {
 public:
  using Page = Computer<ScheduledThreads>::Page;

  explicit SharedWindow(std::uint64_t seed, std::uint32_t slots, std::uint32_t cpus = 4,
                        std::uint32_t high_frames = 64)
      : computer_({.cpus = cpus, .slots = slots, .low_frames = 4, .high_frames = high_frames},
                  {.seed = seed, .chances = {}}) {
    mapper.open(slots);
  }

  [[nodiscard]] Page high(std::uint32_t number) { return computer_.high_page(number); }
  [[nodiscard]] Computer<ScheduledThreads>& computer() { return computer_; }
  [[nodiscard]] Machine& machine() { return computer_.machine(); }
  [[nodiscard]] Scheduler& scheduler() { return computer_.threads().scheduler(); }

  void spawn(const std::string& name, std::function<void()> body) {
    scheduler().spawn(name, std::move(body));
  }
  /// Runs the threads, and expects all to end well.
  void run() {
    const Outcome outcome = scheduler().run();
    EXPECT_EQ(machine().faults().text(), "");
    EXPECT_EQ(outcome.report, "");
    EXPECT_EQ(outcome.end, Outcome::End::all_done);
  }
  /// Lets the other threads run until the thread, counted from 1 as spawned, is asleep.
  void wait_until_asleep(std::uint32_t thread) {
    wait_until([this, thread] { return scheduler().is_blocked(thread); });
  }
  /// Keeps the caller busy while the other threads run.
  void work(std::uint32_t steps) {
    for (; steps != 0; --steps) {
      scheduler().point();
      scheduler().progress();
    }
  }
  /// Lets the other threads run until the condition holds.
  void wait_until(const std::function<bool()>& holds) {
    while (!holds()) scheduler().relax();
  }

 private:
  Computer<ScheduledThreads> computer_;
  std::unique_ptr<Mapper<Platform<ScheduledThreads>>> storage_ =
      std::make_unique<Mapper<Platform<ScheduledThreads>>>(computer_.platform());

 public:
  Mapper<Platform<ScheduledThreads>>& mapper = *storage_;
};

}  // namespace kmapper::simulated
