#include "weak_game.hpp"

#include <memory>

#include "../property/invariants.hpp"
#include "simulated/computer.hpp"
#include "simulated/finding_threads.hpp"
#include "simulated/posting_threads.hpp"
#include "simulated/weak_threads.hpp"
#include "weak_player.hpp"

namespace kmapper::simulated {
namespace {

struct Rules {
  MachineShape shape{};
  Chances chances{};
  std::uint32_t mappers = 2;
  std::uint32_t operations = 8;  // of each mapper
  bool interrupts = false;
};

/// Nearly always a window of one or two slots, and few operations: a forgotten step is seen only if
/// no later operation makes up for it. Sometimes a window of more than one leaf.
Rules choose_rules(Random& random) {
  Rules rules;
  const bool is_large = random.one_in(16);
  rules.shape.cpus = random.between(2, 4);
  rules.shape.slots = is_large ? random.between(31, 40) : random.between(1, random.between(1, 3));
  rules.shape.high_frames =
      rules.shape.slots + (random.one_in(3) ? 0 : random.between(1, rules.shape.slots + 1));
  rules.chances.switches = random.between(1, 6);
  rules.chances.preemptions = random.between(2, 20);
  rules.chances.interrupts = random.between(5, 40);
  rules.chances.freezes = random.one_in(2) ? 0 : random.between(10, 100);
  rules.chances.speculations = random.one_in(4) ? 0 : random.between(2, 16);
  rules.mappers = random.between(2, 4);
  rules.operations = random.between(2, is_large ? 60 : 10);
  rules.interrupts = random.one_in(6);
  return rules;
}

template <class Threads>
class Table {
 public:
  explicit Table(std::uint64_t seed)
      : random_(seed * 2 + 1),
        rules_(choose_rules(random_)),
        computer_(rules_.shape, {seed, rules_.chances}),
        mapper_(std::make_unique<Mapper<Platform<Threads>>>(computer_.platform())),
        player_(computer_, *mapper_) {
    mapper_->open(rules_.shape.slots);
  }

  WeakMemory& memory() { return computer_.threads().memory(); }

  std::string play() {
    Scheduler& scheduler = computer_.threads().scheduler();
    scheduler.on_switch([this](bool speculates) { return watch(speculates); });
    for (std::uint32_t i = 0; i < rules_.mappers; ++i) {
      scheduler.spawn("maps", [this, seed = random_.next()] {
        player_.map_pages(Random(seed), rules_.operations);
        ++mappers_done_;
        player_.call_receiver();
      });
    }
    scheduler.spawn("receives", [this, seed = random_.next()] {
      player_.receive(Random(seed), [this] { return mappers_done_ == rules_.mappers; });
    });
    if (rules_.interrupts && !kFindsSlots<Threads>)
      scheduler.on_interrupt([this] { player_.play_in_interrupt(random_); });
    Outcome outcome = scheduler.run();
    if (outcome.end == Outcome::End::all_done && faults().empty()) {
      scheduler.on_interrupt(nullptr);
      memory().join_all();
      scheduler.spawn("checks the end", [this] {
        check_end(computer_, *mapper_, player_.mapped());
        player_.fill_window();
      });
      outcome = scheduler.run();
    }
    return failure(outcome);
  }

 private:
  /// Called at every switch.
  bool watch(bool speculates) {
    const Scheduler::Pause pause;
    const SlotIndex slot{random_.below(rules_.shape.slots)};
    if (speculates) computer_.machine().speculate(CpuIndex{random_.below(rules_.shape.cpus)}, slot);
    check_slot(computer_, *mapper_, slot);
    return faults().empty();
  }

  [[nodiscard]] std::string failure(const Outcome& outcome) {
    static constexpr const char* kEnds[] = {"", "stopped", "deadlock", "livelock"};
    std::string text = faults().text();
    if (outcome.end != Outcome::End::all_done) {
      text += kEnds[static_cast<std::size_t>(outcome.end)];
      text += " after " + std::to_string(outcome.steps) + " steps\n" + outcome.report;
    }
    for (const auto& report : computer_.reports())
      text += std::string("misuse reported: ") + describe(report.what).what + "\n";
    return text;
  }

  [[nodiscard]] FaultLog& faults() { return computer_.machine().faults(); }

  Random random_;
  const Rules rules_;
  Computer<Threads> computer_;
  std::unique_ptr<Mapper<Platform<Threads>>> mapper_;
  WeakPlayer<Threads> player_;
  std::uint32_t mappers_done_ = 0;
};

}  // namespace

std::string play_weak_game(std::uint64_t seed, const std::function<void(WeakMemory&)>& prepare) {
  const auto play_at = [&](auto table) {
    if (prepare) prepare(table.memory());
    return table.play();
  };
  if (finds_slots(seed)) return play_at(Table<FindingWeakThreads>(seed));
  return posts_flushes(seed) ? play_at(Table<PostingWeakThreads>(seed))
                             : play_at(Table<WeakThreads>(seed));
}

}  // namespace kmapper::simulated
