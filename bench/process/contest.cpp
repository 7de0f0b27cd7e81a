#include "bench/process/contest.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "bench/process/reads.hpp"
#include "bench/process/worker.hpp"

namespace kmapper::bench {
namespace {

constexpr std::size_t kScannedPages = (std::size_t{32} << 20) / kPage;  // in a round

/// Operations in a round: some 50 ms of the slower contenders. A multiple, so that each thread
/// scans whole granules, or has whole runs of accesses beside a scan.
std::size_t operations(const Plan& plan, bool in_memory, std::size_t threads, std::size_t percent) {
  std::size_t all = 6'000;
  std::size_t multiple = 64;
  switch (plan.load) {
    case Load::uniform:
      if (plan.granule > static_cast<std::int64_t>(kPage)) all = 2'500;
      break;
    case Load::scan:
      all = kScannedPages;
      break;
    case Load::beside:
      multiple = threads * kAccessesAScan;
      break;
    case Load::writes:
      all = in_memory ? 4'096 : 512;
      break;
    case Load::uncached:
      all = 256;
      break;
    case Load::zipf:
    case Load::mix:
      break;
  }
  return std::max(all * percent / 100 / multiple, std::size_t{1}) * multiple;
}

/// Operations before each round that are not timed. They bring back into the CPU's caches what the
/// contenders before have driven out.
std::size_t lead_in(Load load, std::size_t operations) {
  const bool has_one = load == Load::uniform || load == Load::zipf || load == Load::mix;
  return has_one ? operations / 4 : 0;
}

/// Places that the children share.
class SharedPlaces {
 public:
  explicit SharedPlaces(const std::vector<std::int64_t>& places)
      : size_(places.size()), bytes_((places.size() + 1) * sizeof places[0]) {
    void* const memory =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    data_ = static_cast<std::int64_t*>(memory);
    std::copy(places.begin(), places.end(), data_);
  }
  SharedPlaces(const SharedPlaces&) = delete;
  SharedPlaces& operator=(const SharedPlaces&) = delete;
  ~SharedPlaces() { munmap(data_, bytes_); }
  [[nodiscard]] std::span<const std::int64_t> all() const { return {data_, size_}; }

 private:
  const std::size_t size_;
  const std::size_t bytes_;
  std::int64_t* data_;
};

class Contest {
 public:
  Contest(const CachedFile& file, const Plan& plan, const Effort& effort)
      : file_(file),
        plan_(plan),
        effort_(effort),
        setting_{.descriptor = file.descriptor(),
                 .size = file.size(),
                 .granule = plan.granule,
                 .budget = file.size() / plan.share,
                 .load = plan.load,
                 .threads = *std::max_element(plan.threads.begin(), plan.threads.end())},
        count_(operations(plan, file.is_in_memory(), setting_.threads, effort.percent)),
        lead_in_(lead_in(plan.load, count_)),
        warm_up_(3 * static_cast<std::size_t>(setting_.budget / plan.granule)),
        places_(places_of(plan.load, file.size(), plan.granule,
                          warm_up_ + (lead_in_ + count_) * (plan.threads.size() * turns() + 1))) {
    Entrants entrants =
        plan.only_those_that_keep ? entrants_that_keep(setting_) : bench::entrants(setting_);
    absent_ = std::move(entrants.absent);
    for (Entrant& it : entrants.all) {
      Entry& entry = all_.emplace_back(std::move(it));
      entry.ns.resize(plan.threads.size());
      if (plan.load != Load::uncached) renew(entry);
    }
  }

  [[nodiscard]] Result run() {
    for (std::size_t i = 0; i < plan_.threads.size(); ++i) {
      for (unsigned turn = 0; turn < turns(); ++turn) round(i, turn);
    }
    // One more round, which counts system calls and is not timed.
    for (Entry& it : all_) {
      if (plan_.load == Load::uncached) start_uncached(it);
      it.calls = it.worker->system_calls(task_of(plan_.threads.size(), 0, it));
      if (plan_.load == Load::uncached) it.worker.reset();
    }
    Result result{.all = {}, .absent = std::move(absent_)};
    for (const Entry& it : all_) result.all.push_back(standing_of(it));
    return result;
  }

 private:
  struct Entry {
    explicit Entry(Entrant it) : entrant(std::move(it)) {}
    Entrant entrant;
    std::unique_ptr<Worker> worker = {};
    std::vector<std::vector<double>> ns = {};
    std::vector<double> faults = {};
    std::int64_t peak = 0;
    std::int64_t major_faults = 0;
    std::int64_t calls = -1;
  };

  /// Starts a process for the contender, and fills what it keeps.
  void renew(Entry& entry) const {
    entry.worker = std::make_unique<Worker>(entry.entrant.name, entry.entrant.make, places_.all());
    if (!entry.entrant.keeps || plan_.load == Load::uncached) return;
    // First a scan: the load itself would leave a part of a large budget empty for long.
    entry.worker->work({.end = std::min(file_.size(), setting_.budget / 4 * 5)});
    if (plan_.load != Load::scan)
      entry.worker->work({.count = warm_up_, .end = file_.size(), .is_warm_up = true});
  }

