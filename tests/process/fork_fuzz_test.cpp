// Threads that do all that the library allows, in any order, and fork at any moment. The child does
// all that it may: it reads and touches what it holds, makes calls and gets `forked`, destroys
// everything, and starts again with budgets, windows, threads and children of its own. It must end
// in time.
//
// A run takes KMAPPER_SECONDS, or two seconds. The seed chooses what each thread does, but not what
// happens at the same time.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 4;
constexpr std::int64_t kPages = 64;
const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);

std::byte read(const std::byte* address) { return *const_cast<const volatile std::byte*>(address); }

/// The state that all threads share.
struct World {
  ScratchFile file{kPages * page_bytes};
  ScratchFile changing{ScratchFile::on_disk, kPages* page_bytes};
  std::optional<Budget> budget{std::in_place,
                               Options{.bytes = 32 * page_bytes, .granule = page_bytes}};
  std::optional<Budget> slots{
      std::in_place,
      Options{.bytes = 64 * page_bytes, .granule = 2 * page_bytes, .placement = Placement::slots}};
  std::optional<Budget> copies{
      std::in_place,
      Options{.bytes = 32 * page_bytes, .granule = page_bytes, .placement = Placement::copies}};
  std::optional<FileWindow> window{std::in_place, file.descriptor(), Access::read_write, *budget};
  std::optional<FileWindow> in_slots{std::in_place, changing.descriptor(), Access::read_write,
                                     *slots};
  std::optional<FileWindow> copied{std::in_place, file.descriptor(), Access::read_only, *copies};
  std::optional<HighMemory> memory{std::in_place, *budget};
  int* step;  // the child's current step, in memory that it shares with its parent
};

/// A file of the thread's own, with a mapping of a page that the file has lost.
class Lost {
 public:
  explicit Lost(const Budget& budget) : window_(file_.descriptor(), Access::read_write, budget) {}
  /// True: the page is mapped, and lost.
  bool lose() {
    if (!held_) {
      if (ftruncate64(file_.descriptor(), 8 * page_bytes) != 0) return false;
      Expected<Mapping> mapped = window_.map_for((1 + next_++ % 7) * page_bytes, 1, 10ms);
      if (!mapped) return false;
      held_ = std::move(*mapped);
    }
    return ftruncate64(file_.descriptor(), 1) == 0;
  }
  /// True: it shows zeros, and is bad.
  [[nodiscard]] bool touch() const { return read(held_.data()) == std::byte{0} && held_.bad(); }
  void release() { held_ = {}; }

 private:
  const ScratchFile file_{8 * page_bytes};
  FileWindow window_;
  Mapping held_;
  std::int64_t next_ = 0;
};

bool is_forked(const Error& error) { return error.code() == WindowErrc::forked; }

class Player {
 public:
  Player(World& world, unsigned seed)
      : world_(world),
        random_(seed),
        lost_(std::in_place, *world.budget),
        cursor_(std::in_place, *world.window) {}

  void act() {
    const std::int64_t offset = below(kPages - 3) * page_bytes;
    // Slow operations are rare. Operations that take a lock, and faults, are frequent.
    switch (below(64)) {
      case 0:
        return (void)Budget({.bytes = 8 * page_bytes, .granule = page_bytes});
      case 1:
        return std::thread([&] { (void)world_.window->map_for(offset, 1, 10ms); }).join();
      case 2:
        (void)world_.budget->stats();
        return (void)world_.slots->trim();
      case 3:
        cursor_->release();
        (void)world_.in_slots->resize((kPages - below(2)) * page_bytes);
        (void)world_.in_slots->discard(0, 2 * page_bytes);
        return (void)world_.in_slots->sync(offset, 2 * page_bytes);
      case 4:
        return use_several(offset);
      case 5:
        return (void)world_.window->prefetch(offset, 3 * page_bytes);
      default:
        return act_often(offset);
    }
  }

  /// 0: all went well in the child; otherwise the step that failed, or did not end in time.
  int fork_now() {
    const bool is_lost = lost_->lose();
    const int ended =
        in_a_child_within(kSecondsAmongThreads, [&] { return is_well_in_child(is_lost) ? 0 : 1; });
    lost_->release();
    return is_well_among_threads(ended) ? 0 : *world_.step;
  }

 private:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  void act_often(std::int64_t offset) {
    switch (below(8)) {
      case 0:
        if (held_.size() > 2) held_.clear();
        return hold(world_.window->map_for(offset, 100, 10ms));
      case 1:
        return (void)world_.window->map_for(offset + 1, page_bytes, 10ms);
      case 2:
        return (void)world_.in_slots->map_for(offset, 100, 10ms);
      case 3:
        return (void)world_.copied->map_for(offset, 100, 10ms);
      case 4: {
        const FileWindow window(world_.file.descriptor(), Access::read_only, *world_.budget);
        return;
      }
      case 5:
        return use_memory();
      default:
        if (lost_->lose()) (void)lost_->touch();
        return lost_->release();
    }
  }
  void hold(Expected<Mapping> mapped) {
    if (mapped) held_.push_back(std::move(*mapped));
  }
  void use_memory() {
    const Expected<HighPage> page = world_.memory->allocate();
    if (!page) return;
    if (auto mapping = world_.memory->map(*page, {.deadline = soon()}))
      mapping->writable()[0] = std::byte{1};
    (void)world_.memory->free(*page);
  }
  void use_several(std::int64_t offset) {
    held_.clear();
    cursor_->release();
    std::array<Range, 2> ranges{Range{.window = &*world_.window, .offset = offset, .length = 1},
                                Range{.window = &*world_.window, .offset = 0, .length = 1}};
    if (map_all(*world_.budget, ranges, {.deadline = soon()})) return;
    for (Range& it : ranges) it.mapping = {};
    if (auto room = reserve(*world_.budget, 2, {.deadline = soon()}))
      (void)room->map(*world_.window, offset, 1);
    (void)cursor_->at(offset, 1);
  }
  static std::chrono::steady_clock::time_point soon() {
    return std::chrono::steady_clock::now() + 10ms;
  }

