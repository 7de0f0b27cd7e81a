// Which copies of a file have been written to and are not in the file yet. See write_back.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

#include "kmapper/core/slot.hpp"
#include "process/fill/units.hpp"
#include "process/window/record.hpp"

namespace kmapper::process {

/// What an arena keeps for each slot beside its record, for copies that may be written to. It lies
/// apart, because only budgets with such copies occupy memory for it.
struct DirtyCopy {
  // The units that may have been written to since they were last written back. Release, when bits
  // are set: pairs with the thread that writes them back.
  std::atomic<Units::Set> units;
  Fault fault;  // why they could not be written back
  // Written under the mutex of its file's DirtyCopies. Sequentially consistent, as is `units` where
  // both are used: a thread that sets units and finds the copy listed has set them before
  // put_back() looks at them.
  std::atomic<bool> is_listed;
  // Guarded by that mutex. Entries: a slot's number and 1; 0: none.
  std::uint32_t next;
  std::uint32_t before;
};

/// A lock that many threads may share while they write. A thread that wants it alone goes before
/// those that come later.
class WriteLock {
 public:
  void lock() {
    const std::lock_guard turn(turn_);
    shared_.lock();
  }
  void unlock() { shared_.unlock(); }
  void lock_shared() {
    const std::lock_guard turn(turn_);
    shared_.lock_shared();
  }
  void unlock_shared() { shared_.unlock_shared(); }

 private:
  std::mutex turn_;
  std::shared_mutex shared_;
};

/// The list of one file.
class DirtyCopies {
 public:
  /// `all` has an entry for each slot of the arena.
  explicit DirtyCopies(DirtyCopy* all) : all_(all) {}

  /// Marks units of the slot's copy, which is listed when this returns. False: it was already.
  bool mark(SlotIndex slot, Units::Set units) {
    DirtyCopy& it = of(slot);
    // Always a read-modify-write: pairs with File::take_dirty().
    it.units.fetch_or(units, std::memory_order_seq_cst);
    if (it.is_listed.load(std::memory_order_seq_cst)) return false;
    const std::lock_guard lock(mutex_);
    if (!it.is_listed.load(std::memory_order_relaxed)) link(slot);
    return true;
  }
  /// The slot's copy has been written back. If it is dirty nevertheless, it goes to the end of the
  /// list.
  void put_back(SlotIndex slot) {
    const std::lock_guard lock(mutex_);
    if (of(slot).is_listed.load(std::memory_order_relaxed)) unlink(slot);
    if (of(slot).units.load(std::memory_order_seq_cst) != 0) link(slot);
  }
  [[nodiscard]] std::uint32_t count() const { return count_.load(std::memory_order_relaxed); }
  /// Calls visit(slot) for each, the longest dirty first, until it returns false. Returns whether
  /// it has been called for all.
  template <class Visitor>
  bool for_each(Visitor visit) const {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t entry = first_; entry != 0; entry = all_[entry - 1].next) {
      if (!visit(SlotIndex{entry - 1})) return false;
    }
    return true;
  }

 private:
  [[nodiscard]] DirtyCopy& of(SlotIndex slot) const { return all_[to_number(slot)]; }
  void link(SlotIndex slot) {
    const std::uint32_t entry = to_number(slot) + 1;
    DirtyCopy& it = of(slot);
    it.next = 0;
    it.before = last_;
    it.is_listed.store(true, std::memory_order_relaxed);
    (last_ != 0 ? all_[last_ - 1].next : first_) = entry;
    last_ = entry;
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  void unlink(SlotIndex slot) {
    DirtyCopy& it = of(slot);
    (it.before != 0 ? all_[it.before - 1].next : first_) = it.next;
    (it.next != 0 ? all_[it.next - 1].before : last_) = it.before;
    it.is_listed.store(false, std::memory_order_seq_cst);
    count_.fetch_sub(1, std::memory_order_relaxed);
  }

  DirtyCopy* const all_;
  mutable std::mutex mutex_;  // guards the list
  std::uint32_t first_ = 0;
  std::uint32_t last_ = 0;
  std::atomic<std::uint32_t> count_{0};  // relaxed: an estimate, without the lock
};

}  // namespace kmapper::process
