// The cost of the window in a Linux process, compared with its alternatives, on files in the page
// cache. All in one run, in turn: on a machine with other users, only measurements of one run may
// be compared. bench/process/load.hpp defines the loads; bench/process has a file for each kind of
// contender. A budget is a sixteenth of the file.
//
// Usage: process_bench MIB [quick|full [TEXT]]; TEXT: only contests whose name has it, as "4 KiB,
// zipf". Prints lines of fields between tabs, for ./dev bench:
//     hit      bits, what, then a figure in ns
//     row      bits, contest, contender; for one thread and for two: a figure in ns, its ratio to
//     the
//              window's; system calls and faults an operation, resident memory to the budget
//     aim      bits, what, a ratio, the aim
//     note     bits, something to know
// A figure or a ratio: the median, the lower and the upper quartile. "-": none, or not known.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/process/aims.hpp"
#include "bench/process/cached_file.hpp"
#include "bench/process/contest.hpp"
#include "bench/process/hits.hpp"

namespace {

using namespace kmapper::bench;

constexpr unsigned kBits = sizeof(void*) * 8;

void print(const Figure& figure) {
  std::printf("\t%.5g\t%.5g\t%.5g", figure.median, figure.lower, figure.upper);
}

void print(const std::vector<Hit>& all) {
  for (const Hit& it : all) {
    std::printf("hit\t%u\t%s", kBits, it.name.c_str());
    print(figure_of(it.ns));
    std::printf("\n");
  }
}

void print(const std::vector<Aim>& aims) {
  for (const Aim& it : aims) {
    std::printf("aim\t%u\t%s", kBits, it.what.c_str());
    print(it.ratio);
    std::printf("\t%s\n", it.aim.c_str());
  }
  std::fflush(stdout);
}

void print_ratio(const std::vector<double>& one, const std::vector<double>& window) {
  if (differ(figure_of(one), figure_of(window))) {
    std::printf("\t%.3g", ratio_of(one, window).median);
  } else {
    std::printf("\t-");
  }
}

void print(const std::string& what, const std::vector<Standing>& all) {
  std::int64_t major_faults = 0;
  for (const Standing& it : all) {
    std::printf("row\t%u\t%s\t%s", kBits, what.c_str(), it.name.c_str());
    for (std::size_t i = 0; i < it.ns.size(); ++i) {
      print(figure_of(it.ns[i]));
      print_ratio(it.ns[i], all[0].ns[i]);
    }
    if (it.calls < 0) {
      std::printf("\t-");
    } else {
      std::printf("\t%.3f", it.calls);
    }
    std::printf("\t%.3f\t%.3f\n", it.faults, it.resident);
    major_faults += it.major_faults;
  }
  constexpr std::int64_t kAFew = 100;  // of programs, perhaps
  if (major_faults > kAFew) {
    std::printf("note\t%u\t%s: %lld times a page was not in memory any more\n", kBits, what.c_str(),
                static_cast<long long>(major_faults));
  }
}

void bench(const CachedFile& file, const Effort& effort, const char* only, Residents& residents) {
  for (const std::int64_t granule : {4096, 65536}) {
    for (const Load load : kLoads) {
      const std::string what = std::string(file.is_in_memory() ? "memory" : "disk") + " file, " +
                               std::to_string(granule / 1024) + " KiB, " + name_of(load);
      if (what.find(only) == std::string::npos) continue;
      const std::vector<Standing> all = contest(file, granule, load, effort);
      print(what, all);
      print(aims_of(what, all, load, granule, kBits == 64 && file.is_in_memory()));
      residents.add(what, all);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t mib = argc > 1 ? std::atoll(argv[1]) : 0;
  const bool quick = argc > 2 && std::strcmp(argv[2], "quick") == 0;
  if (mib < 32 || mib > (1 << 20)) {
    std::fprintf(stderr, "usage: process_bench MIB [quick|full [TEXT]]: 32 MiB to 1 TiB\n");
    return 2;
  }
  const Effort effort =
      quick ? Effort{.rounds = 3, .percent = 20} : Effort{.rounds = 9, .percent = 100};
  const std::vector<Hit> all = hits(5 * effort.rounds);  // short ones
  print(all);
  print(aims_of(all));
  Residents residents;
  for (const bool in_memory : {true, false}) {
    const CachedFile file(in_memory, mib << 20);
    bench(file, effort, argc > 3 ? argv[3] : "", residents);
  }
  print({residents.aim()});
  return 0;
}