  /// No other process may have a part of the file mapped: it could not be forgotten.
  void start_uncached(Entry& entry) const {
    renew(entry);
    file_.forget();
  }

  /// The first round does not count.
  [[nodiscard]] unsigned turns() const { return effort_.rounds + 1; }

  /// The task of a round with the plan's number `index` of threads.
  [[nodiscard]] Task task_of(std::size_t index, unsigned turn, const Entry& entry) const {
    const bool is_last = index == plan_.threads.size();
    const std::size_t number = index * turns() + turn;
    const auto scanned = static_cast<std::int64_t>(count_ * kPage);
    Task task{.threads = is_last ? 1 : plan_.threads[index],
              .waits = plan_.load == Load::writes || plan_.load == Load::uncached};
    task.begin = static_cast<std::int64_t>(number) % (setting_.size / scanned) * scanned;
    task.end = task.begin + scanned;
    if (plan_.load == Load::scan) return task;
    task.first = warm_up_ + number * (lead_in_ + count_) + lead_in_;
    task.count = count_;
    task.lead_in = lead_in_;
    task.value = static_cast<std::uint32_t>(number * all_.size() + (&entry - all_.data()) + 1);
    return task;
  }

  /// The contenders take their turns in another order in each round: what one of them does to the
  /// CPU's caches, and to the host of a virtual machine, is not always done to the same next one.
  [[nodiscard]] std::vector<Entry*> in_some_order(std::size_t number) {
    std::vector<Entry*> order;
    order.reserve(all_.size());
    for (Entry& it : all_) order.push_back(&it);
    std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<std::uint32_t>(number)));
    return order;
  }

  void round(std::size_t index, unsigned turn) {
    std::optional<std::uint32_t> expected;
    for (Entry* const entry : in_some_order(index * turns() + turn)) {
      Entry& it = *entry;
      const Task task = task_of(index, turn, it);
      if (plan_.load == Load::uncached) start_uncached(it);
      const Outcome outcome = it.worker->work(task);
      if (plan_.load == Load::uncached) it.worker.reset();
      if (!expected) expected = outcome.sum;
      if (plan_.load == Load::writes) {
        check_written(it, task);
      } else if (outcome.sum != *expected) {
        disqualify(it, "has read something else than another");
      }
      it.peak = std::max(it.peak, outcome.peak);
      it.major_faults += outcome.major_faults;
      if (turn == 0) continue;
      it.ns[index].push_back(outcome.ns / static_cast<double>(count_));
      if (index == 0)
        it.faults.push_back(static_cast<double>(outcome.faults) / static_cast<double>(count_));
    }
  }

  /// Checks that the file holds what was to be written.
  void check_written(const Entry& entry, const Task& task) const {
    std::byte line[kLine];
    std::byte expected[kLine];
    write_line(expected, task.value);
    for (const std::int64_t at : places_.all().subspan(task.first, task.count)) {
      must_read(setting_.descriptor, line, sizeof line, at);
      if (std::memcmp(line, expected, sizeof line) != 0)
        disqualify(entry, "has not written what it should have");
    }
  }

  [[noreturn]] void disqualify(const Entry& entry, const char* why) const {
    std::fprintf(stderr, "process_bench: %s, %lld KiB: %s %s\n", name_of(plan_.load),
                 static_cast<long long>(plan_.granule / 1024), entry.entrant.name.c_str(), why);
    std::exit(1);
  }

  [[nodiscard]] Standing standing_of(const Entry& entry) const {
    Standing standing{};
    standing.name = entry.entrant.name;
    standing.kind = entry.entrant.kind;
    standing.ns = entry.ns;
    standing.calls =
        entry.calls < 0 ? -1 : static_cast<double>(entry.calls) / static_cast<double>(count_);
    standing.faults = figure_of(entry.faults).median;
    standing.resident = static_cast<double>(entry.peak) / static_cast<double>(setting_.budget);
    standing.major_faults = entry.major_faults;
    return standing;
  }

  const CachedFile& file_;
  const Plan plan_;
  const Effort effort_;
  const Setting setting_;
  const std::size_t count_;    // places in a round
  const std::size_t lead_in_;  // places before it
  const std::size_t warm_up_;  // places that fill what a contender keeps
  const SharedPlaces places_;
  std::vector<std::string> absent_;
  std::vector<Entry> all_;
};

}  // namespace

std::string name_of(const Plan& plan, const CachedFile& file) {
  std::string name = std::string(file.is_in_memory() ? "memory" : "disk") + " file, " +
                     std::to_string(plan.granule / 1024) + " KiB, 1/" + std::to_string(plan.share) +
                     ", " + name_of(plan.load);
  if (plan.only_those_that_keep) name += ", many threads";
  return name;
}

Result contest(const CachedFile& file, const Plan& plan, const Effort& effort) {
  return Contest(file, plan, effort).run();
}

}  // namespace kmapper::bench
