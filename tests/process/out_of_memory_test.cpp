// Each allocation fails in turn: in every call of the library, at each place where it allocates.
// The call succeeds, or returns not_enough_memory and changes nothing.
//
// Longer than usual: all operators new and delete of the program are here, with their purpose.
#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "kmapper/kmapper.h"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace {

/// For this thread: the allocations that succeed before one fails. Below 0: all succeed.
thread_local constinit int allocations_left = -1;

bool fails_now() { return allocations_left >= 0 && allocations_left-- == 0; }

void* allocate(std::size_t size, std::size_t alignment) {
  if (fails_now()) return nullptr;
  void* memory = nullptr;
  return posix_memalign(&memory, std::max(alignment, sizeof(void*)), size) == 0 ? memory : nullptr;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* const memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// All of the program's own operators: those of the C++ library call these two kinds.
void* operator new(std::size_t size) { return allocate_or_throw(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
  return allocate(size, alignof(std::max_align_t));
}
// Not inlined: g++ would warn about free().
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/,
                                       std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t& /*unused*/) noexcept {
  std::free(memory);
}

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 65536;
const Options small{.bytes = 16 * kGranule, .granule = kGranule};
const std::error_code done;

int open_descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

/// Mappings of files, and inaccessible addresses: all that the library has except its heap. A
/// sanitizer's allocator has some, too; these are not counted.
int mappings() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#endif
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  std::array<char, 4096> line{};
  int count = 0;
  while (std::fgets(line.data(), static_cast<int>(line.size()), maps) != nullptr) {
    const std::string text = line.data();
    const std::string permissions = text.substr(text.find(' ') + 1, 4);
    count += permissions == "---p" || permissions[3] == 's' ? 1 : 0;
  }
  std::fclose(maps);
  return count;
}

class OutOfMemory : public testing::Test {
 protected:
  Budget budget_{small};
  ScratchFile file_{ScratchFile::on_disk, 20 * kGranule};
  FileWindow window_{file_.path(), Access::read_write, budget_};

  /// The resources that must be unchanged after a failure.
  [[nodiscard]] std::vector<std::int64_t> held() const {
    const Stats stats = budget_.stats();
    const auto free_slots = reserve(budget_, 14, {.deadline = {}});
    return {stats.pinned, open_descriptors(), free_slots ? 1 : 0};
  }

  /// Makes the call with its first allocation failing, with its second, and so on, until no
  /// allocation is left to fail; then it must return `expected`.
  void expect(const char* name, std::error_code expected,
              const std::function<std::error_code()>& call) {
    const std::vector<std::int64_t> before = held();
    for (int n = 0;; ++n) {
      ASSERT_LT(n, 1000) << name;
      allocations_left = n;
      std::error_code code;
      try {
        code = call();
      } catch (const std::bad_alloc&) {
        code = std::make_error_code(std::errc::not_enough_memory);
      }
      const bool failed = allocations_left < 0;
      allocations_left = -1;
      ASSERT_EQ(held(), before) << name << ", allocation " << n;
      if (!failed) {
        EXPECT_EQ(code, expected) << name;
        return;
      }
      if (code != expected) {
        EXPECT_EQ(code, std::errc::not_enough_memory) << name << ", allocation " << n;
      }
    }
  }
  /// The same for a call in C.
  void expect(const char* name, int expected, const std::function<int()>& call) {
    const auto code_of = [](int number) {
      return number < 0 ? std::error_code(-number, window_category())
                        : std::error_code(number, std::system_category());
    };
    expect(name, code_of(expected), [&] { return code_of(call()); });
  }
};

