#include "game.hpp"

#include <memory>

#include "invariants.hpp"
#include "player.hpp"
#include "simulated/computer.hpp"
#include "simulated/finding_threads.hpp"
#include "simulated/make_mapper.hpp"
#include "simulated/posting_threads.hpp"
#include "simulated/scheduled_threads.hpp"
#include "sleeper_watch.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint64_t kMostSteps = 500;  // for each operation, on average

/// A running game.
template <class Threads>
class Table {
 public:
  explicit Table(const Game& game)
      : game_(game),
        random_(game.seed),
        board_(game.shape, {game.seed, game.chances}),
        mapper_(make_mapper(board_.platform(), game.shape.slots)),
        player_(board_, *mapper_, random_) {
    mapper_->open(game.shape.slots);
  }

  Sabotages& sabotage() { return board_.machine().sabotage(); }

  Result play() {
    Scheduler& scheduler = board_.threads().scheduler();
    scheduler.on_switch([this](bool speculates) { return watch(speculates); });
    for (std::uint32_t i = 0; i < game_.mappers; ++i) seat_mapper(scheduler);
    for (std::uint32_t i = 0; i < game_.receivers; ++i) seat_receiver(scheduler);
    if (game_.interrupts) {
      scheduler.on_interrupt([this] { player_.play_in_interrupt(random_); });
    }
    Outcome outcome = scheduler.run();
    if (outcome.end == Outcome::End::all_done && board_.machine().faults().empty()) {
      scheduler.on_interrupt(nullptr);
      scheduler.spawn("checks the end", [this] { check_end(board_, *mapper_, player_.mapped()); });
      outcome = scheduler.run();
    }
    Result result{player_.played(), outcome.steps, 0, {}};
    result.failure = failure(outcome);
    result.fingerprint = random_.next() ^ scheduler.random().next() ^ outcome.steps;
    return result;
  }

 private:
  void seat_mapper(Scheduler& scheduler) {
    scheduler.spawn("maps", [this, seed = random_.next()] {
      player_.map_pages(Random(seed), [left = game_.operations]() mutable { return left-- != 0; });
      ++mappers_done_;
    });
  }
  void seat_receiver(Scheduler& scheduler) {
    scheduler.spawn("receives", [this, seed = random_.next()] {
      player_.receive(Random(seed), [this] { return mappers_done_ == game_.mappers; });
    });
  }

  /// Called at every switch: checks one slot, and sometimes all of them.
  bool watch(bool speculates) {
    Machine& machine = board_.machine();
    const Scheduler::Pause pause;
    const SlotIndex slot{random_.below(game_.shape.slots)};
    if (speculates) machine.speculate(CpuIndex{random_.below(game_.shape.cpus)}, slot);
    if (random_.one_in(game_.shape.slots)) {
      check_window(board_, *mapper_);
    } else {
      check_slot(board_, *mapper_, slot);
    }
    const auto word = mapper_->inspect(slot).word;
    const Scheduler& scheduler = board_.threads().scheduler();
    if (!sleeper_watch_.look(scheduler.steps(), slot,
                             mapper_->is_clean(slot) || word::is_idle(word),
                             scheduler.blocked_since()))
      machine.faults().record("a thread sleeps on while a slot is free");
    if (scheduler.steps() > kMostSteps * (game_.mappers * game_.operations + 1'000))
      machine.faults().record("the game does not end");
    return machine.faults().empty();
  }

  [[nodiscard]] std::string failure(const Outcome& outcome) {
    static constexpr const char* kEnds[] = {"", "stopped", "deadlock", "livelock"};
    std::string text = board_.machine().faults().text();
    if (outcome.end != Outcome::End::all_done) {
      text += kEnds[static_cast<std::size_t>(outcome.end)];
      text += " after " + std::to_string(outcome.steps) + " steps\n" + outcome.report;
    }
    for (const auto& report : board_.reports()) {
      if (is_notice(report.what)) continue;
      text += "misuse reported: " + std::to_string(static_cast<int>(report.what)) + "\n";
    }
    return text;
  }

  const Game game_;
  Random random_;
  Computer<Threads> board_;
  MapperPointer<Platform<Threads>> mapper_;
  Player<Threads> player_;
  SleeperWatch sleeper_watch_{game_.shape.slots};
  std::uint32_t mappers_done_ = 0;
};

}  // namespace

Game choose_game(std::uint64_t seed, std::uint32_t slots, std::uint32_t operations) {
  Random random(seed * 2 + 1);
  Game game;
  game.seed = seed;
  game.shape.slots = slots;
  game.shape.cpus = random.between(1, kMaxCpus);
  game.shape.low_frames = 2;
  game.shape.high_frames = slots + random.between(1, 2 * slots + 4);
  game.chances.switches = random.between(1, 12);
  game.chances.preemptions = random.between(2, 20);
  game.chances.interrupts = random.between(5, 40);
  game.chances.freezes = random.one_in(3) ? 0 : random.between(20, 200);
  game.chances.speculations = random.one_in(4) ? 0 : random.between(2, 16);
  game.interrupts = random.one_in(2);
  game.mappers = game.shape.cpus + random.between(1, 6);
  game.receivers = random.between(1, 2);
  game.operations = operations / game.mappers;
  game.posts = random.one_in(2);
  game.finds = random.one_in(3);
  if (game.finds) game.posts = game.interrupts = false;
  return game;
}

Result play(const Game& game, const std::function<void(Sabotages&)>& sabotage) {
  const auto play_at = [&](auto table) {
    if (sabotage) sabotage(table->sabotage());
    return table->play();
  };
  if (game.finds) return play_at(std::make_unique<Table<FindingScheduledThreads>>(game));
  return game.posts ? play_at(std::make_unique<Table<PostingScheduledThreads>>(game))
                    : play_at(std::make_unique<Table<ScheduledThreads>>(game));
}

std::ostream& operator<<(std::ostream& out, const Game& game) {
  return out << "seed " << game.seed << ", " << game.shape.slots << " slots, "
             << game.shape.high_frames << " high pages, " << game.shape.cpus << " CPUs, "
             << game.mappers << "+" << game.receivers << " threads of " << game.operations
             << " operations" << (game.interrupts ? ", interrupts" : "")
             << (game.posts ? ", posted flushes" : "") << (game.finds ? ", as in a process" : "");
}

}  // namespace kmapper::simulated
