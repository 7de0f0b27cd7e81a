// The C interface to budgets, mappings, windows and cursors: see kmapper/kmapper.h.
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "kmapper/process/cursor.hpp"
#include "process/api/internals.hpp"
#include "process/c/api.hpp"

// NOLINTBEGIN(readability-identifier-naming): C's names
struct kmapper_cursor {
  kmapper::process::Cursor cursor;
};
// NOLINTEND(readability-identifier-naming)

namespace kmapper::process::c {
namespace {

Access access_of(int access) {
  if (access == KMAPPER_READ_ONLY) return Access::read_only;
  if (access == KMAPPER_READ_WRITE) return Access::read_write;
  throw std::system_error(WindowErrc::invalid_option,
                          "access " + std::to_string(access) + " is neither KMAPPER_READ_ONLY (" +
                              std::to_string(KMAPPER_READ_ONLY) + ") nor KMAPPER_READ_WRITE (" +
                              std::to_string(KMAPPER_READ_WRITE) + ")");
}

Options options_of(const kmapper_options& options) {
  const auto expect_at_most = [](const char* name, std::uint32_t value, std::uint32_t most) {
    if (value <= most) return;
    throw std::system_error(
        WindowErrc::invalid_option,
        std::string(name) + " " + std::to_string(value) + " is above " + std::to_string(most));
  };
  expect_at_most("placement", options.placement, KMAPPER_PLACEMENT_COPIES);
  expect_at_most("strict", options.strict, 1);
  expect_at_most("direct", options.direct, 1);
  expect_at_most("core_dump", options.core_dump, KMAPPER_CORE_DUMP_EVERYTHING);
  expect_at_most("on_long_wait", options.on_long_wait, KMAPPER_ON_LONG_WAIT_ERROR);
  Options result;
  if (options.bytes != 0) result.bytes = options.bytes;
  result.granule = options.granule;
  result.placement = static_cast<Placement>(options.placement);
  result.strict = options.strict != 0;
  result.core_dump = static_cast<CoreDump>(options.core_dump);
  result.on_long_wait = static_cast<OnLongWait>(options.on_long_wait);
  result.span_bytes = options.span_bytes;
  result.direct = options.direct != 0;
  return result;
}
static_assert(static_cast<int>(Advice::sequential) == KMAPPER_ADVICE_SEQUENTIAL);
static_assert(static_cast<int>(Advice::random) == KMAPPER_ADVICE_RANDOM);
static_assert(static_cast<int>(Placement::slots) == KMAPPER_PLACEMENT_SLOTS);
static_assert(static_cast<int>(Placement::home) == KMAPPER_PLACEMENT_HOME);
static_assert(static_cast<int>(Placement::copies) == KMAPPER_PLACEMENT_COPIES);
static_assert(static_cast<int>(CoreDump::slots) == KMAPPER_CORE_DUMP_SLOTS);
static_assert(static_cast<int>(CoreDump::nothing) == KMAPPER_CORE_DUMP_NOTHING);
static_assert(static_cast<int>(CoreDump::everything) == KMAPPER_CORE_DUMP_EVERYTHING);
static_assert(static_cast<int>(OnLongWait::quiet) == KMAPPER_ON_LONG_WAIT_QUIET);
static_assert(static_cast<int>(OnLongWait::error) == KMAPPER_ON_LONG_WAIT_ERROR);

kmapper_stats stats_of(const Stats& stats, std::uint64_t size) {
  return {.size = size,
          .hits = stats.hits,
          .misses = stats.misses,
          .scavenges = stats.scavenges,
          .slots_scavenged = stats.slots_scavenged,
          .sleeps = stats.sleeps,
          .longest_sleep_ns = stats.longest_sleep_ns,
          .longest_hold_ns = stats.longest_hold_ns,
          .longest_holder = stats.longest_holder,
          .map_calls = stats.map_calls,
          .unmap_calls = stats.unmap_calls,
          .spans = stats.spans,
          .budget = stats.budget,
          .granule = stats.granule,
          .mapped = stats.mapped,
          .populated = stats.populated,
          .pinned = stats.pinned,
          .overhead = stats.overhead,
          .span_bytes = stats.span_bytes,
          .span_bytes_in_use = stats.span_bytes_in_use,
          .span_longest_free = stats.span_longest_free,
          .span_waiters = stats.span_waiters,
          .files_in_slots = stats.files_in_slots,
          .files_at_home = stats.files_at_home,
          .files_in_copies = stats.files_in_copies};
}

int no_such_advice(int advice) noexcept {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "advice %d is not from %d to %d", advice,
                KMAPPER_ADVICE_NORMAL, KMAPPER_ADVICE_RANDOM);
  return failed(KMAPPER_INVALID_OPTION, text.data());
}

const Mapping& mapping_in(const kmapper_mapping* mapping) {
  return *std::launder(reinterpret_cast<const Mapping*>(mapping->private_words));
}

}  // namespace

