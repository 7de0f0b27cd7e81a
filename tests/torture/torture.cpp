// Host threads play random operations on a simulated machine of 8 CPUs as fast as they can, with
// real atomics and real races, in rounds; each round has a new machine. A round's seed chooses its
// window, pages and threads, and the operations of each thread. Window sizes follow one another, so
// that a minute covers them all. Unlike a game of the property test, a round cannot be repeated
// exactly.
//
// The checks during the play are in ../property/player.hpp and simulated/machine.hpp, those at a
// round's end in balance.hpp; a sanitizer, if built in, checks the rest.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../property/invariants.hpp"
#include "../property/player.hpp"
#include "balance.hpp"
#include "options.hpp"
#include "simulated/computer.hpp"
#include "simulated/host_threads.hpp"
#include "simulated/posting_host_threads.hpp"
#include "watchdog.hpp"

namespace kmapper::simulated {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kRound{500};

struct Round {
  std::uint64_t seed;
  MachineShape shape;
  std::uint32_t mappers;
  std::uint32_t receivers;
  bool plays_kmap_all;
  bool posts;  // flushes, instead of waiting for other CPUs
};

Round choose_round(std::uint64_t seed) {
  constexpr std::uint32_t kWindows[] = {1, 2, 3, 8, 31, 32, 33, 64, 100, 512, 4, 16, 128, 256};
  Random random(seed);
  Round round{seed,
              {},
              random.between(2, 16),
              random.between(1, 3),
              random.one_in(2),
              // A window of each size is played both ways.
              seed / std::size(kWindows) % 2 != seed % 2};
  round.shape.cpus = kMaxCpus;
  round.shape.slots = kWindows[seed % std::size(kWindows)];
  round.shape.low_frames = 2;
  round.shape.high_frames = round.shape.slots + random.between(1, 2 * round.shape.slots + 8);
  return round;
}

std::ostream& operator<<(std::ostream& out, const Round& round) {
  return out << "--seed " << round.seed << ": " << round.shape.slots << " slots, "
             << round.shape.high_frames << " high pages, " << round.mappers << "+"
             << round.receivers << " threads" << (round.posts ? ", posted flushes" : "");
}

/// The operations of one round or of all.
struct Score {
  std::array<std::uint64_t, Tally::kDeeds> deeds{};
  Stats stats{};

  void add(const Score& other) {
    for (std::size_t i = 0; i < deeds.size(); ++i) deeds[i] += other.deeds[i];
    stats.hits += other.stats.hits;
    stats.misses += other.stats.misses;
    stats.slots_scavenged += other.stats.slots_scavenged;
    stats.flushes += other.stats.flushes;
    stats.flushes_avoided += other.stats.flushes_avoided;
    stats.sleeps += other.stats.sleeps;
  }
  [[nodiscard]] std::uint64_t operations() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : deeds) sum += count;
    return sum;
  }
};

template <class Report>
std::string text_of(const Report& report) {
  std::string text = describe(report.what).what;
  if (report.page != nullptr) text += ", frame " + std::to_string(to_number(report.page->frame));
  if (report.slot != kNoSlot) text += ", slot " + std::to_string(to_number(report.slot));
  return text + ", thread " + std::to_string(report.holder.thread) + "\n";
}

/// A round that is being played.
template <class Threads>
class Arena {
 public:
  Arena(const Round& round, const Options& options)
      : round_(round), computer_(round.shape, {.seed = round.seed, .speculate_every = 16}) {
    options.sabotage(computer_.machine().sabotage());
    mapper_->open(round.shape.slots);
    if (!round.plays_kmap_all) player_.without_kmap_all();
  }

  /// Runs all threads to their end. Each goes on until `end`, or until there is a fault.
  void play(Clock::time_point end) {
    std::atomic<std::uint32_t> mapping{round_.mappers};
    std::vector<std::jthread> threads;
    for (std::uint32_t i = 0; i < round_.mappers + round_.receivers; ++i) {
      threads.emplace_back([this, &mapping, end, i, seed = random_.next()] {
        const typename Threads::Attachment attached(computer_.threads(),
                                                    CpuIndex{i % round_.shape.cpus});
        if (i < round_.mappers) {
          player_.map_pages(Random(seed), [end] { return Clock::now() < end; });
          --mapping;
        } else {
          player_.receive(Random(seed), [&mapping] { return mapping == 0; });
        }
      });
    }
  }

  /// Called after all threads have ended: checks the window. Empty: all is well.
  std::string failure() {
    const typename Threads::Attachment here(computer_.threads(), CpuIndex{0});
    FaultLog& faults = computer_.machine().faults();
    if (faults.empty()) check_end(computer_, *mapper_, player_.mapped());
    if (faults.empty()) Balance<Threads>(computer_, *mapper_, player_).check();
    std::string text = faults.text();
    for (const Report& report : computer_.reports())
      if (!is_right(report)) text += "not to be reported: " + text_of(report);
    return text;
  }

