// The text of each error: the object, the request, and the limit.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/kmapper.h"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 65536;
constexpr std::int64_t kSlots = 14;  // of 16 granules, two are for ranges across granules
constexpr std::int64_t kMost = INT64_MAX;
const Patience no_patience{.deadline = std::chrono::steady_clock::time_point::min()};
const Options small{.bytes = 16 * kGranule, .granule = kGranule};

class ErrorTexts : public testing::Test {
 protected:
  Budget budget_{small};
  ScratchFile file_{20 * kGranule};
  FileWindow window_{file_.descriptor(), Access::read_write, budget_};
  const std::string name_ = "descriptor " + std::to_string(file_.descriptor());

  /// `said` is the file's name and the text.
  void expect(const Error& error, std::error_code code, const std::string& text) const {
    expect_of(name_, error, code, text);
  }
  static void expect_of(const std::string& name, const Error& error, std::error_code code,
                        const std::string& text) {
    EXPECT_EQ(error.code(), code) << text;
    EXPECT_EQ(error.message(), name + ": " + text);
  }
  [[nodiscard]] std::vector<Mapping> hold_all() {
    std::vector<Mapping> held;
    while (auto mapping = window_.try_map(static_cast<std::int64_t>(held.size()) * kGranule, 1))
      held.push_back(std::move(*mapping));
    EXPECT_EQ(held.size(), kSlots);
    return held;
  }
};

TEST_F(ErrorTexts, OfRanges) {
  expect(window_.map(-1, 2).error(), WindowErrc::invalid_range,
         "2 bytes at -1: not a range: an offset below 0, or a length below 1");
  expect(window_.map(5, 0).error(), WindowErrc::invalid_range,
         "0 bytes at 5: not a range: an offset below 0, or a length below 1");
  expect(window_.map(1310719, 2).error(), WindowErrc::beyond_end,
         "2 bytes at 1310719: beyond the end of the file, 1310720 bytes");
  expect(window_.map(0, kMost).error(), WindowErrc::beyond_end,
         "9223372036854775807 bytes at 0: beyond the end of the file, 1310720 bytes");
  expect(window_.map(0, 65538).error(), WindowErrc::too_large,
         "65538 bytes at 0: longer than Options::span_bytes allows for a mapping across granules, "
         "65537 bytes");
  expect(window_.prefetch(1310720, 1), WindowErrc::beyond_end,
         "1 bytes at 1310720: beyond the end of the file, 1310720 bytes");
  expect(window_.sync(-1, 1), WindowErrc::invalid_range,
         "1 bytes at -1: not a range: an offset below 0, or a length below 1");
  Cursor cursor(window_);
  EXPECT_EQ(cursor.at(0, SIZE_MAX), nullptr);
  EXPECT_EQ(cursor.error().code(), WindowErrc::beyond_end);
}

TEST_F(ErrorTexts, OfAnEmptyFileSayItsSize) {
  const ScratchFile empty(0);
  FileWindow window(empty.descriptor(), Access::read_only, budget_);
  const Error error = window.map(0, 1).error();
  expect_of("descriptor " + std::to_string(empty.descriptor()), error, WindowErrc::beyond_end,
            "1 bytes at 0: beyond the end of the file, 0 bytes");
  EXPECT_EQ(error.limit(), 0);
}

TEST_F(ErrorTexts, OfChangesOfTheFile) {
  expect(window_.resize(-5), WindowErrc::invalid_range, "a size of -5 bytes: a size below 0");
  const auto held = window_.map(kGranule, 1);
  expect(window_.resize(7), WindowErrc::pinned, "a size of 7 bytes: a mapping of it is held");
  expect(window_.discard(kGranule, kGranule), WindowErrc::pinned,
         "65536 bytes at 65536: a mapping of it is held");
  FileWindow reader(file_.descriptor(), Access::read_only, budget_);
  expect(reader.resize(9), WindowErrc::read_only,
         "a size of 9 bytes: the window was opened for reading");
  expect(reader.discard(0, kGranule), WindowErrc::read_only,
         "65536 bytes at 0: the window was opened for reading");
}