Patience patience_of(const kmapper_patience& patience) {
  Patience result;
  if (patience.deadline_ns != 0) {
    result.deadline =
        std::chrono::steady_clock::time_point(std::chrono::nanoseconds(patience.deadline_ns));
  }
  if (patience.cancellation != nullptr) result.stop = patience.cancellation->source.get_token();
  return result;
}

int failed_map(const Error& error, kmapper_mapping* mapping) noexcept {
  std::memset(mapping, 0, sizeof *mapping);
  return failed(error);
}

int null_for_mapping(const char* call, std::initializer_list<Needed> arguments,
                     kmapper_mapping* mapping) {
  if (mapping == nullptr) return null_argument(call, "mapping");
  std::memset(mapping, 0, sizeof *mapping);
  return refuse_null(call, arguments);
}

}  // namespace kmapper::process::c

using namespace kmapper::process::c;  // NOLINT(google-build-using-namespace): this is its face
using kmapper::process::Advice;
using kmapper::process::Budget;
using kmapper::process::Cursor;
using kmapper::process::Expected;
using kmapper::process::FileWindow;
using kmapper::process::Internals;
using kmapper::process::Patience;

// --- Budgets ---

int kmapper_budget_create(const kmapper_options* options, kmapper_budget** budget) {
  kmapper_options none{};
  none.size = sizeof none;
  const std::optional<kmapper_options> known = read(options != nullptr ? options : &none);
  if (!known) {
    if (budget != nullptr) *budget = nullptr;
    return wrong_size("a kmapper_options", options->size, sizeof *options);
  }
  return create(__func__, "budget", budget, {},
                [&] { return new kmapper_budget{Budget(options_of(*known))}; });
}

void kmapper_budget_destroy(kmapper_budget* budget) { delete budget; }

int64_t kmapper_budget_granule(const kmapper_budget* budget) {
  if (budget == nullptr) return null_argument(__func__, "budget");
  return budget->budget.granule();
}

int64_t kmapper_budget_trim(const kmapper_budget* budget) {
  if (budget == nullptr) return null_argument(__func__, "budget");
  return budget->budget.trim();
}

int kmapper_budget_stats(const kmapper_budget* budget, kmapper_stats* stats) {
  if (const int wrong = refuse_null(__func__, {{budget, "budget"}, {stats, "stats"}})) return wrong;
  const std::uint64_t size = stats->size;
  if (size < sizeof size) return wrong_size("a kmapper_stats", size, sizeof *stats);
  const kmapper_stats now = stats_of(budget->budget.stats(), size);
  std::memset(stats, 0, static_cast<std::size_t>(size));  // for members that only the program knows
  std::memcpy(stats, &now, std::min(static_cast<std::size_t>(size), sizeof now));
  return KMAPPER_OK;
}

int64_t kmapper_budget_report_holders(const kmapper_budget* budget, int64_t nanoseconds) {
  if (budget == nullptr) return null_argument(__func__, "budget");
  return budget->budget.report_holders(std::chrono::nanoseconds(nanoseconds));
}

// --- Mappings ---

void kmapper_mapping_release(kmapper_mapping* mapping) {
  if (mapping == nullptr || mapping->data == nullptr) return;
  mapping_in(mapping).~Mapping();
  std::memset(mapping, 0, sizeof *mapping);
}

int kmapper_mapping_fault(const kmapper_mapping* mapping) {
  if (mapping == nullptr) return null_argument(__func__, "mapping");
  return mapping->data != nullptr ? number_of(mapping_in(mapping).fault()) : KMAPPER_OK;
}

// --- Waits ---

int kmapper_cancellation_create(kmapper_cancellation** cancellation) {
  return create(__func__, "cancellation", cancellation, {},
                [] { return new kmapper_cancellation; });
}

void kmapper_cancellation_destroy(kmapper_cancellation* cancellation) { delete cancellation; }

void kmapper_cancellation_cancel(kmapper_cancellation* cancellation) {
  if (cancellation != nullptr) cancellation->source.request_stop();
}

// --- Windows ---

int kmapper_window_open(const char* path, int access, const kmapper_budget* budget,
                        kmapper_window** window) {
  return create(__func__, "window", window, {{path, "path"}, {budget, "budget"}}, [&] {
    return new kmapper_window{FileWindow(path, access_of(access), budget->budget)};
  });
}

int kmapper_window_open_descriptor(int descriptor, int access, const kmapper_budget* budget,
                                   kmapper_window** window) {
  return create(__func__, "window", window, {{budget, "budget"}}, [&] {
    return new kmapper_window{FileWindow(descriptor, access_of(access), budget->budget)};
  });
}

void kmapper_window_close(kmapper_window* window) { delete window; }

int kmapper_window_map(kmapper_window* window, int64_t offset, int64_t length,
                       kmapper_mapping* mapping) {
  return map_from(__func__, {window, "window"}, mapping,
                  [&] { return window->window.map(offset, length); });
}