  /// The sleeping threads, and the holders. For a round that does not end: its threads may still
  /// run.
  std::string who_waits() {
    const typename Threads::Attachment here(computer_.threads(), CpuIndex{0});
    const std::size_t before = computer_.reports().size();
    mapper_->report_waiters(0);
    mapper_->report_holders(0);
    std::string text;
    for (std::size_t i = before; i < computer_.reports().size(); ++i)
      text += text_of(computer_.reports()[i]);
    return text;
  }

  [[nodiscard]] std::string faults() { return computer_.machine().faults().text(); }
  [[nodiscard]] Score score() {
    const typename Threads::Attachment here(computer_.threads(), CpuIndex{0});
    return {player_.tally().counts(), mapper_->stats()};
  }

 private:
  using Report = typename Computer<Threads>::Report;

  /// No thread misuses the window here, and the watchdog's reports must be plausible.
  bool is_right(const Report& report) {
    const bool held = report.what == Misuse::held_too_long;
    if (!held && report.what != Misuse::waiting_too_long) return false;
    if (report.holder.thread == 0) return false;
    if (!held)
      return report.slot == kNoSlot;  // a thread that waits in reserve() wants no particular page
    return report.page != nullptr && to_number(report.slot) < round_.shape.slots &&
           report.address == window_address(report.slot) &&
           (report.caller != nullptr) == Platform<Threads>::kChecked;
  }

  const Round round_;
  Computer<Threads> computer_;
  Random random_{round_.seed};
  std::unique_ptr<Mapper<Platform<Threads>>> mapper_ =
      std::make_unique<Mapper<Platform<Threads>>>(computer_.platform());
  Player<Threads> player_{computer_, *mapper_, random_};
};

void print(const Score& score, double seconds) {
  const auto line = [seconds](const char* what, std::uint64_t count) {
    std::cout << "  " << std::left << std::setw(30) << what << std::right << std::setw(14) << count
              << std::setw(12) << static_cast<std::uint64_t>(static_cast<double>(count) / seconds)
              << "/s\n";
  };
  for (std::size_t i = 0; i < Tally::kDeeds; ++i)
    line(name_of(static_cast<Deed>(i)), score.deeds[i]);
  line("all operations", score.operations());
  const Stats& stats = score.stats;
  std::cout << "  of which " << stats.hits << " hits, " << stats.misses << " misses, "
            << stats.sleeps << " sleeps; " << stats.slots_scavenged << " slots scavenged with "
            << stats.flushes << " flushes, " << stats.flushes_avoided << " flushes avoided\n";
}

/// Plays a round until `end`, and adds to the score. Returns what was wrong.
template <class Threads>
std::string play(const Round& round, const Options& options, Clock::time_point end, Score& score) {
  Arena<Threads> arena(round, options);
  {
    const Watchdog watchdog(end + options.patience, [&arena, &round] {
      std::cout << "torture: FAIL, threads have not ended long after their round (" << round << ")"
                << std::endl
                << arena.faults() << arena.who_waits() << std::flush;
    });
    arena.play(end);
  }
  score.add(arena.score());
  return arena.failure();
}

int run(const Options& options) {
  constexpr const char* kBuild = Platform<HostThreads>::kStrict    ? "strict"
                                 : Platform<HostThreads>::kChecked ? "checked"
                                                                   : "release";
  std::cout << "torture: --seed " << options.seed << ", " << options.seconds << " s, " << kBuild
            << " build" << std::endl;
  const Clock::time_point begun = Clock::now();
  const Clock::time_point end = begun + std::chrono::seconds(options.seconds);
  Score score;
  std::uint64_t rounds = 0;
  for (; Clock::now() < end; ++rounds) {
    const Round round = choose_round(options.seed + rounds);
    const Clock::time_point round_end = std::min(end, Clock::now() + kRound);
    const std::string failure = round.posts
                                    ? play<PostingHostThreads>(round, options, round_end, score)
                                    : play<HostThreads>(round, options, round_end, score);
    if (failure.empty()) continue;
    std::cout << failure << "torture: FAIL in round " << rounds << " (" << round << ")\n";
    return 1;
  }
  print(score, std::chrono::duration<double>(Clock::now() - begun).count());
  std::cout << "torture: PASS, " << score.operations() << " operations in " << rounds
            << " rounds\n";
  return 0;
}

}  // namespace
}  // namespace kmapper::simulated

int main(int argc, char** argv) {
  const auto options = kmapper::simulated::read_options({argv + 1, argv + argc});
  return options ? kmapper::simulated::run(*options) : 2;
}
