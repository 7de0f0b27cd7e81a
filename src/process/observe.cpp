// What an arena says about itself: numbers, and lines for people.
#include <algorithm>
#include <cstdio>

#include "process/arena.hpp"
#include "process/file.hpp"
#include "process/present_pages.hpp"

namespace kmapper::process {
Stats Arena::stats() {
  if (is_left()) return {};
  const std::uint64_t now = Platform::now();
  clock_.move(now, 0);
  std::uint64_t longest_hold = 0;
  int longest_holder = 0;
  const kmapper::Stats core = window_->stats();
  std::int64_t mapped = 0;
  std::int64_t pinned = 0;
  for (std::uint32_t i = 0; i < shape_.slots; ++i) {
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
  const std::int64_t spans = spans_.in_use();
  const unsigned shift = shape_.granule_shift;
  const std::size_t overhead = sizeof(Arena) + records_.bytes() + directory_.bytes() +
                               shape_.slots * (sizeof(Window) / Platform::kMaxSlots);
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
          .overhead = static_cast<std::int64_t>(overhead)};
}

std::int64_t Arena::populated() {
  PresentPages present;
  std::int64_t sum = 0;
  const auto add = [&](const std::byte* begin, std::size_t size) {
    const std::int64_t bytes = sum >= 0 ? present.bytes(begin, size) : -1;
    sum = bytes >= 0 ? sum + bytes : -1;
  };
  add(begin_, range_.size());
  for (std::uint32_t i = 0; i < shape_.slots; ++i) {
    const Record& record = this->record(SlotIndex{i});
    if (record.is_at_home()) add(record.data(), granule());
  }
  // Of files that mlockall() has locked everything is in memory, not only what has a slot.
  const std::lock_guard lock(files_mutex_);
  for (const File* const file : files_) {
    if (file == nullptr || file->home() == nullptr || !file->home()->is_locked()) continue;
    file->home()->for_each_extent(add);
    for (std::uint32_t i = 0; i < shape_.slots && sum >= 0; ++i) {
      const Record& record = this->record(SlotIndex{i});
      if (record.is_at_home() && record.owner() == file)
        sum -= std::max<std::int64_t>(present.bytes(record.data(), granule()), 0);
    }
  }
  return sum;
}

std::int64_t Arena::report_holders(std::uint64_t longer_than_ns) {
  if (is_left()) return 0;
  clock_.move(Platform::now(), 0);
  return window_->report_holders(longer_than_ns);
}

/// Allocates nothing: calls that must not fail for want of memory report, too.
void Arena::report(const MisuseReport<Platform>& misuse) {
  const MisuseText text = describe(misuse.what);
  const auto offset = static_cast<std::int64_t>(granule_of(misuse.page) << shape_.granule_shift);
  const double seconds =
      static_cast<double>(clock_.age_ns(misuse.holder.tick, Platform::now())) / 1e9;
  std::array<char, 64> holder{};
  if (const int id = thread_id_of(misuse.holder.thread); id == 0) {
    std::snprintf(holder.data(), holder.size(), "an unknown thread");
  } else {
    std::snprintf(holder.data(), holder.size(), "thread %d%s", id,
                  has_thread(misuse.holder.thread) ? "" : ", which has ended,");
  }
  std::array<char, 1024> name{};
  if (const std::uint32_t number = file_of(misuse.page); number == 0) {
    std::snprintf(name.data(), name.size(), "nothing");
  } else {
    const std::lock_guard lock(files_mutex_);
    const File* const file = number <= files_.size() ? files_[number - 1] : nullptr;
    std::snprintf(name.data(), name.size(), "%s",
                  file != nullptr ? file->name().c_str() : "a closed file");
  }
  std::fprintf(stderr, "kmapper: %s: %s at %lld, %llu bytes; taken by %s at least %.3f s ago; %s\n",
               text.what, name.data(), static_cast<long long>(offset),
               static_cast<unsigned long long>(granule()), holder.data(), seconds, text.advice);
}

}  // namespace kmapper::process
