#include "process/platform.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "core/mapper_impl.hpp"
#include "process/arena.hpp"

namespace kmapper {

static_assert(Platform<process::Platform>);
template class Mapper<process::Platform>;

namespace process {

void Platform::write_pte(SlotIndex slot, Page page) {
  Record& record = arena_->record(slot);
  // Somebody may be plugging what the slot mapped before: one system call, without a lock.
  std::uint32_t state = Record::unused;
  // Acquire: pairs with the release of who plugged. The slot's word publishes what is written here.
  while (!record.state.compare_exchange_weak(state, Record::pending, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
    state = Record::unused;
    relax();
  }
  record.page.store(page, std::memory_order_relaxed);
}

/// The slot's addresses go on mapping what they did, but in a strict arena.
bool Platform::take_pte(SlotIndex slot) {
  Record& record = arena_->record(slot);
  record.ready.store(Page{}, std::memory_order_relaxed);
  if (arena_->is_strict() && record.occupied) return true;
  // Release: pairs with whoever plugs, and with write_pte().
  record.state.store(Record::unused, std::memory_order_release);
  return false;
}

void Platform::invalidate(std::span<const SlotIndex> slots) {
  for (const SlotIndex slot : slots) {
    Record& record = arena_->record(slot);
    arena_->plug(record.address, arena_->granule());
    record.occupied = false;
    record.state.store(Record::unused, std::memory_order_release);
  }
}

void Platform::relax() { std::this_thread::yield(); }

void Platform::sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
  std::unique_lock held(lock, std::adopt_lock);
  const auto woken = [&sleeper] { return sleeper.woken_; };
  if (deadline_ns == UINT64_MAX) {
    sleeper.condition_.wait(held, woken);
  } else {
    const std::chrono::nanoseconds since_epoch(deadline_ns);
    sleeper.condition_.wait_until(held, std::chrono::steady_clock::time_point(since_epoch), woken);
  }
  sleeper.woken_ = false;
  held.release();
}

void Platform::wake(Sleeper& sleeper) {
  sleeper.woken_ = true;
  sleeper.condition_.notify_one();
}

std::uint64_t Platform::now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since).count());
}

std::uint64_t Platform::age_ns(Stamp stamp) const {
  return arena_->clock().age_ns(stamp.tick, now());
}

std::uint64_t Platform::counted(Event event) const { return arena_->counters().sum(event); }

void Platform::report(const MisuseReport<Platform>& misuse) { arena_->report(misuse); }

}  // namespace process
}  // namespace kmapper
