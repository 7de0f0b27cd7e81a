// kmapper's seam (kmapper/core/platform.hpp) in a Linux process. Slow work is not done here. To
// write a slot's PTE is to note what it is to map; the first thread that then holds a pin of the
// slot calls the kernel (File::fill). See record.hpp.
//
// A process has no interrupts, and no CPUs of its own: cpu() is the thread's number, and a thread
// that waits for a change in progress yields.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <type_traits>

#include "kmapper/core/platform.hpp"
#include "process/wait/asleep.hpp"
#include "process/wait/threads.hpp"
#include "process/window/page.hpp"
#include "process/window/record.hpp"
#include "process/window/wide.hpp"

#ifndef KMAPPER_CHECKED
#define KMAPPER_CHECKED 0
#endif

namespace kmapper::process {

class Arena;
class Directory;
class LongWait;

/// A handle: all state is in the arena. Include process/window/arena.hpp to use it.
class Platform {
 public:
  using Page = process::Page;
  using SlotWord = std::uintptr_t;
  template <class T>
  using Atomic = std::conditional_t<std::is_same_v<T, Page>, Wide<T>, std::atomic<T>>;
  using Lock = std::mutex;

  static constexpr std::size_t kMaxSlots = sizeof(SlotWord) == 8 ? UINT32_MAX - 1 : 65'534;
  static constexpr std::size_t kMaxCpus = 64;
  using Beside = Record;
  static constexpr std::size_t kPageSize = 64;  // from one record to the next
  static constexpr bool kFindsSlots = true;     // see Directory
  static constexpr bool kTablesOutside = true;
  static constexpr bool kRemembers = true;
  static constexpr bool kHardwareSetsAccessed = true;  // take_pte(): whether to unmap anything
  static constexpr bool kChecked = KMAPPER_CHECKED != 0;
  static constexpr bool kStrict = false;  // chosen at run time: Options::strict

  constexpr explicit Platform(Arena& arena) : arena_(&arena) {}

  static constexpr bool is_high(Page) { return true; }
  static constexpr void* direct_address(Page) { return nullptr; }
  static constexpr bool is_direct(const void*) { return false; }
  /// A page's cell: a search in the directory.
  class Cell {
   public:
    using Word = SlotWord;
    Cell(Directory& directory, Page page) : directory_(directory), page_(page) {}
    [[nodiscard]] Word load(MemoryOrder order) const noexcept;
    [[nodiscard]] Word load_surely(MemoryOrder order) const noexcept;
    void store(Word none, MemoryOrder order) noexcept;
    [[nodiscard]] bool compare_exchange_strong(Word& expected, Word desired, MemoryOrder success,
                                               MemoryOrder failure) noexcept;

   private:
    Directory& directory_;
    const Page page_;
  };
  [[nodiscard]] Cell page_virtual(Page page) const;

  /// Mixed by multiplications, as in Vigna's splitmix64: neighbours must not share words.
  [[nodiscard]] static constexpr std::uint64_t hash(Page page) {
    std::uint64_t mixed = (to_number(page) + 1) * 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93U;
    return mixed ^ (mixed >> 32);
  }

  [[nodiscard]] void* address(SlotIndex slot) const;
  void write_pte(SlotIndex slot, Page page);
  [[nodiscard]] bool take_pte(SlotIndex slot);
  void invalidate(std::span<const SlotIndex> slots);

  [[nodiscard]] static std::uint32_t cpu() { return thread_number() % kMaxCpus; }
  static constexpr bool may_sleep() { return true; }
  static constexpr bool may_flush() { return true; }
  static void relax();
  struct InterruptsOff {
    explicit InterruptsOff(Platform&) {}
  };

  class Sleeper {
   public:
    explicit Sleeper(Platform&);

   private:
    friend Platform;
    LongWait* const wait_;  // of the call that sleeps; null: no long-wait check
    std::condition_variable condition_;
    // Guarded by the lock that the thread sleeps with.
    bool woken_ = false;
    Asleep asleep_;
  };
  static void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns);
  static void wake(Sleeper& sleeper);

  /// A thread's number, and the arena's tick (clock.hpp).
  struct Stamp {
    std::uint16_t thread;
    std::uint16_t tick;
  };
  [[nodiscard]] Stamp stamp() const;
  [[nodiscard]] static bool same_holder(Stamp one, Stamp other) {
    return one.thread == other.thread;
  }
  [[nodiscard]] std::uint64_t age_ns(Stamp stamp) const;
  [[nodiscard]] static std::uint64_t now();
  /// now() of up to 10 ms ago: costs a tenth.
  [[nodiscard]] static std::uint64_t rough_now();
  /// Stores stamp() in `holder` and does count(Event::hit), looking up the thread's number only
  /// once.
  void note_hit(Atomic<Stamp>& holder);
  void count(Event event) { count(event, 1); }
  void count(Event event, std::uint64_t n);
  [[nodiscard]] std::uint64_t counted(Event event) const;
  void report(const MisuseReport<Platform>& misuse);

 private:
  static constexpr std::size_t kBatch = 32;
  void empty(std::span<const SlotIndex> slots);
  [[nodiscard]] bool is_dirty(SlotIndex slot) const;
  static void sleep_until(std::unique_lock<Lock>& held, Sleeper& sleeper,
                          std::uint64_t deadline_ns);

  Arena* arena_;
};

}  // namespace kmapper::process