TEST_F(ErrorTexts, OfWhatIsPinned) {
  const std::vector<Mapping> held = hold_all();
  const std::string text = "1 bytes at 983040: ";
  const std::string limit = ", 917504 bytes";
  expect(window_.try_map(983040, 1).error(), WindowErrc::would_sleep,
         text + "all that the budget allows is pinned" + limit);
  expect(window_.map(983040, 1, no_patience).error(), WindowErrc::timed_out,
         text + "no part of the budget was unpinned in time" + limit);
  std::stop_source stop;
  stop.request_stop();
  expect(window_.map(983040, 1, {.stop = stop.get_token()}).error(), WindowErrc::cancelled,
         text + "cancelled");
  const auto span = window_.map(kGranule - 1, 2);
  expect(window_.try_map(kGranule - 1, 2).error(), WindowErrc::would_sleep,
         "2 bytes at 65535: all that the budget allows is pinned, 131072 bytes");
}

TEST_F(ErrorTexts, OfTooManyUsers) {
  if (sizeof(void*) == 8) GTEST_SKIP() << "a 64-bit process counts more users than it can have";
  std::vector<Mapping> users;
  users.reserve(16383);
  for (int i = 0; i < 16383; ++i) users.push_back(std::move(*window_.map(3, 4)));
  expect(window_.map(3, 4).error(), WindowErrc::too_many_users,
         "4 bytes at 3: 16383 users hold this granule, and no more can");
  users.pop_back();
  EXPECT_TRUE(window_.map(3, 4));
}

TEST_F(ErrorTexts, OfSeveralAtOnce) {
  const Budget other(small);
  FileWindow stranger(file_.descriptor(), Access::read_only, other);
  Range of_another[] = {{&stranger, 7, 8}};
  expect(map_all(budget_, of_another), WindowErrc::invalid_option,
         "8 bytes at 7: the window belongs to another budget");
  Range of_none[] = {{nullptr, 7, 8}};
  expect_of("window", map_all(budget_, of_none), WindowErrc::invalid_option,
            "8 bytes at 7: a range without a window");
  Range across[] = {{&window_, kGranule - 1, 2}};
  expect(map_all(budget_, across), WindowErrc::too_large,
         "2 bytes at 65535: more than can be mapped at once, 65536 bytes");
}

