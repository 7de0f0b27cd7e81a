// The cost of the window in a Linux process, compared with its alternatives. All in one run, in
// turn: on a machine with other users, only measurements of one run may be compared.
// bench/process/load.hpp defines the loads; bench/process has a file for each kind of contender.
//
// Usage: process_bench MIB [quick|full [TEXT]]; TEXT: only contests whose name has it, as "4 KiB,
// 1/16, zipf". Prints lines of fields between tabs, for ./dev bench:
//     price    bits, file, what, then a figure in ns: what system calls alone take
//     hit      bits, what, then a figure in ns
//     together bits, file, what, then a figure in ns: one page of several
//     row      bits, contest, contender; system calls and faults an operation, resident memory to
//              the budget; then for each number of threads: that number, a figure in ns, and its
//              ratio to the window's
//     best     bits, contest, threads, the best contender, its time's ratio to the window's
//     aim      bits, what, a ratio, the aim
//     note     bits, something to know
// A figure or a ratio: the median, the lower and the upper quartile. "-": none, or not known.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "bench/process/aims.hpp"
#include "bench/process/cached_file.hpp"
#include "bench/process/contest.hpp"
#include "bench/process/hits.hpp"
#include "bench/process/prices.hpp"
#include "bench/process/together.hpp"

namespace {

using namespace kmapper::bench;

constexpr unsigned kBits = sizeof(void*) * 8;

/// All contests with one file, in their order. Those that have the kernel forget the file come
/// last.
std::vector<Plan> plans(bool in_memory, bool has_larger_budgets) {
  const std::vector<unsigned> threads = {1, 2, 4};
  // More threads than CPUs would lose the CPU at some accesses, and not at others.
  const std::vector<unsigned> few = {1, 2};
  std::vector<Plan> all;
  for (const std::int64_t granule : kGranules) {
    for (const Load load :
         {Load::uniform, Load::zipf, Load::mix, Load::scan, Load::beside, Load::writes}) {
      all.push_back({granule, 16, load, load == Load::beside ? few : threads});
    }
  }
  if (has_larger_budgets) {
    for (const std::int64_t granule : kGranules) {
      for (const Load load : {Load::uniform, Load::zipf, Load::mix, Load::beside})
        all.push_back({granule, 4, load, load == Load::beside ? few : threads});
    }
  }
  if (in_memory) {
    all.push_back({kGranules[0], 16, Load::zipf, {1, 2, 4, 8}, true});
  } else {
    for (const std::int64_t granule : kGranules)
      all.push_back({granule, 16, Load::uncached, threads});
  }
  return all;
}

void print(const Figure& figure) {
  std::printf("\t%.5g\t%.5g\t%.5g", figure.median, figure.lower, figure.upper);
}

void print(const char* kind, const std::string& what, const Series& it) {
  std::printf("%s\t%u\t%s%s", kind, kBits, what.c_str(), it.name.c_str());
  print(figure_of(it.ns));
  std::printf("\n");
}

void print(const std::vector<Aim>& aims) {
  for (const Aim& it : aims) {
    std::printf("aim\t%u\t%s", kBits, it.what.c_str());
    print(it.ratio);
    std::printf("\t%s\n", it.aim.c_str());
  }
  std::fflush(stdout);
}

void print_note(const std::string& note) { std::printf("note\t%u\t%s\n", kBits, note.c_str()); }

void print_ratio(const std::vector<double>& one, const std::vector<double>& window) {
  if (differ(figure_of(one), figure_of(window))) {
    std::printf("\t%.3g", ratio_of(one, window).median);
  } else {
    std::printf("\t-");
  }
}

void print(const std::string& what, const Plan& plan, const std::vector<Standing>& all) {
  for (const Standing& it : all) {
    std::printf("row\t%u\t%s\t%s", kBits, what.c_str(), it.name.c_str());
    if (it.calls < 0) {
      std::printf("\t-");
    } else {
      std::printf("\t%.3f", it.calls);
    }
    std::printf("\t%.3f\t%.3f", it.faults, it.resident);
    for (std::size_t i = 0; i < plan.threads.size(); ++i) {
      std::printf("\t%u", plan.threads[i]);
      print(figure_of(it.ns[i]));
      print_ratio(it.ns[i], all[0].ns[i]);
    }
    std::printf("\n");
  }
}

/// What is left out of all contests.
void print_left_out() {
  print_note(kBits == 64
                 ? "budgets of a quarter of the file: not for scan, writes, uncached, many threads"
                 : "budgets of a quarter of the file: left out, for want of addresses");
  print_note("4 threads: not for zipf beside a scan");
  print_note("8 threads: only for zipf, in a memory file, 4 KiB, 1/16, for what keeps granules");
}

/// Prints a note about a file and its granules, unless another contest had the same.
void print_once(const std::string& note) {
  static std::set<std::string> printed;
  if (printed.insert(note).second) print_note(note);
}

void print_notes(const std::string& what, const Plan& plan, const Result& result) {
  for (const std::string& it : result.absent) {
    std::string note = what.substr(0, what.find(", 1/"));
    note += plan.load == Load::writes ? ", writes: no " : ", reads: no ";
    print_once(note += it);
  }
  std::int64_t major_faults = 0;
  for (const Standing& it : result.all) major_faults += it.major_faults;
  constexpr std::int64_t kAFew = 100;  // of programs, perhaps
  if (plan.load != Load::uncached && major_faults > kAFew) {
    print_note(what + ": " + std::to_string(major_faults) +
               " times a page was not in memory any more");
  }
}

/// Whether the kernel can forget the file: on some file systems it cannot.
bool can_forget(const CachedFile& file) {
  file.forget();
  constexpr std::int64_t kLittle = 100;
  return file.in_memory() < file.size() / kLittle;
}

void bench(const CachedFile& file, const Effort& effort, const std::string& only,
           Summary& summary) {
  const std::vector<Prices> all = prices(file, effort.rounds);
  const std::string kind = std::string(file.is_in_memory() ? "memory" : "disk") + " file\t";
  for (const Prices& it : all) {
    for (const Series* const one : {&it.fault, &it.drop, &it.map, &it.read})
      print("price", kind, *one);
  }
  for (const Plan& plan : plans(file.is_in_memory(), kBits == 64)) {
    const std::string what = name_of(plan, file);
    if (what.find(only) == std::string::npos) continue;
    if (plan.load == Load::uncached && !can_forget(file)) {
      print_note(what + ": left out, because the kernel does not forget what it has of the file");
      continue;
    }
    const Result result = contest(file, plan, effort);
    print_notes(what, plan, result);
    print(what, plan, result.all);
    for (const Best& it : summary.add(what, plan, result.all)) {
      std::printf("best\t%u\t%s\t%u\t%s", kBits, what.c_str(), it.threads, it.name.c_str());
      print(it.ratio);
      std::printf("\n");
    }
    print(aims_of(what, plan, result.all, all));
  }
  if (!only.empty() || (!file.is_in_memory() && !can_forget(file))) return;
  for (const Series& it : together(file, effort.rounds)) print("together", kind, it);
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
      quick ? Effort{.rounds = 3, .percent = 20} : Effort{.rounds = 7, .percent = 100};
  print_left_out();
  const std::vector<Series> all = hits(5 * effort.rounds);  // short ones
  for (const Series& it : all) print("hit", "", it);
  print(aims_of(all));
  Summary summary;
  for (const bool in_memory : {true, false}) {
    const CachedFile file(in_memory, mib << 20);
    bench(file, effort, argc > 3 ? argv[3] : "", summary);
  }
  print(summary.aims());
  return 0;
}
