// Random use of kmap_local on the deterministic machine, against a plain model: each thread knows
// which pages it holds, and what each must show. Threads are preempted anywhere, sleep while they
// hold mappings, and are interrupted by handlers that map on top of them; CPUs walk PTEs at any
// time. The simulated scheduler keeps a thread with mappings on its CPU; the platform checks that
// no CPU uses another's slots.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kmapper/core/local_map.hpp"
#include "page_model.hpp"
#include "region_game.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kShared = 40;  // high pages
constexpr std::uint32_t kGames = 60;
constexpr std::uint32_t kOperations = 3'000;  // a game

/// One machine, its threads and their operations, all chosen by a seed.
class LocalGame {
 public:
  explicit LocalGame(std::uint64_t seed)
      : random_(seed),
        cpus_(random_.between(1, 4)),
        threads_(random_.between(1, 3 * cpus_)),
        deepest_(random_.between(1, kLocalDepth - kMostInInterrupt)),
        computer_({.cpus = cpus_, .slots = 1, .low_frames = 2, .high_frames = kShared},
                  {seed, draw_chances(random_)}),
        local_(computer_.platform()),
        model_(computer_.machine(), random_) {
    computer_.threads().on_context_switch(
        [this](auto& from, auto& to) { local_.switch_stacks(from, to); });
  }

  Sabotages& sabotage() { return computer_.machine().sabotage(); }

  /// Returns the fault; empty if there is none.
  std::string play() {
    Scheduler& scheduler = computer_.threads().scheduler();
    for (std::uint32_t i = 0; i < threads_; ++i) {
      scheduler.spawn("maps locally", [this, seed = random_.next()] { run(Random(seed)); });
    }
    scheduler.on_interrupt([this] { map_in_interrupt(); });
    watch_switches(computer_, computer_.machine().local(), random_);
    const Outcome outcome = scheduler.run();
    if (outcome.end == Outcome::End::all_done) check_end();
    return what_went_wrong(computer_, outcome);
  }

 private:
  using Page = GameComputer::Page;
  struct Held {
    Page page;
    void* address;
  };
  /// The mappings of one thread or handler, the last one on top.
  struct Hand {
    std::array<Held, kLocalDepth + 1> mappings{};
    std::uint32_t size = 0;
  };
  static constexpr std::uint32_t kMostInInterrupt = 4;

  void check_end() {
    Region& region = computer_.machine().local();
    for (std::uint32_t i = 0; i < region.size(); ++i) {
      if (!region.mapped_frame(SlotIndex{i})) continue;
      computer_.machine().faults().record("all threads have gone, but local slot " +
                                          std::to_string(i) + " maps a page");
    }
  }

  void run(Random random) {
    Hand hand;
    for (std::uint32_t left = kOperations / threads_; left != 0; --left) {
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          if (hand.size < deepest_) map(random, hand);
          break;
        case 3:
        case 4:
          if (hand.size != 0) unmap(hand);
          break;
        case 5:
          return_page(computer_, model_, kShared, random);
          break;
        case 6:
          if (random.one_in(8)) sleep(random);
          break;
        default:
          look(random, hand);
      }
    }
    while (hand.size != 0) unmap(hand);
    local_.expect_depth(0);
  }

  void map_in_interrupt() {
    const std::uint32_t depth = local_.depth();
    Hand hand;
    for (std::uint32_t count = random_.below(kMostInInterrupt + 1); count != 0; --count)
      map(random_, hand);
    look(random_, hand);
    while (hand.size != 0) unmap(hand);
    local_.expect_depth(depth);
  }

  void map(Random& random, Hand& hand) {
    const Page page = draw_page(computer_, kShared, random);
    if (!model_.begin_use(page->frame)) return;
    void* const address = local_.kmap_local(page);
    require(address != nullptr, "kmap_local gave nothing");
    hand.mappings[hand.size++] = {page, address};
    show(hand.mappings[hand.size - 1]);
  }
  void unmap(Hand& hand) {
    const Held held = hand.mappings[--hand.size];
    show(held);
    local_.kunmap_local(held.address);
    model_.end_use(held.page->frame);
  }
  void look(Random& random, const Hand& hand) {
    if (hand.size != 0) show(hand.mappings[random.below(hand.size)]);
  }
  void show(const Held& held) {
    const FrameIndex frame = held.page->frame;
    require(computer_.read(held.address, PageModel::kTagWord) == model_.tag(frame),
            "a local mapping shows another page");
    computer_.write(held.address, PageModel::note(frame, 1), PageModel::kNoteWord);
    require(PageModel::is_note_for(frame, computer_.machine().peek(frame, PageModel::kNoteWord)),
            "the mapping shows another page's note");
  }
  void sleep(Random& random) {
    Scheduler& scheduler = computer_.threads().scheduler();
    scheduler.block("a time to pass", scheduler.steps() + random.between(1, 500));
  }

  void require(bool holds, const char* what) {
    if (!holds) computer_.machine().faults().record(what);
  }

  Random random_;
  const std::uint32_t cpus_;
  const std::uint32_t threads_;
  const std::uint32_t deepest_;
  GameComputer computer_;
  LocalMapper<Platform<ScheduledThreads>> local_;
  PageModel model_;
};

TEST(LocalGame, EveryMappingShowsItsPageAllTheTime) {
  for (std::uint64_t seed = 1; seed <= kGames; ++seed)
    ASSERT_EQ(LocalGame(seed).play(), "") << "seed " << seed;
}

TEST(LocalGame, ADroppedLocalFlushIsFound) {
  const std::string failure = first_failure<LocalGame>(
      [](Sabotages& sabotage) { sabotage.local_flush_dropped.strike_every(50); });
  EXPECT_NE(failure.find("TLB still maps it"), std::string::npos) << failure;
}

}  // namespace
}  // namespace kmapper::simulated