template <class Make>
std::error_code thrown_by(Make make) {
  try {
    make();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

TEST_F(OutOfMemory, OfConstructors) {
  const int before = mappings();
  expect("Budget", done, [] { return Budget(small), done; });
  expect("a wrong Budget", WindowErrc::invalid_option,
         [] { return thrown_by([] { Budget({.granule = 12345}); }); });
  expect("FileWindow", done,
         [&] { return FileWindow(file_.path(), Access::read_only, budget_), done; });
  expect("FileWindow of a descriptor", done,
         [&] { return FileWindow(file_.descriptor(), Access::read_only, budget_), done; });
  expect("FileWindow of no file", std::error_code(ENOENT, std::system_category()), [&] {
    return thrown_by([&] { FileWindow("/no/such/file", Access::read_only, budget_); });
  });
  expect("HighMemory", done, [&] { return HighMemory(budget_), done; });
  expect("Cursor", done, [&] { return Cursor(window_), done; });
  EXPECT_EQ(mappings(), before);
}

TEST_F(OutOfMemory, OfPlacementsThatCannotBe) {
  const Budget home({.bytes = 16 * kGranule, .granule = kGranule, .placement = Placement::home});
  expect("no home on a disk", WindowErrc::invalid_option,
         [&] { return thrown_by([&] { FileWindow(file_.path(), Access::read_only, home); }); });
}

TEST_F(OutOfMemory, OfMaps) {
  expect("map", done, [&] { return window_.map(0, 5).error().code(); });
  expect("map across granules", done, [&] { return window_.map(kGranule - 1, 2).error().code(); });
  expect("map of nothing", WindowErrc::invalid_range,
         [&] { return window_.map(-1, 2).error().code(); });
  expect("map behind the end", WindowErrc::beyond_end,
         [&] { return window_.map(kGranule * 20, 2).error().code(); });
  Cursor cursor(window_);
  expect("Cursor::at", done, [&] {
    std::error_code code = cursor.at(kGranule) == nullptr ? cursor.error().code() : done;
    cursor.release();
    return code;
  });
  expect("Cursor::at behind the end", WindowErrc::beyond_end,
         [&] { return cursor.at(kGranule * 20) == nullptr ? cursor.error().code() : done; });
}

TEST_F(OutOfMemory, OfMapsThatWait) {
  std::vector<Mapping> all;
  for (std::int64_t i = 0; i < 14; ++i) all.push_back(std::move(*window_.map(i * kGranule, 1)));
  all.push_back(std::move(*window_.map(kGranule - 1, 2)));
  std::stop_source stop;
  for (const std::int64_t length : {1, 2}) {
    const std::int64_t offset = 18 * kGranule - 1;
    expect("try_map", WindowErrc::would_sleep,
           [&] { return window_.try_map(offset, length).error().code(); });
    expect("map_for", WindowErrc::timed_out, [&] {
      return window_.map_for(offset, length, std::chrono::microseconds(1)).error().code();
    });
    expect("map with a stop token", WindowErrc::timed_out, [&] {
      const Patience patience{.deadline = {}, .stop = stop.get_token()};
      return window_.map(offset, length, patience).error().code();
    });
  }
  expect("reserve", WindowErrc::timed_out,
         [&] { return reserve(budget_, 1, {.deadline = {}}).error().code(); });
}

TEST_F(OutOfMemory, OfSeveralMapsAtOnce) {
  expect("map_all", done, [&] {
    Range ranges[] = {{&window_, 0, 1}, {&window_, 5 * kGranule, 1}, {&window_, 1, 1}};
    return map_all(budget_, ranges).code();
  });
  std::vector<Range> many(15);
  for (std::size_t i = 0; i < many.size(); ++i)
    many[i] = {&window_, static_cast<std::int64_t>(i) * kGranule, 1};
  expect("map_all of too many", WindowErrc::too_large,
         [&] { return map_all(budget_, many).code(); });
  expect("reserve", done, [&] {
    auto reservation = reserve(budget_, 2);
    if (!reservation) return reservation.error().code();
    return reservation->map(window_, 9 * kGranule, 1).error().code();
  });
  expect("reserve too many", WindowErrc::too_large,
         [&] { return reserve(budget_, 15).error().code(); });
}

// A patched granule is mapped again, if it is pinned already.
TEST_F(OutOfMemory, OfSeveralMapsOfWhatWasPatched) {
  const auto patch = [&] {
    EXPECT_EQ(ftruncate64(file_.descriptor(), 19 * kGranule), 0);
    auto mapping = window_.map(19 * kGranule, 1);
    EXPECT_EQ(ftruncate64(file_.descriptor(), 20 * kGranule), 0);
    if (!mapping) mapping = window_.map(19 * kGranule, 1);
    EXPECT_EQ(ftruncate64(file_.descriptor(), 19 * kGranule), 0);
    (void)*static_cast<volatile std::byte*>(mapping->data());
    EXPECT_TRUE(mapping->bad());
    EXPECT_EQ(ftruncate64(file_.descriptor(), 20 * kGranule), 0);
  };
  expect("map_all", done, [&] {
    const int left = std::exchange(allocations_left, -1);
    patch();
    allocations_left = left;
    Range ranges[] = {{&window_, 0, 1}, {&window_, 19 * kGranule, 1}};
    return map_all(budget_, ranges).code();
  });
}

TEST_F(OutOfMemory, OfWhatIsDoneToTheFile) {
  expect("sync", done, [&] { return window_.sync().code(); });
  expect("sync of a range", done, [&] { return window_.sync(0, 5).code(); });
  expect("start_sync", done, [&] { return window_.start_sync(0, 5).code(); });
  expect("prefetch", done, [&] { return window_.prefetch(0, kGranule).code(); });
  expect("advise", done, [&] { return window_.advise(Advice::random), done; });
  expect("resize", done, [&] { return window_.resize(21 * kGranule).code(); });
  expect("discard", done, [&] { return window_.discard(0, kGranule).code(); });
  expect("resize of nothing", WindowErrc::invalid_range, [&] { return window_.resize(-1).code(); });
  expect("stats", done, [&] { return (void)budget_.stats(), done; });
  expect("trim", done, [&] { return (void)budget_.trim(), done; });
  const auto mapping = window_.map(0, 1);
  expect("report_holders", done,
         [&] { return (void)budget_.report_holders(std::chrono::nanoseconds(0)), done; });
  expect("Error::message", done, [&] { return (void)window_.map(-1, 1).error().message(), done; });
}

TEST_F(OutOfMemory, OfHighMemory) {
  std::optional<HighMemory> memory(budget_);
  std::vector<HighPage> pages;
  pages.reserve(1000);
  expect("allocate", done, [&] {
    std::error_code code;
    for (int i = 0; i < 100 && !code; ++i) {  // a file that grows
      const auto page = memory->allocate();
      code = page.error().code();
      if (!code) pages.push_back(*page);
    }
    return code;
  });
  EXPECT_EQ(memory->allocated(), static_cast<std::int64_t>(pages.size()));
  expect("map", done, [&] { return memory->map(pages[0]).error().code(); });
  expect("free twice", WindowErrc::invalid_range, [&] {
    (void)memory->free(pages[0]);
    return memory->free(pages[0]).code();
  });
}

TEST_F(OutOfMemory, OfHandlesInC) {
  const int before = mappings();
  kmapper_budget* budget = nullptr;
  ASSERT_EQ(kmapper_budget_create(nullptr, &budget), 0);
  kmapper_window* window = nullptr;
  ASSERT_EQ(kmapper_window_open_descriptor(file_.descriptor(), 1, budget, &window), 0);
  expect("budget_create", 0, [] {
    kmapper_budget* made = nullptr;
    const int status = kmapper_budget_create(nullptr, &made);
    kmapper_budget_destroy(made);
    return status;
  });
  expect("budget_create of another version", KMAPPER_INVALID_OPTION, [] {
    kmapper_options options{};
    options.size = 1;
    kmapper_budget* made = nullptr;
    return kmapper_budget_create(&options, &made);
  });
  expect("window_open", 0, [&] {
    kmapper_window* made = nullptr;
    const int status = kmapper_window_open(file_.path().c_str(), 0, budget, &made);
    kmapper_window_close(made);
    return status;
  });
  expect("window_open of no file", ENOENT, [&] {
    kmapper_window* made = nullptr;
    return kmapper_window_open("/no/such/file", 0, budget, &made);
  });
  expect("cursor_create", 0, [&] {
    kmapper_cursor* made = nullptr;
    const int status = kmapper_cursor_create(window, &made);
    kmapper_cursor_destroy(made);
    return status;
  });
  expect("cancellation_create", 0, [] {
    kmapper_cancellation* made = nullptr;
    const int status = kmapper_cancellation_create(&made);
    kmapper_cancellation_destroy(made);
    return status;
  });
  expect("reservation_create", 0, [&] {
    kmapper_reservation* made = nullptr;
    const int status = kmapper_reservation_create(budget, 1, nullptr, &made);
    kmapper_reservation_destroy(made);
    return status;
  });
  expect("high_memory_create", 0, [&] {
    kmapper_high_memory* made = nullptr;
    const int status = kmapper_high_memory_create(budget, &made);
    kmapper_high_memory_destroy(made);
    return status;
  });
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
  EXPECT_EQ(mappings(), before);
}

TEST_F(OutOfMemory, OfCallsInC) {
  kmapper_budget* budget = nullptr;
  kmapper_window* window = nullptr;
  kmapper_high_memory* memory = nullptr;
  ASSERT_EQ(kmapper_budget_create(nullptr, &budget), 0);
  ASSERT_EQ(kmapper_window_open_descriptor(file_.descriptor(), 1, budget, &window), 0);
  ASSERT_EQ(kmapper_high_memory_create(budget, &memory), 0);
  expect("window_map", 0, [&] {
    kmapper_mapping mapping;
    const int status = kmapper_window_map(window, 0, 1, &mapping);
    kmapper_mapping_release(&mapping);
    return status;
  });
  expect("window_map behind the end", KMAPPER_BEYOND_END, [&] {
    kmapper_mapping mapping;
    return kmapper_window_map(window, kGranule * 20, 1, &mapping);
  });
  expect("map_all", 0, [&] {
    kmapper_range ranges[2]{{window, 0, 1, {}}, {window, kGranule, 1, {}}};
    const int status = kmapper_map_all(budget, ranges, 2, nullptr);
    for (kmapper_range& it : ranges) kmapper_mapping_release(&it.mapping);
    return status;
  });
  expect("map_all of no window", KMAPPER_INVALID_OPTION, [&] {
    kmapper_range range{};
    return kmapper_map_all(budget, &range, 1, nullptr);
  });
  expect("high_memory_free", KMAPPER_INVALID_RANGE,
         [&] { return kmapper_high_memory_free(memory, 5); });
  expect("window_advise", KMAPPER_INVALID_OPTION, [&] { return kmapper_window_advise(window, 7); });
  expect("a NULL", KMAPPER_INVALID_OPTION, [] { return kmapper_window_sync(nullptr); });
  expect("last_message", KMAPPER_INVALID_OPTION, [] {
    (void)kmapper_window_sync(nullptr);
    EXPECT_NE(kmapper_last_message(), nullptr);
    EXPECT_NE(kmapper_strerror(ENOSPC), nullptr);
    return kmapper_last_error();
  });
  kmapper_high_memory_destroy(memory);
  kmapper_window_close(window);
  kmapper_budget_destroy(budget);
}

}  // namespace
}  // namespace kmapper::process
