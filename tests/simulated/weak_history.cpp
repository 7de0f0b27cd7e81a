#include "simulated/weak_history.hpp"

namespace kmapper::simulated {

bool WeakHistory::knows(const WeakClock& reader, const WeakClock& seen) {
  for (Agent agent = 0; agent < kMaxAgents; ++agent) {
    if (seen.time_of(agent) != 0 && seen.time_of(agent) <= reader.time_of(agent)) return true;
  }
  return false;
}

std::uint64_t WeakHistory::choose(WeakMemory& memory, std::memory_order order) const {
  const WeakClock& reader = memory.clock();
  std::uint32_t older = 0;
  for (std::uint64_t store = newest_; store != 0 && older + 1 != kKept; --store, ++older) {
    if (knows(reader, entry(store).seen)) break;
    if (order == std::memory_order_seq_cst && store <= consistent_) break;
  }
  return newest_ - memory.choose_age(older);
}

void WeakHistory::load(WeakMemory& memory, std::uint64_t store, std::memory_order order) {
  const WeakStep step = memory.step();
  Entry& read = entry(store);
  if (read.seen.time_of(step.agent) == 0) read.seen.include(step);
  if (acquires(order)) memory.clock().include(read.released);
  if (order == std::memory_order_seq_cst && store > consistent_) consistent_ = store;
}

std::uint64_t WeakHistory::store(WeakMemory& memory, std::memory_order order) {
  append(memory, {}, order);
  return newest_;
}

std::uint64_t WeakHistory::read_modify_write(WeakMemory& memory, std::memory_order order) {
  // This store also releases what the store that it read releases: the release sequence.
  const WeakClock released = entry(newest_).released;
  if (acquires(order)) memory.clock().include(released);
  append(memory, released, order);
  return newest_;
}

void WeakHistory::append(WeakMemory& memory, const WeakClock& released, std::memory_order order) {
  const WeakStep step = memory.step();
  Entry& made = entry(++newest_);
  made = {released, {}};
  made.seen.include(step);
  if (releases(order)) made.released.include(memory.clock());
  if (order == std::memory_order_seq_cst) consistent_ = newest_;
}

}  // namespace kmapper::simulated
