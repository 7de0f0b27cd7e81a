// The balance of a round, after all threads have ended: the mapper's counts against the players'
// operations, and its inner counters by their effects. Leaves the window empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../property/player.hpp"
#include "kmapper/core/mapper.hpp"
#include "kmapper/core/reservation.hpp"
#include "simulated/computer.hpp"

namespace kmapper::simulated {

template <class Threads>
class Balance {
 public:
  using Mapper = kmapper::Mapper<Platform<Threads>>;

  /// After check_end(). The caller is the only thread, and may sleep.
  Balance(Computer<Threads>& computer, Mapper& mapper, const Player<Threads>& player)
      : computer_(computer), mapper_(mapper), player_(player) {}

  /// Logs a fault for each wrong account.
  void check() {
    check_stats();
    check_nothing_is_due();
    check_each_slot_takes_a_page();
    check_each_page_is_freed();
  }

 private:
  void check_stats() {
    const Stats stats = mapper_.stats();
    const std::uint64_t pins = stats.hits + stats.misses;
    require(pins >= player_.mapped() && pins <= player_.mapped() + player_.again(),
            std::to_string(pins) + " hits and misses for " + std::to_string(player_.mapped()) +
                " kmaps, and up to " + std::to_string(player_.again()) + " that were given up");
    // The others went from an idle page to a sleeper, or (in a strict build) with their last user.
    const std::uint64_t taken = stats.slots_scavenged + player_.evicted();
    require(stats.misses >= taken, std::to_string(stats.misses) + " slots got a page, and " +
                                       std::to_string(taken) + " were taken back");
    require(stats.slots_scavenged >= stats.scavenges, "a scavenge took nothing, and was counted");
  }

  /// flushes_due_: while a flush is due, finish_flushes() flushes each slot that is neither live
  /// nor clean; a slot of a reservation is neither.
  void check_nothing_is_due() {
    require(mapper_.report_waiters(0) == 0, "a thread is still in the queue");
    auto reservation = mapper_.reserve(1);
    require(static_cast<bool>(reservation), "an empty window has no slot to reserve");
    const Stats before = mapper_.stats();
    mapper_.finish_flushes();
    require(mapper_.stats().flushes == before.flushes, "a flush is still due");
  }

  /// waiters_: a miss leaves clean slots to waiting threads. The ledger: it names only this thread.
  void check_each_slot_takes_a_page() {
    const std::uint32_t slots = mapper_.slot_count();
    for (std::uint32_t i = 0; i < slots; ++i) {
      void* const address = mapper_.try_kmap(computer_.high_page(i));
      if (address == nullptr)
        return require(false, "only " + std::to_string(i) + " slots of an empty window take pages");
      require(computer_.read(address) == player_.tag(computer_.high_page(i)),
              "page " + std::to_string(i) + " shows another tag");
    }
    require(mapper_.try_kmap(computer_.high_page(slots)) == nullptr, "there are too many slots");
    const std::uint32_t holders = mapper_.report_holders(0);
    require(holders == slots, std::to_string(slots) + " pages are held, and " +
                                  std::to_string(holders) + " holders are named");
    for (std::uint32_t i = 0; i < slots; ++i) mapper_.kunmap(computer_.high_page(i));
  }

  void check_each_page_is_freed() {
    const std::uint32_t pages = computer_.machine().shape().high_frames;
    for (std::uint32_t i = 0; i < pages; ++i) {
      const auto page = computer_.high_page(i);
      require(mapper_.evict(page) != Evicted::pinned, "a page without users is pinned");
      require(mapper_.find(page) == kNoSlot, "a page that was freed has a slot");
      computer_.machine().check_unmapped(page->frame);
    }
    for (std::uint32_t i = 0; i < mapper_.slot_count(); ++i)
      require(mapper_.is_clean(SlotIndex{i}), "slot " + std::to_string(i) + " is not clean");
  }

  void require(bool holds, const std::string& what) {
    if (!holds) computer_.machine().faults().record(what);
  }

  Computer<Threads>& computer_;
  Mapper& mapper_;
  const Player<Threads>& player_;
};

}  // namespace kmapper::simulated