  bool is_well_in_child(bool is_lost) {
    int& step = *world_.step;
    step = 1;
    for (const Mapping& it : held_) (void)read(it.data());
    step = 2;
    if (is_lost && !lost_->touch()) return false;
    step = 3;
    if (!are_all_told()) return false;
    step = 4;
    if (below(2) == 0) destroy_all();
    step = 5;
    return below(8) != 0 || begins_anew(true);
  }

  bool are_all_told() {
    FileWindow& window = *world_.window;
    std::array<Range, 1> range{Range{.window = &window, .offset = 0, .length = 1}};
    if (!is_forked(window.map(0, 1).error()) ||
        !is_forked(window.try_map(0, page_bytes + 1).error()) ||
        !is_forked(window.map(kPages * page_bytes, 1).error()) ||
        !is_forked(world_.copied->map(0, 1).error()) ||
        !is_forked(world_.in_slots->map(0, 1).error())) {
      return false;
    }
    if (!is_forked(window.resize(0)) || !is_forked(window.discard(0, page_bytes)) ||
        !is_forked(window.sync()) || !is_forked(window.sync(0, 1)) ||
        !is_forked(window.start_sync(0, 1)) || !is_forked(window.prefetch(0, 1))) {
      return false;
    }
    if (!is_forked(map_all(*world_.budget, range)) ||
        !is_forked(reserve(*world_.budget, 1).error()))
      return false;
    if (!is_forked(world_.memory->allocate().error()) ||
        !is_forked(world_.memory->free(HighPage{0})))
      return false;
    window.advise(Advice::sequential);
    return world_.budget->stats().misses == 0 && world_.budget->trim() == 0 &&
           world_.budget->report_holders(0ns) == 0;
  }

  void destroy_all() {
    held_.clear();
    cursor_.reset();
    lost_.reset();
    world_.memory.reset();
    world_.copied.reset();
    world_.in_slots.reset();
    world_.window.reset();
    world_.copies.reset();
    world_.slots.reset();
    world_.budget.reset();
  }

  /// In a child, and in a child of that child.
  bool begins_anew(bool may_fork) {
    int& step = *world_.step;
    const Budget budget({.bytes = 16 * page_bytes, .granule = page_bytes});
    Lost lost(budget);
    step = 6;
    if (!lost.lose() || !lost.touch()) return false;
    step = 7;
    FileWindow window(world_.file.descriptor(), Access::read_only, budget);
    bool is_mapped = false;
    std::thread([&] {
      is_mapped = window.map(kPages / 2 * page_bytes, 100).operator bool();
    }).join();
    if (!is_mapped) return false;
    step = 8;
    HighMemory memory(budget);
    const Expected<HighPage> page = memory.allocate();
    if (!page || !memory.map(*page).operator bool()) return false;
    if (memory.free(*page)) return false;
    step = 9;
    if (!may_fork) return true;
    lost.release();
    if (!lost.lose()) return false;
    const pid_t child = fork();
    if (child == 0) {
      alarm(kSecondsAmongThreads / 2);
      _exit(is_forked(window.map(0, 1).error()) && lost.touch() && begins_anew(false) ? 0 : 1);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) return false;
    return is_well_among_threads(exit_of(status));
  }

  World& world_;
  std::mt19937 random_;
  std::vector<Mapping> held_;
  std::optional<Lost> lost_;
  std::optional<Cursor> cursor_;
};

TEST(ForkFuzz, EveryChildDoesAllThatItMayInTime) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer lets no child of several threads start one";
#endif
  void* const shared =
      mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  World world{.step = static_cast<int*>(shared)};
  const unsigned seed = std::random_device()();
  const char* const limit = std::getenv("KMAPPER_SECONDS");  // NOLINT(concurrency-mt-unsafe)
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(limit != nullptr ? std::atoi(limit) : 2);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> operations{0};
  int forks = 0;
  int failed_step = 0;
  {
    std::vector<std::jthread> threads;
    for (unsigned number = 1; number < kThreads; ++number) {
      threads.emplace_back([&, number] {
        Player player(world, seed + number);
        for (; !done; ++operations) player.act();
      });
    }
    Player player(world, seed);
    std::mt19937 random(seed);
    while (failed_step == 0 && std::chrono::steady_clock::now() < end) {
      for (unsigned i = random() % 4; i != 0; --i) player.act();
      failed_step = player.fork_now();
      ++forks;
    }
    done = true;
  }
  std::printf("seed %u: %d forks among %llu operations\n", seed, forks,
              static_cast<unsigned long long>(operations));
  EXPECT_EQ(failed_step, 0) << "seed " << seed << ", fork " << forks;
  munmap(shared, sizeof(int));
}

}  // namespace
}  // namespace kmapper::process
