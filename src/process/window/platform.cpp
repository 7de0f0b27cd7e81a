#include "process/window/platform.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "kmapper/core/impl/mapper.hpp"
#include "process/file/file.hpp"
#include "process/wait/deadline.hpp"
#include "process/wait/long_wait.hpp"
#include "process/window/arena.hpp"
#include "system/pieces.hpp"

namespace kmapper {

template class Mapper<process::Platform>;

namespace process {

void Platform::write_pte(SlotIndex slot, Page) {
  Record& record = arena_->record(slot);
  // Another thread may be plugging the slot's old mapping: one system call, without a lock.
  std::uint32_t state = Record::unused;
  // Acquire: pairs with the release of the thread that plugged. The slot's word publishes what is
  // written here.
  while (!record.state.compare_exchange_weak(state, Record::pending, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
    state = Record::unused;
    relax();
  }
  record.fault.store(0);
  record.outdated.store(false, std::memory_order_relaxed);
  record.was_written.store(false, std::memory_order_relaxed);
  record.present.store(0, std::memory_order_relaxed);
}

/// Whether the slot, which the calling thread has taken, has a copy that is not in its file yet.
bool Platform::is_dirty(SlotIndex slot) const {
  return arena_->record(slot).was_written.load(std::memory_order_relaxed) &&
         arena_->dirty(slot).units.load(std::memory_order_relaxed) != 0;
}

/// Granules at home must be unmapped, and copies written back. A slot's own addresses keep mapping
/// the old granule, except in a strict arena.
bool Platform::take_pte(SlotIndex slot) {
  Record& record = arena_->record(slot);
  if (record.was_written.load(std::memory_order_relaxed)) arena_->dirty(slot).fault.store(0);
  const bool has_to_go =
      is_dirty(slot) || record.is_at_home() || (arena_->is_strict() && record.is_occupied());
  // Done while the page still names this slot, so that the next mapping of it never shows the
  // zeros.
  if (record.is_at_home() && record.fault.load() != 0)
    arena_->owner_of(record)->restore_home(record);
  // Release: pairs with the thread that empties it, and with write_pte().
  record.state.store(has_to_go ? Record::taken : Record::unused, std::memory_order_release);
  return has_to_go;
}

void Platform::invalidate(std::span<const SlotIndex> slots) {
  while (!slots.empty()) {
    const std::size_t some = std::min(slots.size(), kBatch);
    empty(slots.first(some));
    slots = slots.subspan(some);
  }
}

/// The calling thread has taken these slots. Their pages keep them until this returns.
void Platform::empty(std::span<const SlotIndex> slots) {
  std::array<iovec, kBatch> at_home;
  std::size_t dropped = 0;
  for (const SlotIndex slot : slots) {
    Record& record = arena_->record(slot);
    record.state.store(Record::emptying, std::memory_order_relaxed);
    if (record.is_at_home()) {
      // Neighbours as one range: each range has a flush of its own.
      dropped = system::add_piece(at_home, dropped, record.data(), arena_->granule());
      continue;
    }
    if (is_dirty(slot)) arena_->owner_of(record)->write_taken(record);
    if (arena_->is_strict()) arena_->plug(record);
  }
  if (dropped != 0 && !arena_->drop({at_home.data(), dropped})) {
    // One of these files is locked, then, and all of it is in memory.
    for (const SlotIndex slot : slots) {
      const Record& record = arena_->record(slot);
      if (record.is_at_home()) arena_->owner_of(record)->unlock_home();
    }
  }
  for (const SlotIndex slot : slots) {
    Record& record = arena_->record(slot);
    record.at_home.store(false, std::memory_order_relaxed);
    // Release: pairs with write_pte(), and with plug_leftovers().
    record.state.store(Record::unused, std::memory_order_release);
  }
}

void Platform::relax() { std::this_thread::yield(); }

Platform::Sleeper::Sleeper(Platform&) : wait_(LongWait::current()) {}

void Platform::sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
  std::unique_lock held(lock, std::adopt_lock);
  LongWait* const wait = sleeper.wait_;
  if (wait != nullptr && wait->is_endless() && !sleeper.woken_) sleeper.asleep_.begin();
  while (!sleeper.woken_) {
    const std::uint64_t look = wait != nullptr ? wait->next_look() : UINT64_MAX;
    sleep_until(held, sleeper, std::min(deadline_ns, look));
    if (sleeper.woken_ || now() < look) break;
    held.unlock();
    wait->look();
    held.lock();
  }
  sleeper.asleep_.end();
  sleeper.woken_ = false;
  held.release();
}

void Platform::sleep_until(std::unique_lock<Lock>& held, Sleeper& sleeper,
                           std::uint64_t deadline_ns) {
  const auto woken = [&sleeper] { return sleeper.woken_; };
  if (const Deadline deadline = deadline_of(deadline_ns); is_for_ever(deadline)) {
    sleeper.condition_.wait(held, woken);
  } else {
    sleeper.condition_.wait_until(held, deadline, woken);
  }
}

void Platform::wake(Sleeper& sleeper) {
  sleeper.woken_ = true;
  sleeper.asleep_.end();
  sleeper.condition_.notify_one();
}

std::uint64_t Platform::now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since).count());
}

std::uint64_t Platform::rough_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t Platform::age_ns(Stamp stamp) const {
  return arena_->clock().age_ns(stamp.tick, now());
}

std::uint64_t Platform::counted(Event event) const { return arena_->counters().sum(event); }

void Platform::report(const MisuseReport<Platform>& misuse) { arena_->report(misuse); }

}  // namespace process
}  // namespace kmapper
