// kmapper.h: a mistake of a C program results in a number and a line of text, and never ends the
// process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "in_a_child.hpp"
#include "kmapper/kmapper.h"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kPage = 65536;

/// All handles that a C program can have.
class CMistakes : public testing::Test {
 public:
  CMistakes(const CMistakes&) = delete;
  CMistakes& operator=(const CMistakes&) = delete;

 protected:
  CMistakes() {
    kmapper_options options{};
    options.size = sizeof options;
    options.bytes = 16 * kPage;
    options.granule = kPage;
    EXPECT_EQ(kmapper_budget_create(&options, &budget_), 0);
    EXPECT_EQ(
        kmapper_window_open_descriptor(file_.descriptor(), KMAPPER_READ_WRITE, budget_, &window_),
        0);
    EXPECT_EQ(kmapper_cursor_create(window_, &cursor_), 0);
    EXPECT_EQ(kmapper_high_memory_create(budget_, &memory_), 0);
    EXPECT_EQ(kmapper_reservation_create(budget_, 1, nullptr, &reservation_), 0);
  }
  ~CMistakes() override {
    kmapper_reservation_destroy(reservation_);
    kmapper_high_memory_destroy(memory_);
    kmapper_cursor_destroy(cursor_);
    kmapper_window_close(window_);
    kmapper_budget_destroy(budget_);
  }

  const ScratchFile file_{16 * kPage};
  kmapper_budget* budget_ = nullptr;
  kmapper_window* window_ = nullptr;
  kmapper_cursor* cursor_ = nullptr;
  kmapper_high_memory* memory_ = nullptr;
  kmapper_reservation* reservation_ = nullptr;
};

