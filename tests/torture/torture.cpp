// Host threads play random operations on the simulated machine as fast as they can, with real
// atomics and real races, in rounds: each has a new machine, whose window and pages the seed
// chooses. What is checked stands in ../property/player.hpp; built with a sanitizer, the sanitizer
// checks the rest. Unlike the property test a round cannot be replayed exactly; its seed brings
// back the machine and what each thread does.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../property/invariants.hpp"
#include "../property/player.hpp"
#include "simulated/computer.hpp"
#include "simulated/host_threads.hpp"

namespace kmapper::simulated {
namespace {

using Clock = std::chrono::steady_clock;
using HostComputer = Computer<HostThreads>;
using HostMapper = Mapper<Platform<HostThreads>>;

constexpr std::uint32_t kMappers = 8;
constexpr std::uint32_t kReceivers = 2;
constexpr std::chrono::milliseconds kRound{500};

struct Round {
  std::uint64_t seed;
  MachineShape shape;
};

Round choose_round(std::uint64_t seed) {
  constexpr std::uint32_t kWindows[] = {1, 2, 3, 8, 16, 33, 64, 128, 512};
  Random random(seed);
  Round round{seed, {}};
  round.shape.cpus = kMaxCpus;
  round.shape.slots = kWindows[random.below(std::size(kWindows))];
  round.shape.low_frames = 2;
  round.shape.high_frames = round.shape.slots + random.between(1, 2 * round.shape.slots + 8);
  return round;
}

/// Ends the program if a round does not end: somebody sleeps for ever.
class Watchdog {
 public:
  explicit Watchdog(Clock::time_point end) : thread_([this, end] { watch(end + kPatience); }) {}
  ~Watchdog() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    condition_.notify_one();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  static constexpr std::chrono::seconds kPatience{30};

  void watch(Clock::time_point limit) {
    std::unique_lock lock(mutex_);
    if (condition_.wait_until(lock, limit, [this] { return done_; })) return;
    std::cout << "torture: FAIL, threads still sleep " << kPatience.count()
              << " s after the end of their round" << std::endl;
    std::_Exit(1);
  }

  std::mutex mutex_;
  std::condition_variable condition_;
  bool done_ = false;
  std::jthread thread_;  // last: it uses the others
};

struct Played {
  std::uint64_t operations = 0;
  std::string failure;
};

Played play(const Round& round, Clock::time_point end) {
  HostComputer computer(round.shape, {.seed = round.seed, .speculate_every = 16});
  const HostThreads::Attachment here(computer.threads(), CpuIndex{0});
  const auto mapper = std::make_unique<HostMapper>(computer.platform());
  mapper->open(round.shape.slots);
  Random random(round.seed);
  Player<HostThreads> player(computer, *mapper, random);

  const Watchdog watchdog(end);
  std::atomic<std::uint32_t> mapping{kMappers};
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < kMappers + kReceivers; ++i) {
    threads.emplace_back([&, i, seed = random.next()] {
      const HostThreads::Attachment attached(computer.threads(), CpuIndex{i % round.shape.cpus});
      if (i < kMappers) {
        player.map_pages(Random(seed), [end] { return Clock::now() < end; });
        --mapping;
      } else {
        player.receive(Random(seed), [&mapping] { return mapping == 0; });
      }
    });
  }
  threads.clear();  // joins them
  if (computer.machine().faults().empty()) check_end(computer, *mapper, player.mapped());
  std::string failure = computer.machine().faults().text();
  if (!computer.reports().empty()) failure += "a misuse was reported\n";
  return {player.played(), failure};
}

int run(std::uint64_t seconds, std::uint64_t seed) {
  std::cout << "torture: seed " << seed << ", " << seconds << " s\n";
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  std::uint64_t operations = 0;
  std::uint64_t rounds = 0;
  for (; Clock::now() < end; ++rounds) {
    const Round round = choose_round(seed + rounds);
    const Played played = play(round, std::min(end, Clock::now() + kRound));
    operations += played.operations;
    if (played.failure.empty()) continue;
    std::cout << played.failure << "torture: FAIL in round " << rounds << " (--seed " << round.seed
              << "), " << round.shape.slots << " slots, " << round.shape.high_frames
              << " high pages\n";
    return 1;
  }
  std::cout << "torture: PASS, " << operations << " operations in " << rounds << " rounds\n";
  return 0;
}

int usage() {
  std::cerr << "usage: kmapper_torture [--seconds N] [--seed N]\n";
  return 2;
}

}  // namespace
}  // namespace kmapper::simulated

int main(int argc, char** argv) {
  std::uint64_t seconds = 2;
  std::uint64_t seed = 1;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    char* end = nullptr;
    const std::uint64_t value = i + 1 < argc ? std::strtoull(argv[i + 1], &end, 10) : 0;
    if (end == nullptr || end == argv[i + 1] || *end != '\0') return kmapper::simulated::usage();
    if (option == "--seconds") {
      seconds = value;
    } else if (option == "--seed") {
      seed = value;
    } else {
      return kmapper::simulated::usage();
    }
  }
  return kmapper::simulated::run(seconds, seed);
}
