// What the window in a Linux process costs, beside what people use today, on files in the page
// cache. All in one run, in turn: on a machine that others use too, only what stands beside each
// other may be compared. Prints a line a row: name, value, unit, aim, separated by tabs; "-" is no
// aim. Behind the name of a row in brackets: the lower and the upper quartile of its rounds.
//
// Usage: process_bench [MIB], the size of the files; 1024 if left out. The budget is a sixteenth.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kmapper/cursor.hpp"
#include "kmapper/process.hpp"

namespace {

using namespace kmapper::process;

constexpr int kRounds = 9;

/// Something that is done again and again.
struct Contender {
  std::string name;
  std::function<void()> operation;
  int operations;  // a round
  std::vector<double> ns = {};
  double faults = 0;  // page faults an operation
};

long faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

/// Of this process, in bytes.
double resident() {
  long pages = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "re"); file != nullptr) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * 4096;
}

double time_round(const Contender& it) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < it.operations; ++i) it.operation();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
  return took.count() / it.operations;
}

double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

/// All of them in turn, round by round, the first round for nothing.
void run(std::vector<Contender>& contenders) {
  for (int round = 0; round <= kRounds; ++round) {
    for (Contender& it : contenders) {
      const long before = faults();
      const double ns = time_round(it);
      if (round == 0) continue;
      it.ns.push_back(ns);
      it.faults += static_cast<double>(faults() - before) / it.operations / kRounds;
    }
  }
}

void row(const std::string& name, double value, const char* unit, const char* aim = "-") {
  std::printf("%s\t%.2f\t%s\t%s\n", name.c_str(), value, unit, aim);
}

void row(const Contender& it) {
  char spread[64];
  std::snprintf(spread, sizeof spread, " [%.0f to %.0f]", quantile(it.ns, 0.25),
                quantile(it.ns, 0.75));
  row(it.name + spread, quantile(it.ns, 0.5), "ns");
}

/// The median of what one took to what another took in the same round.
double ratio(const Contender& one, const Contender& other) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < one.ns.size(); ++i) ratios.push_back(one.ns[i] / other.ns[i]);
  return quantile(ratios, 0.5);
}

class Random {
 public:
  [[nodiscard]] std::int64_t below(std::int64_t n) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(n));
  }

 private:
  std::uint64_t state_ = 1;
};

