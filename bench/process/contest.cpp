#include "bench/process/contest.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "bench/process/contenders.hpp"
#include "bench/process/reads.hpp"
#include "bench/process/worker.hpp"

namespace kmapper::bench {
namespace {

constexpr std::size_t kScanned = std::size_t{32} << 20;  // bytes in a round

/// Operations in a round: some 50 ms of the slower contenders. A multiple of 32: two threads share
/// them, and each scans whole granules.
std::size_t operations(Load load, std::int64_t granule, bool in_memory, std::size_t percent) {
  std::size_t all = 6'000;
  if (load == Load::uniform && granule > static_cast<std::int64_t>(kPage)) all = 2'500;
  if (load == Load::writes) all = in_memory ? 4'096 : 512;
  if (load == Load::scan) all = kScanned / kPage;
  return all * percent / 100 / 32 * 32;
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
  Contest(const CachedFile& file, std::int64_t granule, Load load, const Effort& effort)
      : effort_(effort),
        setting_{.descriptor = file.descriptor(),
                 .size = file.size(),
                 .granule = granule,
                 .budget = file.size() / 16,
                 .load = load,
                 .threads = kMostThreads},
        count_(operations(load, granule, file.is_in_memory(), effort.percent)),
        warm_up_(3 * static_cast<std::size_t>(setting_.budget / granule)),
        places_(places_of(load, file.size(), granule,
                          warm_up_ + count_ * (kMostThreads * turns() + 1))) {
    for (const Entrant& it : entrants(setting_, file.is_in_memory())) {
      all_.push_back({it.name, std::make_unique<Worker>(it.name, it.make, places_.all())});
      if (it.keeps)
        all_.back().worker->work({.count = load == Load::scan ? 0 : warm_up_,
                                  .end = std::min(file.size(), 2 * setting_.budget),
                                  .is_warm_up = true});
    }
  }

  [[nodiscard]] std::vector<Standing> run() {
    for (unsigned threads = 1; threads <= kMostThreads; ++threads) {
      for (unsigned i = 0; i < turns(); ++i) round(threads, i);
    }
    // One more round, which counts system calls and is not timed.
    for (Entry& it : all_) it.calls = it.worker->system_calls(task_of(kMostThreads + 1, 0, it));
    std::vector<Standing> standings;
    for (const Entry& it : all_) standings.push_back(standing_of(it));
    return standings;
  }

 private:
  static constexpr unsigned kMostThreads = 2;
  struct Entry {
    std::string name;
    std::unique_ptr<Worker> worker;
    std::array<std::vector<double>, kMostThreads> ns = {};
    std::vector<double> faults = {};
    std::int64_t peak = 0;
    std::int64_t major_faults = 0;
    std::int64_t calls = -1;
  };

  /// The first round does not count.
  [[nodiscard]] unsigned turns() const { return effort_.rounds + 1; }

  [[nodiscard]] Task task_of(unsigned threads, unsigned turn, const Entry& entry) const {
    const std::size_t number = std::size_t{threads - 1} * turns() + turn;
    Task task{.threads = threads, .waits = setting_.load == Load::writes};
    if (setting_.load == Load::scan) {
      const std::int64_t size = static_cast<std::int64_t>(count_ * kPage);
      task.begin = static_cast<std::int64_t>(number) % (setting_.size / size) * size;
      task.end = task.begin + size;
    } else {
      task.first = warm_up_ + number * count_;
      task.count = count_;
      task.value = static_cast<std::uint32_t>(number * all_.size() + (&entry - all_.data()) + 1);
    }
    return task;
  }

  void round(unsigned threads, unsigned turn) {
    std::uint32_t expected = 0;
    for (Entry& it : all_) {
      const Task task = task_of(threads, turn, it);
      const Outcome outcome = it.worker->work(task);
      if (&it == all_.data()) expected = outcome.sum;
      if (setting_.load == Load::writes) {
        check_written(it, task);
      } else if (outcome.sum != expected) {
        disqualify(it, "has read something else than the first");
      }
      it.peak = std::max(it.peak, outcome.peak);
      it.major_faults += outcome.major_faults;
      if (turn == 0) continue;
      it.ns[threads - 1].push_back(outcome.ns / static_cast<double>(count_));
      if (threads == 1)
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
    std::fprintf(stderr, "process_bench: %s, %lld KiB: %s %s\n", name_of(setting_.load),
                 static_cast<long long>(setting_.granule / 1024), entry.name.c_str(), why);
    std::exit(1);
  }

  [[nodiscard]] Standing standing_of(const Entry& entry) const {
    Standing standing{};
    standing.name = entry.name;
    standing.ns = entry.ns;
    standing.calls =
        entry.calls < 0 ? -1 : static_cast<double>(entry.calls) / static_cast<double>(count_);
    standing.faults = figure_of(entry.faults).median;
    standing.resident = static_cast<double>(entry.peak) / static_cast<double>(setting_.budget);
    standing.major_faults = entry.major_faults;
    return standing;
  }

  const Effort effort_;
  const Setting setting_;
  const std::size_t count_;    // places in a round
  const std::size_t warm_up_;  // places that fill what a contender keeps
  const SharedPlaces places_;
  std::vector<Entry> all_;
};

}  // namespace

std::vector<Standing> contest(const CachedFile& file, std::int64_t granule, Load load,
                              const Effort& effort) {
  return Contest(file, granule, load, effort).run();
}

}  // namespace kmapper::bench
