// Which pages should lose their slots? Miss ratios of the core's replacement with and without what
// kRemembers adds, and of the literature's policies, over the traces of
// bench/replacement/traces.hpp; and how much the core looks at for it. Nothing is timed, so the
// tables are the same on every machine.
//
//     replacement_bench [slots [uses of each slot]]    10,000 and 64 by default: half a minute
//     replacement_bench ... library                    the simulation beside the library itself
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/replacement/policy.hpp"
#include "bench/replacement/traces.hpp"
#include "bench/replacement/window.hpp"

namespace kmapper::bench {
namespace {

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// Misses of the uses from `first` on.
std::uint64_t misses(Policy& policy, const Trace& trace, std::size_t first) {
  std::uint64_t misses = 0;
  for (std::size_t i = 0; i < trace.uses.size(); ++i) {
    if (!policy.use(trace.uses[i]) && i >= first) ++misses;
  }
  return misses;
}

std::vector<Contestant> policies() {
  std::vector<Contestant> all = windows();
  for (Contestant& one : classics()) all.push_back(std::move(one));
  for (Contestant& one : scan_resistant()) all.push_back(std::move(one));
  return all;
}

void print_misses(const std::vector<Contestant>& all, std::uint32_t slots, std::size_t uses) {
  std::printf("Misses of 100 uses, %u slots, the second half of %zu uses\n%-15s", slots, uses, "");
  for (const Contestant& one : all) std::printf(" %10s", one.name.c_str());
  std::printf(" %10s\n", "best");
  for (const TraceMaker& maker : traces()) {
    const Trace trace = maker.make(slots, uses);
    const std::size_t warm = trace.uses.size() / 2;
    std::printf("%-15s", maker.name.c_str());
    for (const Contestant& one : all) {
      const auto policy = one.make(slots, trace.pages);
      std::printf(" %10.2f", percent(misses(*policy, trace, warm), trace.uses.size() - warm));
      std::fflush(stdout);
    }
    std::printf(" %10.2f\n", percent(fewest_misses(trace, slots, warm), trace.uses.size() - warm));
  }
}

void print_work(std::uint32_t slots, std::size_t uses) {
  std::printf("\nHits of 100 that set the referenced bit; slots and leaves looked at, per miss\n");
  std::printf("%-15s", "");
  for (const Contestant& one : windows_at_work()) std::printf(" %20s", one.name.c_str());
  std::printf("\n");
  for (const TraceMaker& maker : traces()) {
    const Trace trace = maker.make(slots, uses);
    std::printf("%-15s", maker.name.c_str());
    for (const Contestant& one : windows_at_work()) {
      const auto policy = one.make(slots, trace.pages);
      const std::uint64_t missed = misses(*policy, trace, 0);
      const Work work = policy->work();
      std::printf(" %8.2f %5.2f %5.2f", percent(work.slow_hits, trace.uses.size() - missed),
                  percent(work.examined, missed) / 100, percent(work.leaves, missed) / 100);
    }
    std::printf("\n");
  }
}

/// The argument, or, where there is none, `otherwise`. Ends the program when it is out of range.
std::uint32_t number(const char* what, const char* text, std::uint32_t otherwise,
                     std::uint32_t least, std::uint32_t most) {
  if (text == nullptr) return otherwise;
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (end != text && *end == 0 && value >= least && value <= most)
    return static_cast<std::uint32_t>(value);
  std::fprintf(stderr, "replacement_bench: %s: %s is not a number from %u to %u\n", what, text,
               least, most);
  std::exit(2);
}

int run(int count, char** arguments) {
  const bool has_library = count > 1 && std::string_view(arguments[count - 1]) == "library";
  if (has_library) arguments[--count] = nullptr;
  if (count > 3) {
    std::fprintf(stderr, "replacement_bench: %d arguments; it takes 2 numbers at most\n",
                 count - 1);
    return 2;
  }
  const std::uint32_t slots = number("slots", arguments[1], 10'000, 8, 1'000'000);
  const std::uint32_t uses =
      number("uses of each slot", count > 1 ? arguments[2] : nullptr, 64, 16, 256);
  if (has_library) {
    std::vector<Contestant> all = windows_at_work();
    all.push_back(library());
    print_misses(all, slots, std::size_t{slots} * uses);
    return 0;
  }
  print_misses(policies(), slots, std::size_t{slots} * uses);
  print_work(slots, std::size_t{slots} * uses);
  return 0;
}

}  // namespace
}  // namespace kmapper::bench

int main(int count, char** arguments) { return kmapper::bench::run(count, arguments); }