/// A file whose bytes are in the page cache.
class CachedFile {
 public:
  CachedFile(bool in_memory, std::int64_t size) : is_in_memory_(in_memory), size_(size) {
    if (in_memory) {
      descriptor_ = memfd_create("bench", MFD_CLOEXEC);
    } else {
      descriptor_ = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
    const std::vector<char> block(std::size_t{1} << 20, 1);
    for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(block.size())) {
      if (pwrite64(descriptor_, block.data(), block.size(), at) < 0) {
        std::perror("process_bench");
        std::exit(1);
      }
    }
  }
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;
  ~CachedFile() { close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool is_in_memory() const { return is_in_memory_; }
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  const bool is_in_memory_;
  const std::int64_t size_;
};

void use(const void* data, std::int64_t size) {
  for (std::int64_t at = 0; at < size; at += 4096)
    (void)static_cast<const volatile char*>(data)[at];
}

void bench_hits(const CachedFile& file) {
  const Budget budget({.bytes = file.size() / 16, .granule = 4096});
  FileWindow window(file.descriptor(), Access::read_write, budget);
  Cursor cursor(window);
  alignas(64) std::atomic<std::uint32_t> counter{0};
  std::int64_t at = 0;
  std::vector<Contender> all = {
      {"atomic add and subtract",
       [&] {
         counter.fetch_add(1);
         counter.fetch_sub(1);
       },
       200'000},
      {"hit", [&] { use(window.map(9000, 8)->data(), 8); }, 200'000},
      {"hit, of what somebody else holds", [&] { use(window.map(5000, 8)->data(), 8); }, 200'000},
      {"hit, 256 granules in turn",
       [&] {
         at = (at + 4096) % (256 * 4096);
         use(window.map(at, 8)->data(), 8);
       },
       200'000},
      {"Cursor, the same place", [&] { use(cursor.at(5000, 8), 8); }, 200'000},
  };
  run(all);
  for (const Contender& it : all) row(it);
  row("hit to atomic add and subtract", ratio(all[1], all[0]), "ratio", "<= 1.5");
}

/// What a miss would cost at home if there were nothing but system calls: fills a granule, and
/// drops a batch of 16 when there is one.
class ByHand {
 public:
  ByHand(const CachedFile& file, std::size_t granule)
      : granule_(granule), size_(static_cast<std::size_t>(file.size())) {
    begin_ = static_cast<char*>(
        mmap64(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0));
  }
  ByHand(const ByHand&) = delete;
  ByHand& operator=(const ByHand&) = delete;
  ~ByHand() { munmap(begin_, size_); }

  void miss(std::int64_t offset) {
    char* const address = begin_ + offset;
    madvise(address, granule_, MADV_POPULATE_WRITE);
    use(address, static_cast<std::int64_t>(granule_));
    batch_[count_++] = {address, granule_};
    if (count_ < batch_.size()) return;
    count_ = 0;
    syscall(SYS_process_madvise, self_, batch_.data(), batch_.size(), MADV_DONTNEED, 0);
  }

 private:
  const std::size_t granule_;
  const std::size_t size_;
  char* begin_;
  const long self_ = syscall(SYS_pidfd_open, getpid(), 0);
  std::array<iovec, 16> batch_{};
  std::size_t count_ = 0;
};

struct Aims {
  const char* munmap_to_slots;
  const char* munmap_to_chosen;
  const char* pread_to_chosen;
};

void bench_misses(const char* kind, const CachedFile& file, std::int64_t granule,
                  const Aims& aims) {
  Random random;
  const auto somewhere = [&] { return random.below(file.size() / granule) * granule; };
  const std::int64_t bytes = file.size() / 16;
  const double resident_before = resident();
  const Budget slot_budget({.bytes = bytes, .granule = granule, .placement = Placement::slots});
  const Budget budget({.bytes = bytes, .granule = granule});
  FileWindow slot_window(file.descriptor(), Access::read_write, slot_budget);
  FileWindow window(file.descriptor(), Access::read_write, budget);
  const auto size = static_cast<std::size_t>(granule);
  const auto range = static_cast<std::size_t>(bytes);
  auto* const fixed = static_cast<char*>(
      mmap(nullptr, range, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  std::size_t next = 0;
  std::vector<char> buffer(size);
  ByHand by_hand(file, size);
  const auto map_anew = [&] {
    void* const address =
        mmap64(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), somewhere());
    use(address, granule);
    munmap(address, size);
  };
  const auto map_over = [&] {
    mmap64(fixed + next, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.descriptor(),
           somewhere());
    use(fixed + next, granule);
    next = (next + size) % range;
  };
  const auto read = [&] {
    if (pread64(file.descriptor(), buffer.data(), size, somewhere()) < 0) std::abort();
    use(buffer.data(), granule);
  };
  const auto map_in = [&](FileWindow& it) { use(it.map(somewhere(), granule)->data(), granule); };
  const int operations = granule == 4096 ? 20'000 : 4'000;
  std::vector<Contender> all = {
      {"slots", [&] { map_in(slot_window); }, operations},
      {"chosen by itself", [&] { map_in(window); }, operations},
      {"mmap and munmap", map_anew, operations},
      {"mmap over a fixed range", map_over, operations},
      {"pread", read, operations},
  };
  // Of a file on disk these calls map more than is asked for.
  if (file.is_in_memory())
    all.push_back({"the calls of home alone", [&] { by_hand.miss(somewhere()); }, operations});
  const Stats before = budget.stats();
  const Stats slots_before = slot_budget.stats();
  run(all);
  const std::string what = std::string(kind) + ", " + std::to_string(granule / 1024) + " KiB: ";
  const Stats after = budget.stats();
  const Stats slots_after = slot_budget.stats();
  for (Contender& it : all) {
    const std::string name = it.name;
    it.name = what + name;
    row(it);
    row(what + name + ", faults", it.faults, "an op");
  }
  const auto calls = [](const Stats& one, const Stats& other) {
    return static_cast<double>(one.map_calls + one.unmap_calls - other.map_calls -
                               other.unmap_calls) /
           static_cast<double>(one.hits + one.misses - other.hits - other.misses);
  };
  row(what + "slots, system calls", calls(slots_after, slots_before), "an op");
  row(what + "chosen by itself, system calls", calls(after, before), "an op");
  row(what + "mmap and munmap to slots", ratio(all[2], all[0]), "ratio", aims.munmap_to_slots);
  row(what + "mmap and munmap to chosen by itself", ratio(all[2], all[1]), "ratio",
      aims.munmap_to_chosen);
  row(what + "pread to chosen by itself", ratio(all[4], all[1]), "ratio", aims.pread_to_chosen);
  // All that contends is resident by now: two budgets, the fixed range, and a batch by hand.
  const double others = static_cast<double>(range + 16 * size + size);
  row(what + "resident, to both budgets",
      (resident() - resident_before - others) / (2.0 * static_cast<double>(bytes)), "ratio",
      "<= 1.1");
  munmap(fixed, range);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t size = (argc > 1 ? std::atoll(argv[1]) : 1024) << 20;
  const CachedFile in_memory(true, size);
  bench_hits(in_memory);
  bench_misses("memory file", in_memory, 4096, {">= 1.3", ">= 2.5", ">= 1"});
  bench_misses("memory file", in_memory, 65536, {">= 1.3", "-", ">= 4"});
  const CachedFile on_disk(false, size);
  bench_misses("disk file", on_disk, 4096, {">= 1.3", ">= 1.3", "-"});
  bench_misses("disk file", on_disk, 65536, {">= 1.3", ">= 1.3", "-"});
  return 0;
}
