// Plays random operations on the window, from threads on all CPUs and from interrupts, and checks
// them against torture_pages.hpp: the load of the hosted torture (tests/property/player.hpp), on
// the machine.
//
// A thread may hold several mappings, but sleeps for a slot only while it holds none: two threads
// that each hold what the other waits for would deadlock by the torture's own fault. It hands some
// mappings on to the receivers, which are threads that never sleep in kmap.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "kernel/mm/highmem.hpp"
#include "tests/kernel/jobs/torture_pages.hpp"

namespace kmapper::kernel {

class TorturePlayer {
 public:
  explicit TorturePlayer(const TorturePages& pages) : pages_(pages) {}

  /// The body of a thread that maps until its time is up. It holds nothing when it returns.
  void map_pages(Prng random, std::uint64_t end_ns);
  /// The body of a thread that receives mappings. Returns when the mapping threads have ended and
  /// nothing is left to receive.
  void receive(Prng random);
  /// The operations of an interrupt, or of a thread with interrupts off.
  void play_in_interrupt(Prng& random);

  /// Called before the first map_pages().
  void expect_mapping_threads(std::uint32_t count) { mapping_.store(count); }
  /// The number of operations, to the last thousand of each thread.
  [[nodiscard]] std::uint64_t played() const {
    return std::uint64_t{played_thousands_.load(std::memory_order_relaxed)} * 1000;
  }
  [[nodiscard]] std::uint32_t mapping_threads() const { return mapping_.load(); }
  /// The first error, or nothing.
  [[nodiscard]] std::string_view fault() const {
    return is_faulty_.load(std::memory_order_acquire) ? fault_ : std::string_view();
  }

 private:
  struct Held {
    TorturePage* page;
    void* address;
  };
  static constexpr std::uint32_t kMostHeld = 4;

  /// The mappings that a thread holds.
  class Hand {
   public:
    [[nodiscard]] bool is_empty() const { return size_ == 0; }
    [[nodiscard]] bool is_full() const { return size_ == kMostHeld; }
    void add(const Held& held) { held_[size_++] = held; }
    [[nodiscard]] const Held& any(Prng& random) const { return held_[random.below(size_)]; }
    [[nodiscard]] Held take_any(Prng& random) {
      const std::uint32_t chosen = random.below(size_--);
      return std::exchange(held_[chosen], held_[size_]);
    }

   private:
    std::array<Held, kMostHeld> held_{};
    std::uint32_t size_ = 0;
  };

  /// Mappings on their way from one thread to another. If it is full, the giver keeps its mapping.
  class Post {
   public:
    [[nodiscard]] bool send(const Held& held);
    [[nodiscard]] bool receive(Hand& hand);

   private:
    Spinlock lock_{};
    std::array<Held, 16> held_{};
    std::uint32_t size_ = 0;
  };

  struct Victim;

  using Limit = Limits<KernelPlatform>;
  using Wanted = PageAddress<KernelPlatform>;

  void play_one(Prng& random, Hand& hand);
  void play_rarely(Prng& random, Hand& hand);
  void migrate(Prng& random);
  bool pick_up(Prng& random, Hand& hand, bool may_sleep);
  [[nodiscard]] std::uint32_t begin_uses(Prng& random, std::span<TorturePage*> them);
  void pick_up_several(Prng& random, Hand& hand);
  [[nodiscard]] void* map_patiently(Prng& random, Page* page);
  [[nodiscard]] bool map_all(Prng& random, std::span<Wanted> pages);
  [[nodiscard]] bool map_in_reservation(Prng& random, std::span<Wanted> pages);
  [[nodiscard]] Limit some_limits(Prng& random);
  void map_locally(Prng& random, std::uint32_t depth);
  void map_area(Prng& random);
  void allocate_area(Prng& random);
  void look_at_area(Prng& random, std::span<TorturePage* const> pages, void* area);
  void look(Prng& random, const Hand& hand);
  void put_back(Prng& random, Hand& hand);
  void hand_on(Prng& random, Hand& hand);
  void reuse_page(Prng& random);
  void cancel();
  void with_interrupts_off(Prng& random);
  void let_a_thread_die(Prng& random);
  void require(bool holds, std::string_view what);

  const TorturePages& pages_;
  Post post_;
  // The threads that sleep with the current cancellation wake when it is requested; the last one
  // never is.
  static constexpr std::uint32_t kCancellations = 64;
  std::array<Cancellation<KernelPlatform>, kCancellations> cancellations_{};
  std::atomic<std::uint32_t> cancelled_{0};
  std::atomic<std::uint32_t> mapping_{0};  // threads that still map
  std::atomic<std::uint32_t> played_thousands_{0};
  std::atomic<bool> is_faulty_{false};
  std::atomic<bool> has_fault_{false};
  std::string_view fault_;
};

}  // namespace kmapper::kernel