TEST_F(CMistakes, ANullIsRefusedByName) {
  kmapper_mapping mapping;
  kmapper_stats stats{};
  stats.size = sizeof stats;
  kmapper_high_page page = 0;
  kmapper_range range{};
  kmapper_budget* new_budget = nullptr;
  kmapper_window* new_window = nullptr;
  kmapper_cursor* new_cursor = nullptr;
  kmapper_high_memory* new_memory = nullptr;
  kmapper_reservation* new_reservation = nullptr;
  const struct {
    const char* call;
    const char* argument;
    std::function<std::int64_t()> make;
  } table[] = {
      {"budget_create", "budget", [] { return kmapper_budget_create(nullptr, nullptr); }},
      {"budget_granule", "budget", [] { return kmapper_budget_granule(nullptr); }},
      {"budget_trim", "budget", [] { return kmapper_budget_trim(nullptr); }},
      {"budget_stats", "budget", [&] { return kmapper_budget_stats(nullptr, &stats); }},
      {"budget_stats", "stats", [&] { return kmapper_budget_stats(budget_, nullptr); }},
      {"budget_report_holders", "budget", [] { return kmapper_budget_report_holders(nullptr, 0); }},
      {"mapping_fault", "mapping", [] { return kmapper_mapping_fault(nullptr); }},
      {"cancellation_create", "cancellation", [] { return kmapper_cancellation_create(nullptr); }},
      {"window_open", "path",
       [&] { return kmapper_window_open(nullptr, 0, budget_, &new_window); }},
      {"window_open", "budget", [&] { return kmapper_window_open("x", 0, nullptr, &new_window); }},
      {"window_open", "window", [&] { return kmapper_window_open("x", 0, budget_, nullptr); }},
      {"window_open_descriptor", "budget",
       [&] { return kmapper_window_open_descriptor(0, 0, nullptr, &new_window); }},
      {"window_open_descriptor", "window",
       [&] { return kmapper_window_open_descriptor(0, 0, budget_, nullptr); }},
      {"window_map", "window", [&] { return kmapper_window_map(nullptr, 0, 1, &mapping); }},
      {"window_map", "mapping", [&] { return kmapper_window_map(window_, 0, 1, nullptr); }},
      {"window_try_map", "window", [&] { return kmapper_window_try_map(nullptr, 0, 1, &mapping); }},
      {"window_try_map", "mapping", [&] { return kmapper_window_try_map(window_, 0, 1, nullptr); }},
      {"window_map_for", "window",
       [&] { return kmapper_window_map_for(nullptr, 0, 1, 0, &mapping); }},
      {"window_map_for", "mapping",
       [&] { return kmapper_window_map_for(window_, 0, 1, 0, nullptr); }},
      {"window_map_until", "window",
       [&] { return kmapper_window_map_until(nullptr, 0, 1, nullptr, &mapping); }},
      {"window_map_until", "mapping",
       [&] { return kmapper_window_map_until(window_, 0, 1, nullptr, nullptr); }},
      {"window_advise", "window", [] { return kmapper_window_advise(nullptr, 0); }},
      {"window_prefetch", "window", [] { return kmapper_window_prefetch(nullptr, 0, 1); }},
      {"window_sync", "window", [] { return kmapper_window_sync(nullptr); }},
      {"window_sync_range", "window", [] { return kmapper_window_sync_range(nullptr, 0, 1); }},
      {"window_start_sync", "window", [] { return kmapper_window_start_sync(nullptr, 0, 1); }},
      {"window_resize", "window", [] { return kmapper_window_resize(nullptr, 0); }},
      {"window_discard", "window", [] { return kmapper_window_discard(nullptr, 0, 1); }},
      {"window_trim", "window", [] { return static_cast<int>(kmapper_window_trim(nullptr)); }},
      {"window_refresh", "window", [] { return kmapper_window_refresh(nullptr); }},
      {"window_size", "window", [] { return kmapper_window_size(nullptr); }},
      {"window_longest", "window", [] { return kmapper_window_longest(nullptr); }},
      {"window_placement", "window", [] { return kmapper_window_placement(nullptr); }},
      {"map_all", "budget", [&] { return kmapper_map_all(nullptr, &range, 1, nullptr); }},
      {"map_all", "ranges", [&] { return kmapper_map_all(budget_, nullptr, 1, nullptr); }},
      {"map_all", "ranges[0].window", [&] { return kmapper_map_all(budget_, &range, 1, nullptr); }},
      {"reservation_create", "budget",
       [&] { return kmapper_reservation_create(nullptr, 1, nullptr, &new_reservation); }},
      {"reservation_create", "reservation",
       [&] { return kmapper_reservation_create(budget_, 1, nullptr, nullptr); }},
      {"reservation_map", "reservation",
       [&] { return kmapper_reservation_map(nullptr, window_, 0, 1, &mapping); }},
      {"reservation_map", "window",
       [&] { return kmapper_reservation_map(reservation_, nullptr, 0, 1, &mapping); }},
      {"reservation_map", "mapping",
       [&] { return kmapper_reservation_map(reservation_, window_, 0, 1, nullptr); }},
      {"reservation_left", "reservation", [] { return kmapper_reservation_left(nullptr); }},
      {"cursor_create", "window", [&] { return kmapper_cursor_create(nullptr, &new_cursor); }},
      {"cursor_create", "cursor", [&] { return kmapper_cursor_create(window_, nullptr); }},
      {"cursor_at", "cursor",
       [] { return kmapper_cursor_at(nullptr, 0, 1) != nullptr ? 0 : kmapper_last_error(); }},
      {"high_memory_create", "budget",
       [&] { return kmapper_high_memory_create(nullptr, &new_memory); }},
      {"high_memory_create", "memory",
       [&] { return kmapper_high_memory_create(budget_, nullptr); }},
      {"high_memory_create_committed", "budget",
       [&] { return kmapper_high_memory_create_committed(nullptr, 0, &new_memory); }},
      {"high_memory_create_committed", "memory",
       [&] { return kmapper_high_memory_create_committed(budget_, 0, nullptr); }},
      {"high_memory_allocate", "memory",
       [&] { return kmapper_high_memory_allocate(nullptr, &page); }},
      {"high_memory_allocate", "page",
       [&] { return kmapper_high_memory_allocate(memory_, nullptr); }},
      {"high_memory_free", "memory", [] { return kmapper_high_memory_free(nullptr, 0); }},
      {"high_memory_map", "memory", [&] { return kmapper_high_memory_map(nullptr, 0, &mapping); }},
      {"high_memory_map", "mapping", [&] { return kmapper_high_memory_map(memory_, 0, nullptr); }},
      {"high_memory_try_map", "memory",
       [&] { return kmapper_high_memory_try_map(nullptr, 0, &mapping); }},
      {"high_memory_try_map", "mapping",
       [&] { return kmapper_high_memory_try_map(memory_, 0, nullptr); }},
      {"high_memory_map_until", "memory",
       [&] { return kmapper_high_memory_map_until(nullptr, 0, nullptr, &mapping); }},
      {"high_memory_map_until", "mapping",
       [&] { return kmapper_high_memory_map_until(memory_, 0, nullptr, nullptr); }},
      {"high_memory_page_size", "memory", [] { return kmapper_high_memory_page_size(nullptr); }},
      {"high_memory_allocated", "memory", [] { return kmapper_high_memory_allocated(nullptr); }},
  };
  for (const auto& it : table) {
    std::memset(&mapping, 1, sizeof mapping);
    const std::string expected =
        std::string("kmapper_") + it.call + ": " + it.argument + " is NULL";
    EXPECT_EQ(it.make(), KMAPPER_INVALID_OPTION) << expected;
    EXPECT_EQ(kmapper_last_error(), KMAPPER_INVALID_OPTION);
    EXPECT_EQ(kmapper_last_message(), expected);
    const std::string call = it.call;
    if (call.find("map") != std::string::npos && expected.find("mapping is") == std::string::npos &&
        call != "map_all") {
      EXPECT_EQ(mapping.data, nullptr) << expected;
    }
  }
  EXPECT_EQ(new_budget, nullptr);
  EXPECT_EQ(kmapper_budget_stats(budget_, &stats), 0);
  EXPECT_EQ(stats.pinned, 0);
}

