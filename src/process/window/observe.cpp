// What an arena reports about itself: statistics and lines of text.
#include <algorithm>
#include <cstdio>

#include "process/file/file.hpp"
#include "process/fill/present_pages.hpp"
#include "process/window/arena.hpp"

namespace kmapper::process {

Stats Arena::stats() {
  if (is_left()) return {};
  const std::uint64_t now = Platform::now();
  clock_.move(now);
  std::uint64_t longest_hold = 0;
  int longest_holder = 0;
  const kmapper::Stats core = window_->stats();
  std::int64_t mapped = 0;
  std::int64_t pinned = 0;
  for (std::uint32_t i = 0; i < window_->slots_in_use(); ++i) {
    const Window::SlotView view = window_->inspect(SlotIndex{i});
    mapped += word::is_live(view.word) ? 1 : 0;
    if (!word::is_pinned(view.word)) continue;
    ++pinned;
    const std::uint64_t age = clock_.age_ns(view.holder.tick, now);
    if (pinned == 1 || age > longest_hold) {
      longest_hold = age;
      longest_holder = thread_id_of(view.holder.thread);
    }
  }
  bool is_any_held = pinned != 0;
  spans_.for_each_run([&](const SpanArea::Run& run) {
    const std::uint64_t age = now > run.since_ns ? now - run.since_ns : 0;
    if (is_any_held && age <= longest_hold) return;
    is_any_held = true;
    longest_hold = age;
    longest_holder = thread_id_of(run.thread);
  });
  const SpanArea::State area = spans_.state();
  const Placed placed = files_placed();
  const std::int64_t spans = area.in_use;
  const unsigned shift = shape_.granule_shift;
  return {.hits = core.hits,
          .misses = core.misses,
          .scavenges = core.scavenges,
          .slots_scavenged = core.slots_scavenged,
          .sleeps = core.sleeps,
          .longest_sleep_ns = core.longest_sleep_ns,
          .longest_hold_ns = longest_hold,
          .longest_holder = longest_holder,
          .map_calls = counters_.sum(Work::map_call),
          .unmap_calls = counters_.sum(Work::unmap_call),
          .spans = counters_.sum(Work::span),
          .budget = static_cast<std::int64_t>(range_.size()),
          .granule = std::int64_t{1} << shift,
          .mapped = (mapped + spans) << shift,
          .populated = populated(),
          .pinned = (pinned + spans) << shift,
          .overhead = static_cast<std::int64_t>(overhead()),
          .span_bytes = std::int64_t{spans_.units()} << shift,
          .span_bytes_in_use = spans << shift,
          .span_longest_free = std::int64_t{area.longest_free} << shift,
          .span_waiters = area.waiters,
          .files_in_slots = placed[static_cast<std::size_t>(Placement::slots)],
          .files_at_home = placed[static_cast<std::size_t>(Placement::home)],
          .files_in_copies = placed[static_cast<std::size_t>(Placement::copies)]};
}

Arena::Placed Arena::files_placed() {
  Placed placed{};
  files_.for_each([&](const File& file) { ++placed[static_cast<std::size_t>(file.placement())]; });
  return placed;
}

std::size_t Arena::overhead() const {
  return sizeof(Arena) + window_memory_.size() + dirty_copies_.bytes() + directory_.bytes() +
         span_units_.bytes() + spans_.bytes() + clock_.bytes() + files_.bytes();
}

std::int64_t Arena::populated() {
  PresentPages present;
  std::int64_t sum = 0;
  const auto add = [&](const std::byte* begin, std::size_t size) {
    const std::int64_t bytes = sum >= 0 ? present.bytes(begin, size) : -1;
    sum = bytes >= 0 ? sum + bytes : -1;
  };
  add(begin_, std::size_t{window_->slots_in_use()} << shape_.granule_shift);
  add(span_address(0), std::size_t{shape_.span_units} << shape_.granule_shift);
  for (std::uint32_t i = 0; i < window_->slots_in_use(); ++i) {
    const Record& record = this->record(SlotIndex{i});
    if (record.is_at_home()) add(record.data(), granule());
  }
  // Of files locked by mlockall(), everything is in memory, not only what has a slot.
  files_.for_each([&](const File& file) {
    if (file.home() == nullptr || !file.home()->is_locked()) return;
    file.home()->for_each_extent(add);
    for (std::uint32_t i = 0; i < window_->slots_in_use() && sum >= 0; ++i) {
      const Record& record = this->record(SlotIndex{i});
      if (record.is_at_home() && owner_of(record) == &file)
        sum -= std::max<std::int64_t>(present.bytes(record.data(), granule()), 0);
    }
  });
  return sum;
}

}  // namespace kmapper::process