int kmapper_window_try_map(kmapper_window* window, int64_t offset, int64_t length,
                           kmapper_mapping* mapping) {
  return map_from(__func__, {window, "window"}, mapping,
                  [&] { return window->window.try_map(offset, length); });
}

int kmapper_window_map_for(kmapper_window* window, int64_t offset, int64_t length,
                           int64_t nanoseconds, kmapper_mapping* mapping) {
  return map_from(__func__, {window, "window"}, mapping, [&] {
    return window->window.map_for(offset, length, std::chrono::nanoseconds(nanoseconds));
  });
}

int kmapper_window_map_until(kmapper_window* window, int64_t offset, int64_t length,
                             const kmapper_patience* patience, kmapper_mapping* mapping) {
  return map_until(__func__, {window, "window"}, patience, mapping,
                   [&](const Patience& it) { return window->window.map(offset, length, it); });
}

int kmapper_window_map_private(kmapper_window* window, int64_t offset, int64_t length,
                               const kmapper_patience* patience, kmapper_mapping* mapping) {
  return map_until(__func__, {window, "window"}, patience, mapping, [&](const Patience& it) {
    return window->window.map_private(offset, length, it);
  });
}

int kmapper_window_advise(kmapper_window* window, int advice) {
  if (window == nullptr) return null_argument(__func__, "window");
  if (advice < KMAPPER_ADVICE_NORMAL || advice > KMAPPER_ADVICE_RANDOM)
    return no_such_advice(advice);
  window->window.advise(static_cast<Advice>(advice));
  return KMAPPER_OK;
}

int kmapper_window_prefetch(kmapper_window* window, int64_t offset, int64_t length) {
  if (window == nullptr) return null_argument(__func__, "window");
  return status_of(window->window.prefetch(offset, length));
}

int kmapper_window_sync_range(kmapper_window* window, int64_t offset, int64_t length) {
  if (window == nullptr) return null_argument(__func__, "window");
  return status_of(window->window.sync(offset, length));
}

int kmapper_window_sync(kmapper_window* window) {
  if (window == nullptr) return null_argument(__func__, "window");
  return status_of(window->window.sync());
}

int kmapper_window_start_sync(kmapper_window* window, int64_t offset, int64_t length) {
  if (window == nullptr) return null_argument(__func__, "window");
  return status_of(window->window.start_sync(offset, length));
}

int kmapper_window_resize(kmapper_window* window, int64_t size) {
  if (window == nullptr) return null_argument(__func__, "window");
  return status_of(window->window.resize(size));
}

int kmapper_window_append(kmapper_window* window, const void* data, size_t length,
                          int64_t* offset) {
  if (offset != nullptr) *offset = 0;
  if (window == nullptr) return null_argument(__func__, "window");
  if (data == nullptr && length != 0) return null_argument(__func__, "data");
  const Expected<std::int64_t> appended =
      window->window.append({static_cast<const std::byte*>(data), length});
  if (!appended) return failed(appended.error());
  if (offset != nullptr) *offset = *appended;
  return KMAPPER_OK;
}

int kmapper_window_discard(kmapper_window* window, int64_t offset, int64_t length) {
  if (window == nullptr) return null_argument(__func__, "window");
  return status_of(window->window.discard(offset, length));
}

int64_t kmapper_window_trim(kmapper_window* window) {
  if (window == nullptr) return null_argument(__func__, "window");
  return window->window.trim();
}

int kmapper_window_refresh(kmapper_window* window) {
  if (window == nullptr) return null_argument(__func__, "window");
  return status_of(window->window.refresh());
}

int64_t kmapper_window_size(const kmapper_window* window) {
  if (window == nullptr) return null_argument(__func__, "window");
  return window->window.size();
}

int64_t kmapper_window_longest(const kmapper_window* window) {
  if (window == nullptr) return null_argument(__func__, "window");
  return window->window.longest();
}

int kmapper_window_placement(const kmapper_window* window) {
  if (window == nullptr) return null_argument(__func__, "window");
  return static_cast<int>(window->window.placement());
}

const char* kmapper_window_why_placed(const kmapper_window* window) {
  if (window == nullptr) {
    null_argument(__func__, "window");
    return nullptr;
  }
  return Internals::file_of(window->window)->why_placed();
}

// --- Cursors ---

int kmapper_cursor_create(kmapper_window* window, kmapper_cursor** cursor) {
  return create(__func__, "cursor", cursor, {{window, "window"}},
                [&] { return new kmapper_cursor{Cursor(window->window)}; });
}

void kmapper_cursor_destroy(kmapper_cursor* cursor) { delete cursor; }

void* kmapper_cursor_at(kmapper_cursor* cursor, int64_t offset, size_t length) {
  if (cursor == nullptr) [[unlikely]] {
    null_argument(__func__, "cursor");
    return nullptr;
  }
  void* const at = cursor->cursor.at(offset, length);
  if (at == nullptr) failed(cursor->cursor.error());
  return at;
}

void kmapper_cursor_release(kmapper_cursor* cursor) {
  if (cursor != nullptr) cursor->cursor.release();
}
