// The modification order of one atomic object, without the values: the agent that wrote each store,
// what the store releases, and the agents that have seen it. A load may read any store, except
// those older than a store that the reader knows: one that it, or a step that happens before, has
// written or read ([intro.races], the four coherence rules).
//
// Stores are kept in the order in which they are made, so two unordered stores never change places;
// no load reads a store that has not been made yet; and only the last kKept stores are kept. This
// is less than C++ allows: a failure here is possible in C++, but a success holds only for the
// cases that were played. The total order of the sequentially consistent accesses is the order in
// which they run: such a load reads no store older than the last one that such an access has
// written or read ([atomics.order]).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "simulated/weak_memory.hpp"

namespace kmapper::simulated {

class WeakHistory {
 public:
  static constexpr std::uint32_t kKept = 8;

  /// Starts with the object's first value, which every agent knows.
  WeakHistory() { entry(0).seen.include(WeakStep{0, 1}); }

  /// The last store's number in the modification order. Store n is kept at index n modulo kKept.
  [[nodiscard]] std::uint64_t newest() const { return newest_; }

  /// The store that a load by the running agent would read.
  [[nodiscard]] std::uint64_t choose(WeakMemory& memory, std::memory_order order) const;
  /// The running agent loads that store.
  void load(WeakMemory& memory, std::uint64_t store, std::memory_order order);
  /// The running agent stores. Returns the new store's number.
  std::uint64_t store(WeakMemory& memory, std::memory_order order);
  /// The running agent reads the newest store and makes the next one, in one step.
  std::uint64_t read_modify_write(WeakMemory& memory, std::memory_order order);

 private:
  struct Entry {
    WeakClock released;  // an agent that acquires from it comes after this
    WeakClock seen;      // the first step of each agent that wrote or read it; 0: none
  };

  [[nodiscard]] Entry& entry(std::uint64_t store) { return entries_[store % kKept]; }
  [[nodiscard]] const Entry& entry(std::uint64_t store) const { return entries_[store % kKept]; }
  [[nodiscard]] static bool knows(const WeakClock& reader, const WeakClock& seen);
  void append(WeakMemory& memory, const WeakClock& released, std::memory_order order);

  std::array<Entry, kKept> entries_{};
  std::uint64_t newest_ = 0;
  std::uint64_t consistent_ =
      0;  // the last store that a sequentially consistent access wrote or read
};

}  // namespace kmapper::simulated
