// How long calls wait: a time that no clock reaches means for ever, a time below 0 has passed.
#include "process/wait/deadline.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "kmapper/kmapper.h"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kGranule = 65536;

class Deadlines : public testing::Test {
 public:
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

 protected:
  const Budget budget_{{.bytes = 16 * kGranule, .granule = kGranule}};
  const ScratchFile file_{20 * kGranule};
  FileWindow window_{file_.descriptor(), Access::read_only, budget_};
  kmapper_budget* c_budget_ = nullptr;
  kmapper_window* c_window_ = nullptr;

  Deadlines() {
    kmapper_options options{};
    options.size = sizeof options;
    options.bytes = 16 * kGranule;
    options.granule = kGranule;
    EXPECT_EQ(kmapper_budget_create(&options, &c_budget_), 0);
    EXPECT_EQ(kmapper_window_open_descriptor(file_.descriptor(), KMAPPER_READ_ONLY, c_budget_,
                                             &c_window_),
              0);
  }
  ~Deadlines() override {
    kmapper_window_close(c_window_);
    kmapper_budget_destroy(c_budget_);
  }

  struct Call {
    std::string name;
    std::function<std::error_code()> make;
  };
  /// All calls that take a time, with that many nanoseconds from now, or since the clock's start.
  [[nodiscard]] std::vector<Call> calls(std::int64_t time) {
    const auto in_c = [](int status) {
      return std::error_code(status < 0 ? -status : status, window_category());
    };
    const Patience patience{.deadline = Deadline(nanoseconds(time))};
    std::vector<Call> all;
    for (const std::int64_t length : {1, 2}) {
      const std::int64_t offset = 16 * kGranule - 1;
      const std::string what = length == 1 ? " of a granule" : " across granules";
      all.push_back({"map_for" + what, [=, this] {
                       return window_.map_for(offset, length, nanoseconds(time)).error().code();
                     }});
      all.push_back({"map" + what,
                     [=, this] { return window_.map(offset, length, patience).error().code(); }});
      all.push_back({"C's map_for" + what, [=, this] {
                       kmapper_mapping mapping;
                       const int status =
                           kmapper_window_map_for(c_window_, offset, length, time, &mapping);
                       kmapper_mapping_release(&mapping);
                       return in_c(status);
                     }});
      all.push_back({"C's map_until" + what, [=, this] {
                       const kmapper_patience until{
                           .size = sizeof until, .deadline_ns = time, .cancellation = nullptr};
                       kmapper_mapping mapping;
                       const int status =
                           kmapper_window_map_until(c_window_, offset, length, &until, &mapping);
                       kmapper_mapping_release(&mapping);
                       return in_c(status);
                     }});
    }
    all.push_back({"map_all", [=, this] {
                     Range ranges[] = {{&window_, 17 * kGranule, 1}};
                     return map_all(budget_, ranges, patience).code();
                   }});
    all.push_back({"reserve", [=, this] { return reserve(budget_, 1, patience).error().code(); }});
    return all;
  }
  /// Pins all that the two budgets allow.
  [[nodiscard]] std::vector<Mapping> hold_all(std::vector<kmapper_mapping>& in_c) {
    std::vector<Mapping> held;
    const auto offset_of = [](std::size_t i) { return static_cast<std::int64_t>(i) * kGranule; };
    while (auto mapping = window_.try_map(offset_of(held.size()), 1))
      held.push_back(std::move(*mapping));
    held.push_back(std::move(*window_.try_map(kGranule - 1, 2)));
    for (;;) {
      kmapper_mapping mapping;
      if (kmapper_window_try_map(c_window_, offset_of(in_c.size()), 1, &mapping) != 0) break;
      in_c.push_back(mapping);
    }
    kmapper_mapping span;
    EXPECT_EQ(kmapper_window_try_map(c_window_, kGranule - 1, 2, &span), 0);
    in_c.push_back(span);
    return held;
  }
};

TEST_F(Deadlines, ThatNoClockReachesAreForEver) {
  for (const std::int64_t time : {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2}) {
    for (const Call& call : calls(time)) {
      std::vector<kmapper_mapping> held_in_c;
      std::vector<Mapping> held = hold_all(held_in_c);
      std::atomic<bool> done{false};
      std::error_code code;
      std::thread waiter([&] {
        code = call.make();
        done = true;
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      EXPECT_FALSE(done) << call.name << " " << time;
      held.clear();
      for (kmapper_mapping& it : held_in_c) kmapper_mapping_release(&it);
      waiter.join();
      EXPECT_FALSE(code) << call.name << " " << time << ": " << code.message();
    }
  }
}

TEST_F(Deadlines, BelowZeroHavePassed) {
  std::vector<kmapper_mapping> held_in_c;
  const std::vector<Mapping> held = hold_all(held_in_c);
  for (const std::int64_t time : {INT64_MIN, std::int64_t{-1}}) {
    for (const Call& call : calls(time))
      EXPECT_EQ(call.make(), WindowErrc::timed_out) << call.name << " " << time;
  }
  for (kmapper_mapping& it : held_in_c) kmapper_mapping_release(&it);
}

TEST_F(Deadlines, OfReportsSaturateToo) {
  const auto held = window_.map(0, 1);
  EXPECT_EQ(budget_.report_holders(nanoseconds::max()), 0);
  EXPECT_EQ(budget_.report_holders(nanoseconds::min()), 1);
  kmapper_mapping mapping;
  ASSERT_EQ(kmapper_window_map(c_window_, 0, 1, &mapping), 0);
  EXPECT_EQ(kmapper_budget_report_holders(c_budget_, INT64_MAX), 0);
  EXPECT_EQ(kmapper_budget_report_holders(c_budget_, INT64_MIN), 1);
  kmapper_mapping_release(&mapping);
}

TEST(Deadline, ArithmeticSaturates) {
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(deadline_after(nanoseconds::max()), Deadline::max());
  const Deadline passed = deadline_after(nanoseconds::min());
  EXPECT_LE(passed, std::chrono::steady_clock::now());
  EXPECT_GE(deadline_after(std::chrono::hours(1)), now + std::chrono::hours(1));
  EXPECT_EQ(nanoseconds_of(Deadline::max()), UINT64_MAX);
  EXPECT_EQ(nanoseconds_of(Deadline::min()), 0U);
  EXPECT_EQ(nanoseconds_of(Deadline(nanoseconds(5))), 5U);
  EXPECT_EQ(deadline_of(UINT64_MAX), Deadline::max());
  EXPECT_EQ(deadline_of(UINT64_MAX - 1), Deadline::max());
  EXPECT_EQ(deadline_of(5), Deadline(nanoseconds(5)));
}

}  // namespace
}  // namespace kmapper::process
