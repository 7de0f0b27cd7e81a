// Random use of vmap on the deterministic machine, against a plain model: each thread knows which
// pages its areas map, and what each must show. Threads move between CPUs at any time; interrupts
// map too; CPUs walk PTEs at any time; pages are freed, and allocated again, as soon as they have
// no mapping. The machine checks that no page of the range gets a new translation while a TLB holds
// its old one.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "kmapper/core/vmalloc.hpp"
#include "page_model.hpp"
#include "region_game.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kGames = 40;
constexpr std::uint32_t kOperations = 3'000;  // a game

/// One machine, its threads and their operations, all chosen by a seed.
class VmapGame {
 public:
  explicit VmapGame(std::uint64_t seed)
      : random_(seed),
        cpus_(random_.between(1, 4)),
        threads_(random_.between(1, 2 * cpus_)),
        pages_(random_.between(8, 120)),
        computer_({.cpus = cpus_,
                   .slots = 1,
                   .low_frames = 2,
                   .high_frames = kShared + kMemory,
                   .vmap_pages = pages_},
                  {seed, draw_chances(random_)}),
        model_(computer_.machine(), random_) {
    range_->open(pages_);
    for (std::uint32_t i = 0; i < kMemory; ++i)
      computer_.put_free_page(computer_.high_page(kShared + i));
  }

  Sabotages& sabotage() { return computer_.machine().sabotage(); }

  /// Returns the fault; empty if there is none.
  std::string play() {
    Scheduler& scheduler = computer_.threads().scheduler();
    for (std::uint32_t i = 0; i < threads_; ++i) {
      scheduler.spawn("maps areas", [this, seed = random_.next()] { run(Random(seed)); });
    }
    scheduler.on_interrupt([this] { map_in_interrupt(); });
    watch_switches(computer_, computer_.machine().vmap(), random_);
    Outcome outcome = scheduler.run();
    if (outcome.end == Outcome::End::all_done && computer_.machine().faults().empty()) {
      scheduler.on_interrupt(nullptr);
      scheduler.spawn("checks the end", [this] { check_end(); });
      outcome = scheduler.run();
    }
    return what_went_wrong(computer_, outcome);
  }
  [[nodiscard]] std::uint64_t mapped() const { return mapped_; }
  [[nodiscard]] std::uint64_t allocated() const { return allocated_; }

 private:
  using Page = GameComputer::Page;
  static constexpr std::uint32_t kShared = 40;  // pages that all threads map by vmap
  static constexpr std::uint32_t kMemory = 24;  // pages that vmalloc has
  static constexpr std::uint32_t kMostPages = 6;
  static constexpr std::uint32_t kMostAreas = 4;

  struct Area {
    std::array<Page, kMostPages> pages{};
    std::uint32_t size = 0;
    std::byte* address = nullptr;
  };
  struct Hand {
    std::array<Area, kMostAreas> areas{};
    std::uint32_t size = 0;
  };

  /// Memory of vmalloc, and what was written to each page.
  struct Memory {
    std::uint32_t pages = 0;
    std::uint64_t first = 0;
    std::byte* address = nullptr;
  };