// For any number of ranges, also more than the window has records.
TEST_F(ErrorTexts, OfMoreThanThereAreSlots) {
  ASSERT_EQ(ftruncate64(file_.descriptor(), 20'000 * kGranule), 0);
  for (const std::int64_t count : {kSlots + 1, std::int64_t{1400}, std::int64_t{20'000}}) {
    std::vector<Range> ranges;
    for (std::int64_t i = 0; i < count; ++i) ranges.push_back({&window_, i * kGranule, 1});
    expect_of("budget", map_all(budget_, ranges), WindowErrc::too_large,
              std::to_string(count) + " granules, " + std::to_string(count * kGranule) +
                  " bytes: more than can be mapped at once, 917504 bytes");
  }
  std::vector<Range> same(100);
  for (Range& it : same) it = {&window_, 0, 1};
  EXPECT_FALSE(map_all(budget_, same));
}

TEST_F(ErrorTexts, OfReservations) {
  expect_of("budget", reserve(budget_, kMost).error(), WindowErrc::too_large,
            "9223372036854775807 granules, 9223372036854775807 bytes: more than can be mapped "
            "at once, 917504 bytes");
  expect_of("budget", reserve(budget_, -3).error(), WindowErrc::invalid_range,
            "-3 granules, 0 bytes: less than one granule");
  {
    const std::vector<Mapping> held = hold_all();
    expect_of("budget", reserve(budget_, 2, no_patience).error(), WindowErrc::timed_out,
              "2 granules, 131072 bytes: no part of the budget was unpinned in time, "
              "917504 bytes");
  }
  auto reservation = reserve(budget_, 1);
  ASSERT_TRUE(reservation);
  const auto mapping = reservation->map(window_, 18 * kGranule, 1);
  expect(reservation->map(window_, 19 * kGranule, 1).error(), WindowErrc::spent,
         "1 bytes at 1245184: the reservation has no room left");
}

TEST_F(ErrorTexts, OfHighMemoryNameThePage) {
  HighMemory memory(budget_);
  const HighPage page = *memory.allocate();
  {
    const auto held = memory.map(page);
    expect_of("high memory", memory.free(page), WindowErrc::pinned,
              "page 0: a mapping of it is held");
    const std::vector<Mapping> all = [&] {
      std::vector<Mapping> taken;
      while (auto mapping = window_.try_map(static_cast<std::int64_t>(taken.size()) * kGranule, 1))
        taken.push_back(std::move(*mapping));
      return taken;
    }();
    const HighPage other = *memory.allocate();
    expect_of("high memory", memory.try_map(other).error(), WindowErrc::would_sleep,
              "page 1: all that the budget allows is pinned, 917504 bytes");
  }
  EXPECT_FALSE(memory.free(page));
  expect_of("high memory", memory.free(page), WindowErrc::invalid_range, "page 0: not allocated");
  expect_of("high memory", memory.free(HighPage{UINT64_MAX}), WindowErrc::invalid_range,
            "page 18446744073709551615: not allocated");
}

TEST_F(ErrorTexts, OfAFileThatWasCutShort) {
  const Budget copies(
      {.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::copies});
  FileWindow window(file_.descriptor(), Access::read_only, copies);
  ASSERT_EQ(ftruncate64(file_.descriptor(), 100), 0);
  const Error error = window.map(kGranule, 4).error();
  EXPECT_EQ(error.message().find(name_ + ": 4 bytes at 65536: "), 0U) << error.message();
  EXPECT_EQ(error.limit(), 100);
}

/// The text of what a constructor throws.
template <class Make>
std::string thrown_by(Make make) {
  try {
    make();
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "nothing";
}

TEST_F(ErrorTexts, OfWhatConstructorsThrow) {
  const auto of_options = [](const Options& options) {
    return thrown_by([&] { const Budget budget(options); });
  };
  const std::string invalid = ": this option is not allowed here";
  EXPECT_EQ(
      of_options({.bytes = 1 << 20, .granule = 12345}).find("a granule of 12345 bytes is not"), 0U);
  EXPECT_EQ(of_options({.bytes = 3 * kGranule, .granule = kGranule}),
            "a budget of 196608 bytes has fewer than 8 granules of 65536" + invalid);
  EXPECT_EQ(of_options({.granule = kGranule, .placement = Placement::home, .strict = true}),
            "a strict budget has slots or copies, and no home placement" + invalid);
  const auto open = [&](const char* path) {
    return thrown_by([&] { const FileWindow window(path, Access::read_only, budget_); });
  };
  EXPECT_EQ(open("/no/such/file"), "/no/such/file: No such file or directory");
  EXPECT_EQ(thrown_by([&] { const FileWindow window(-1, Access::read_only, budget_); }),
            "descriptor -1: Bad file descriptor");
}

TEST_F(ErrorTexts, OfOptionsInC) {
  kmapper_budget* budget = nullptr;
  kmapper_options options{};
  options.size = sizeof options;
  options.placement = 4;
  EXPECT_EQ(kmapper_budget_create(&options, &budget), KMAPPER_INVALID_OPTION);
  EXPECT_STREQ(kmapper_last_message(), "placement 4 is above 3: this option is not allowed here");
  options.placement = 0;
  options.strict = 2;
  EXPECT_EQ(kmapper_budget_create(&options, &budget), KMAPPER_INVALID_OPTION);
  EXPECT_STREQ(kmapper_last_message(), "strict 2 is above 1: this option is not allowed here");
  ASSERT_EQ(kmapper_budget_create(nullptr, &budget), 0);
  kmapper_window* window = nullptr;
  EXPECT_EQ(kmapper_window_open("x", 7, budget, &window), KMAPPER_INVALID_OPTION);
  EXPECT_STREQ(kmapper_last_message(),
               "access 7 is neither KMAPPER_READ_ONLY (0) nor KMAPPER_READ_WRITE (1): "
               "this option is not allowed here");
  ASSERT_EQ(kmapper_window_open_descriptor(file_.descriptor(), 0, budget, &window), 0);
  EXPECT_EQ(kmapper_window_advise(window, 3), KMAPPER_INVALID_OPTION);
  EXPECT_STREQ(kmapper_last_message(), "advice 3 is not from 0 to 2");
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
}

TEST_F(ErrorTexts, OfEveryCode) {
  for (int value = 1;; ++value) {
    const std::string text = window_category().message(value);
    const std::error_code code(value, window_category());
    if (text == "unknown error") {
      EXPECT_GE(value, 15);
      break;
    }
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(Error(code).message(), "window: " + text);
    EXPECT_EQ(kmapper_strerror(-value), text);
    EXPECT_NE(code.default_error_condition().category(), window_category()) << text;
  }
  EXPECT_EQ(Error().message(), "no error");
}

// The child may read what it finds mapped, and destroy all objects. Every other call answers that
// the window is the parent's.
TEST_F(ErrorTexts, OfAParentsWindowInAChild) {
  HighMemory memory(budget_);
  const HighPage page = *memory.allocate();
  auto reservation = reserve(budget_, 1);
  const auto held = window_.map(0, 100);
  const std::string whose = ": the window belongs to the parent process";
  const int ended = in_a_child([&] {
    Range ranges[] = {{&window_, 0, 1}};
    Cursor cursor(window_);
    (void)cursor.at(0);
    const struct {
      Error error;
      std::string said;
    } table[] = {
        {window_.map(0, 1).error(), name_ + ": 1 bytes at 0"},
        {window_.map(0, 1, no_patience).error(), name_ + ": 1 bytes at 0"},
        {window_.map_for(0, 1, std::chrono::seconds(1)).error(), name_ + ": 1 bytes at 0"},
        {window_.try_map(0, 1).error(), name_ + ": 1 bytes at 0"},
        {window_.map(kGranule - 1, 2).error(), name_ + ": 2 bytes at 65535"},
        {window_.prefetch(0, 1), name_ + ": 1 bytes at 0"},
        {window_.sync(), name_},
        {window_.sync(0, 1), name_ + ": 1 bytes at 0"},
        {window_.start_sync(0, 1), name_ + ": 1 bytes at 0"},
        {window_.resize(5), name_ + ": a size of 5 bytes"},
        {window_.discard(0, kGranule), name_ + ": 65536 bytes at 0"},
        {cursor.error(), name_ + ": 1 bytes at 0"},
        {map_all(budget_, ranges), "budget: 1 granules, 65536 bytes"},
        {reserve(budget_, 1).error(), "budget: 1 granules, 65536 bytes"},
        {reservation->map(window_, 0, 1).error(), name_ + ": 1 bytes at 0"},
        {memory.allocate().error(), "high memory"},
        {memory.map(page).error(), "high memory: page 0"},
        {memory.free(page), "high memory: page 0"},
    };
    for (const auto& it : table) expect_of(it.said, it.error, WindowErrc::forked, whose.substr(2));
    window_.advise(Advice::random);
    EXPECT_TRUE(shows(held->bytes(), 0));
    EXPECT_EQ(thrown_by([&] { FileWindow(file_.descriptor(), Access::read_only, budget_); }),
              name_ + whose);
    EXPECT_EQ(budget_.trim(), 0);
    return testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace kmapper::process
