// A replacement policy, as this bench sees it: pages come one after another, and the policy says
// which of them it still had.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kmapper::bench {

/// A page of a trace. A trace has pages from 0 up to Trace::pages.
using TracePage = std::uint32_t;

struct Trace {
  std::string name;
  std::uint32_t pages = 0;
  std::vector<TracePage> uses;  // in their order
};

/// What a policy had to do, besides its misses.
struct Work {
  std::uint64_t slow_hits = 0;  // that set the referenced bit
  std::uint64_t examined = 0;   // slots
  std::uint64_t leaves = 0;
};

class Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;
  /// Uses a page. False: a miss; the page has a slot from now on.
  virtual bool use(TracePage page) = 0;
  [[nodiscard]] virtual Work work() const { return {}; }
};

/// How to make a policy for so many slots and a trace with so many pages.
struct Contestant {
  std::string name;
  std::unique_ptr<Policy> (*make)(std::uint32_t slots, std::uint32_t pages);
};

template <class T>
Contestant contestant(const char* name) {
  return {name, [](std::uint32_t slots, std::uint32_t pages) -> std::unique_ptr<Policy> {
            return std::make_unique<T>(slots, pages);
          }};
}

/// Policies of the literature, exact and for one thread: classics.cpp and scan_resistant.cpp.
[[nodiscard]] std::vector<Contestant> classics();
[[nodiscard]] std::vector<Contestant> scan_resistant();
/// The library itself: process.cpp.
[[nodiscard]] Contestant library();

/// The misses of the least that any policy could have, after `warm` uses (Belady, 1966).
[[nodiscard]] std::uint64_t fewest_misses(const Trace& trace, std::uint32_t slots,
                                          std::size_t warm);

}  // namespace kmapper::bench