  void run(Random random) {
    Hand hand;
    Memory memory;
    for (std::uint32_t left = kOperations / threads_; left != 0; --left) {
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          map(random, hand);
          break;
        case 3:
        case 4:
          unmap_any(random, hand);
          break;
        case 5:
          return_page(computer_, model_, kShared, random);
          break;
        case 6:
          if (random.one_in(16)) range_->flush();
          break;
        default:
          look(random, hand);
          memory.address == nullptr ? allocate(random, memory) : free(memory);
      }
    }
    if (memory.address != nullptr) free(memory);
    while (hand.size != 0) unmap_any(random, hand);
  }

  void map_in_interrupt() {
    Memory memory;
    allocate(random_, memory);
    if (memory.address != nullptr) free(memory);
    Hand hand;
    map(random_, hand);
    look(random_, hand);
    while (hand.size != 0) unmap_any(random_, hand);
  }

  void map(Random& random, Hand& hand) {
    if (hand.size == kMostAreas) return;
    Area area;
    for (std::uint32_t wanted = random.between(1, kMostPages); wanted != 0; --wanted) {
      const Page page = draw_page(computer_, kShared, random);
      if (model_.begin_use(page->frame)) area.pages[area.size++] = page;
    }
    Result<void*> result = range_->vmap({area.pages.data(), area.size});
    if (!result) {
      require(result.error() == MapError::no_room || result.error() == MapError::would_sleep,
              "vmap refused for no good reason");
      return give_back(area);
    }
    area.address = static_cast<std::byte*>(*result);
    ++mapped_;
    hand.areas[hand.size++] = area;
    // Half of the areas are never accessed.
    if (random.one_in(2)) look(random, hand);
  }
  void unmap_any(Random& random, Hand& hand) {
    if (hand.size == 0) return;
    const std::uint32_t chosen = random.below(hand.size--);
    const Area area = std::exchange(hand.areas[chosen], hand.areas[hand.size]);
    range_->vunmap(area.address);
    give_back(area);
  }
  void give_back(const Area& area) {
    for (std::uint32_t i = 0; i < area.size; ++i) model_.end_use(area.pages[i]->frame);
  }
  /// Checks every page of some area.
  void look(Random& random, const Hand& hand) {
    if (hand.size == 0) return;
    const Area& area = hand.areas[random.below(hand.size)];
    for (std::uint32_t i = 0; i < area.size; ++i) {
      const FrameIndex frame = area.pages[i]->frame;
      require(computer_.read(area.address + i * kPageSize) == model_.tag(frame),
              "an area shows another page");
    }
  }

  void allocate(Random& random, Memory& memory) {
    memory.pages = random.between(1, kMostPages);
    const Result<void*> result = range_->vmalloc(memory.pages);
    if (!result) {
      return require(result.error() == MapError::no_room || result.error() == MapError::no_memory ||
                         result.error() == MapError::would_sleep,
                     "vmalloc refused for no good reason");
    }
    ++allocated_;
    memory.address = static_cast<std::byte*>(*result);
    memory.first = random.next();
    if (random.one_in(4)) return;  // not accessed, before it is freed
    for (std::uint32_t i = 0; i < memory.pages; ++i)
      computer_.write(memory.address + i * kPageSize, memory.first + i);
    for (std::uint32_t i = 0; i < memory.pages; ++i) {
      require(computer_.read(memory.address + i * kPageSize) == memory.first + i,
              "memory of vmalloc lost what was written to it");
    }
  }
  void free(Memory& memory) {
    range_->vfree(memory.address);
    memory.address = nullptr;
  }

  void check_end() {
    range_->flush();
    const auto usage = range_->usage();
    require(usage.areas == 0 && usage.used_pages == 0 && usage.dirty_pages == 0,
            "all threads have gone, but areas are left");
    require(usage.largest_run == pages_, "a page of the range is lost");
    require(usage.waiting_pages == 0 && computer_.free_pages() == kMemory,
            "all threads have gone, but memory is lost");
    std::array<Page, 1> page{computer_.high_page(0)};
    for (std::uint32_t left = pages_ / 2; left != 0; --left)
      require(static_cast<bool>(range_->vmap(page)), "a clean range refuses");
  }

  void require(bool holds, const char* what) {
    if (!holds) computer_.machine().faults().record(what);
  }

  Random random_;
  const std::uint32_t cpus_;
  const std::uint32_t threads_;
  const std::uint32_t pages_;
  GameComputer computer_;
  std::unique_ptr<VmallocRange<Platform<ScheduledThreads>>> range_ =
      std::make_unique<VmallocRange<Platform<ScheduledThreads>>>(computer_.platform());
  PageModel model_;
  std::uint64_t mapped_ = 0;
  std::uint64_t allocated_ = 0;
};

TEST(VmapGame, EveryAreaShowsItsPagesAllTheTime) {
  std::uint64_t mapped = 0;
  std::uint64_t allocated = 0;
  for (std::uint64_t seed = 1; seed <= kGames; ++seed) {
    VmapGame game(seed);
    ASSERT_EQ(game.play(), "") << "seed " << seed;
    mapped += game.mapped();
    allocated += game.allocated();
  }
  EXPECT_GT(mapped, kGames * kOperations / 8);
  EXPECT_GT(allocated, kGames * kOperations / 32);
}

/// By an address that is used again, or by memory that is free.
bool is_a_stale_translation(const std::string& failure) {
  return failure.find("TLB still maps it") != std::string::npos ||
         failure.find("TLB maps it at") != std::string::npos;
}

TEST(VmapGame, ADroppedFlushIsFound) {
  const std::string failure = first_failure<VmapGame>(
      [](Sabotages& sabotage) { sabotage.vmap_flush_dropped.strike_every(5); });
  EXPECT_TRUE(is_a_stale_translation(failure)) << failure;
}

TEST(VmapGame, AFlushSkippedByAWrongAccessedBitIsFound) {
  const std::string failure = first_failure<VmapGame>(
      [](Sabotages& sabotage) { sabotage.accessed_hidden.strike_every(20); });
  EXPECT_TRUE(is_a_stale_translation(failure)) << failure;
}

}  // namespace
}  // namespace kmapper::simulated