TEST_F(CMistakes, ANullIsNothingToDestroyOrRelease) {
  kmapper_budget_destroy(nullptr);
  kmapper_window_close(nullptr);
  kmapper_cancellation_destroy(nullptr);
  kmapper_cancellation_cancel(nullptr);
  kmapper_reservation_destroy(nullptr);
  kmapper_cursor_destroy(nullptr);
  kmapper_cursor_release(nullptr);
  kmapper_high_memory_destroy(nullptr);
  kmapper_mapping_release(nullptr);
  EXPECT_EQ(kmapper_map_all(budget_, nullptr, 0, nullptr), 0);
}

/// Makes a call fail, and checks its message.
bool fails_and_says_so() {
  static kmapper_budget* budget = nullptr;  // never destroyed
  kmapper_window* window = nullptr;
  return (budget != nullptr || kmapper_budget_create(nullptr, &budget) == 0) &&
         kmapper_window_open("/no/such/file", KMAPPER_READ_ONLY, budget, &window) == ENOENT &&
         kmapper_last_error() == ENOENT &&
         std::strstr(kmapper_last_message(), "/no/such/file: No such file") != nullptr &&
         std::strcmp(kmapper_strerror(KMAPPER_SPENT), "the reservation has no room left") == 0;
}

void end_if_wrong() {
  if (!fails_and_says_so()) _exit(1);
}

TEST_F(CMistakes, AnErrorIsAskedForInAnAtexitHandler) {
  const int ended = in_a_child([] {
    if (std::atexit(end_if_wrong) != 0 || !fails_and_says_so()) return 2;
    std::exit(0);  // NOLINT(concurrency-mt-unsafe)
  });
  EXPECT_EQ(ended, 0);
}

TEST_F(CMistakes, AnErrorIsAskedForInADestructorOfAStaticObject) {
  const int ended = in_a_child([] {
    struct Late {
      ~Late() { end_if_wrong(); }
    };
    static const Late kMadeBefore;
    (void)kMadeBefore;
    if (!fails_and_says_so()) return 2;
    static const Late kMadeAfter;
    (void)kMadeAfter;
    std::exit(0);  // NOLINT(concurrency-mt-unsafe)
  });
  EXPECT_EQ(ended, 0);
}

TEST_F(CMistakes, AnErrorIsAskedForWhileAThreadEnds) {
  const int ended = in_a_child([] {
    pthread_key_t before{};
    pthread_key_t after{};
    const auto fail = [](void*) { end_if_wrong(); };
    if (pthread_key_create(&before, fail) != 0 || !fails_and_says_so() ||
        pthread_key_create(&after, fail) != 0) {
      return 2;
    }
    for (int i = 0; i < 20; ++i) {
      std::thread([&, i] {
        struct Late {
          ~Late() { end_if_wrong(); }
        };
        thread_local const Late kLate;
        (void)kLate;
        if (pthread_setspecific(before, &before) != 0 || pthread_setspecific(after, &after) != 0 ||
            (i % 2 == 0 && !fails_and_says_so())) {
          _exit(3);
        }
      }).join();
    }
    return 0;
  });
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace kmapper::process
