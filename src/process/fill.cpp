// How granules come to be mapped: by whoever holds pins of them, and comes first.
#include <cerrno>

#include "process/file.hpp"

namespace kmapper::process {

/// Has the record's granule mapped when it returns 0; else it returns an errno. The caller holds
/// a pin.
int File::fill(Record& record) {
  for (;;) {
    // Acquire, both: pairs with the releases below, and the record's earlier users.
    std::uint32_t state = record.state.load(std::memory_order_acquire);
    if (state == Record::filled) return 0;
    if (state == Record::filling) {
      record.state.wait(Record::filling, std::memory_order_acquire);
    } else if (record.state.compare_exchange_strong(
                   state, Record::filling, std::memory_order_acquire, std::memory_order_relaxed)) {
      const int number = map_record(record);
      if (number == 0) {
        // Release: pairs with map().
        record.ready.store(record.page.load(std::memory_order_relaxed), std::memory_order_release);
      }
      record.state.store(number == 0 ? Record::filled : Record::pending, std::memory_order_release);
      record.state.notify_all();
      return number;
    }
  }
}

int File::map_record(Record& record) {
  const std::uint64_t granule = granule_of(record.page.load(std::memory_order_relaxed));
  if (home_ != nullptr && home_->has(granule)) {
    const int number = map_at_home(record, granule);
    if (number != 0 || home_->has(granule)) return number;
    // It has just been found that home will not do.
  }
  record.place(arena_->slot_address(arena_->slot_of(record)), false, this);
  record.occupied = true;
  const auto offset = static_cast<std::int64_t>(granule << arena_->granule_shift());
  const auto map = [&] {
    return arena_->map(record.data(), arena_->granule(), protection(), descriptor_.number(),
                       offset);
  };
  int number = map();
  if (number == ENOMEM) {  // perhaps too many mappings
    arena_->make_room_for_mappings();
    number = map();
  }
  return number;
}

int File::map_at_home(Record& record, std::uint64_t granule) {
  if (record.occupied)  // else there would be more mapped than there are slots
    arena_->plug(arena_->slot_address(arena_->slot_of(record)), arena_->granule());
  record.occupied = false;
  record.place(home_->address(granule), true, this);
  arena_->counters().add(Work::map_call);
  return home_->fill(granule, size());
}

}  // namespace kmapper::process
