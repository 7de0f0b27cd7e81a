// The parts of the self tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/jobs/outcome.hpp"
#include "kernel/mm/page.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

/// One test. It gives back all that it takes, passed or failed.
struct SelfTest {
  std::string_view name;
  Outcome (*run)();
};

// The tests by subject, each list in the file of that name.
[[nodiscard]] std::span<const SelfTest> page_alloc_tests();
[[nodiscard]] std::span<const SelfTest> window_tests();
[[nodiscard]] std::span<const SelfTest> local_tests();
[[nodiscard]] std::span<const SelfTest> vmap_tests();
[[nodiscard]] std::span<const SelfTest> vmalloc_tests();
[[nodiscard]] std::span<const SelfTest> misuse_tests();
[[nodiscard]] std::span<const SelfTest> watchdog_tests();
[[nodiscard]] std::span<const SelfTest> fault_tests();
[[nodiscard]] std::span<const SelfTest> cpu_tests();
[[nodiscard]] std::span<const SelfTest> all_cpus_tests();
[[nodiscard]] std::span<const SelfTest> conformance_tests();
[[nodiscard]] std::span<const SelfTest> trespass_tests();
[[nodiscard]] std::span<const SelfTest> process_tests();

/// How a thread that was made for a test ended, and what was printed in that time.
class Sacrifice {
 public:
  /// Runs function(argument) in a thread of its own, to its end.
  Sacrifice(Thread::Function function, void* argument);

  /// Fails unless the thread died, and the report has all these words.
  [[nodiscard]] Outcome expect_death(std::span<const std::string_view> words) const;
  /// Fails unless the thread returned, and the report has all these words.
  [[nodiscard]] Outcome expect_return(std::span<const std::string_view> words) const;
  /// Whether the report says "called from" an address in the thread's function.
  [[nodiscard]] bool names_its_call() const;

 private:
  [[nodiscard]] Outcome expect(Ending ending, std::span<const std::string_view> words) const;

  Thread::Function function_;
  bool started_ = false;
  Ending ending_ = Ending::returned;
  std::string_view report_{};  // valid until the next Sacrifice
};

/// Some pages of high memory, given back at the end; none if there are not enough.
class HighPages {
 public:
  explicit HighPages(std::uint32_t count);
  ~HighPages();
  HighPages(const HighPages&) = delete;
  HighPages& operator=(const HighPages&) = delete;

  [[nodiscard]] bool missing() const { return size_ == 0; }
  [[nodiscard]] Page* operator[](std::uint32_t i) const { return pages_[i]; }
  [[nodiscard]] std::span<Page* const> all() const { return {pages_, size_}; }
  /// Page i is not given back: the test has freed it, or lost it on purpose.
  void forget(std::uint32_t i) { pages_[i] = nullptr; }

 private:
  Page** pages_ = nullptr;
  unsigned order_ = 0;  // of the array
  std::uint32_t size_ = 0;
};

/// The first word of a page of an area.
[[nodiscard]] inline volatile std::uint32_t& first_word(void* area, std::uint32_t page = 0) {
  return *reinterpret_cast<volatile std::uint32_t*>(static_cast<char*>(area) + page * kPageSize);
}

inline constexpr std::string_view kNoHighMemory = "too little high memory";
inline constexpr std::string_view kReleaseCannotKnow = "a release build cannot know";
inline constexpr std::string_view kStrictKeepsNothing = "a strict build keeps no page mapped";

/// Whether the page has no user: it has no slot, or an idle one.
[[nodiscard]] bool nobody_holds(Page* page);

/// All slots of the window except `left`, pinned while the object exists, by pages of its own and
/// by the thread that makes it.
class FullWindow {
 public:
  explicit FullWindow(std::uint32_t left = 0);
  ~FullWindow();
  FullWindow(const FullWindow&) = delete;
  FullWindow& operator=(const FullWindow&) = delete;

  /// True if there is too little high memory, or the window has no more than `left` slots.
  [[nodiscard]] bool missing() const { return pages_.missing(); }
  /// One of the mapped pages, and its address.
  [[nodiscard]] Page* page() const { return pages_[0]; }
  /// Unmaps that page, once.
  void let_one_go();

 private:
  HighPages pages_;
  bool let_go_ = false;
};

}  // namespace kmapper::kernel
