// Several mappings at once: the core's kmap_all() and reserve().
#include "kmapper/process/several.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "process/api/internals.hpp"
#include "process/api/patience.hpp"
#include "process/file/file.hpp"
#include "process/fill/reads_together.hpp"

namespace kmapper::process {
namespace {

/// An error about a number of granules of a budget. `limit`: whether to name how many it has.
Error granules_error(const Arena& arena, WindowErrc code, std::int64_t granules, bool limit = false,
                     const char* why = nullptr) {
  const auto granule = static_cast<std::int64_t>(arena.granule());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::optional<std::int64_t> most;
  if (limit) most = arena.slots() * granule;
  return Error(
      {.code = code,
       .about = Error::About::granules,
       .count = static_cast<std::uint64_t>(granules),
       .length = granules > kMost / granule ? kMost : std::max<std::int64_t>(granules, 0) * granule,
       .limit = most,
       .why = why});
}

/// The same for a refusal by the core.
Error granules_refused(const Arena& arena, MapError error, std::int64_t granules) {
  const bool has_limit = error == MapError::too_large || error == MapError::would_sleep ||
                         error == MapError::timed_out;
  return granules_error(arena, code_of(error), granules, has_limit);
}

/// Ranges while they are being mapped: all of them, or none. They are taken in the order of their
/// pages, so that neighbours get neighbouring slots and are mapped by one system call. Throws
/// std::bad_alloc, but not while it holds a pin.
class Together {
 public:
  Together(Arena& arena, std::span<Range> ranges) : arena_(arena) {
    ranges_.reserve(ranges.size());
    for (Range& it : ranges) ranges_.push_back(&it);
    pages_.reserve(ranges.size());
    records_.reserve(ranges.size());
    distinct_.reserve(ranges.size());
    patched_.reserve(ranges.size());
  }

  [[nodiscard]] Error map(const Patience& patience) {
    if (Error wrong = name_pages()) return wrong;
    // Copies that turn out to be shorter than their files are read again, a few times.
    for (int tries = 0;; ++tries) {
      if (Error wrong = pin_and_fill(patience)) return wrong;
      const std::size_t outdated = find_outdated(tries < kMostReads);
      if (outdated == ranges_.size()) break;
      const Range& range = *ranges_[outdated];
      const std::int64_t end = file(outdated).copy_end(*records_[outdated]);
      unpin();
      if (Error wrong = file(outdated).look_again(range.offset, range.length, end)) return wrong;
      if (!file(outdated).evict(pages_[outdated].page) && tries >= kMostReads)
        return file(outdated).error(WindowErrc::pinned, range.offset, range.length);
    }
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      Range& range = *ranges_[i];
      range.mapping = file(i).take_over(*records_[i], pages_[i].page, range.offset, range.length);
    }
    return {};
  }

 private:
  static constexpr int kMostReads = 3;

  [[nodiscard]] File& file(std::size_t i) const { return *Internals::file_of(*ranges_[i]->window); }

  [[nodiscard]] Error pin_and_fill(const Patience& patience) {
    if (Error wrong = pin(patience)) return wrong;
    if (evict_patched()) {
      if (Error wrong = pin(patience)) return wrong;
    }
    fill_together();
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      if (Error wrong = file(i).fill(*records_[i], ranges_[i]->offset, ranges_[i]->length)) {
        unpin();
        return wrong;
      }
    }
    return {};
  }

  /// Maps the granules, as far as that can be done by few calls.
  void fill_together() {
    ReadsTogether copies(arena_);
    for (std::size_t begin = 0; begin < ranges_.size();) {
      File& file = this->file(begin);
      distinct_.clear();
      std::size_t end = begin;
      while (end < ranges_.size() && &this->file(end) == &file) {
        Record* const record = records_[end];
        Units::Set needed = 0;
        for (; end < ranges_.size() && records_[end] == record; ++end)
          needed |= file.units_of(ranges_[end]->offset, ranges_[end]->length);
        if (file.reads_at_once())
          copies.add(file, *record, needed);
        else if (!file.has_copies() || file.has_whole_copies())
          distinct_.push_back(record);
      }
      file.fill_pending(distinct_);
      begin = end;
    }
  }

  /// The first range whose copy does not show it, or (if `old_too`) is too old; else the number of
  /// ranges.
  [[nodiscard]] std::size_t find_outdated(bool old_too) const {
    const auto is_outdated = [&](std::size_t i) {
      const Range& it = *ranges_[i];
      return old_too ? file(i).is_outdated(*records_[i], it.offset, it.length)
                     : !file(i).is_copied(*records_[i], it.offset, it.length);
    };
    std::size_t i = 0;
    while (i < ranges_.size() && !is_outdated(i)) ++i;
    return i;
  }

  [[nodiscard]] Error name_pages() {
    for (Range* const it : ranges_) it->mapping = {};  // a caller that holds one must not wait
    for (const Range* const it : ranges_) {
      File* const file = it->window != nullptr ? Internals::file_of(*it->window) : nullptr;
      if (file == nullptr) {
        return Error({.code = WindowErrc::invalid_option,
                      .about = Error::About::range,
                      .offset = it->offset,
                      .length = it->length,
                      .why = "a range without a window"});
      }
      if (Error wrong = file->check_granule(arena_, it->offset, it->length)) return wrong;
    }
    const auto page_of = [](const Range* range) {
      return Internals::file_of(*range->window)->page_at(range->offset);
    };
    std::ranges::sort(ranges_, {}, page_of);
    for (const Range* const it : ranges_) pages_.push_back({.page = page_of(it)});
    const std::int64_t granules = count_granules();
    return granules > arena_.slots() ? granules_error(arena_, WindowErrc::too_large, granules, true)
                                     : Error();
  }

  /// How many granules the ranges are in.
  [[nodiscard]] std::int64_t count_granules() const {
    std::int64_t granules = 0;
    for (std::size_t i = 0; i < pages_.size(); ++i)
      granules += i == 0 || pages_[i].page != pages_[i - 1].page ? 1 : 0;
    return granules;
  }

  [[nodiscard]] Error pin(const Patience& patience) {
    const auto count = static_cast<std::uint32_t>(ranges_.size());
    const Range& first = *ranges_[0];
    LongWait wait(arena_, patience, {&file(0), first.offset, first.length, count, false});
    const MapError error =
        call_within(wait, arena_.window(), [this](const Limits<Platform>& limits) {
          return arena_.window().kmap_all(std::span(pages_), limits);
        });
    if (error != MapError::none) {
      return granules_refused(arena_, error, static_cast<std::int64_t>(ranges_.size()));
    }
    records_.clear();
    for (const PageAddress<Platform>& it : pages_)
      records_.push_back(static_cast<Record*>(it.address));
    return {};
  }

  void unpin() {
    for (Record* const it : records_) arena_.unpin(*it);
  }

  /// Takes back patched granules, so that they are mapped anew, except those that another caller
  /// holds. True: nothing is pinned any more.
  [[nodiscard]] bool evict_patched() {
    patched_.clear();
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (records_[i]->fault.load() != 0) patched_.push_back(i);
    }
    if (patched_.empty()) return false;
    unpin();
    for (const std::size_t i : patched_) (void)file(i).evict(pages_[i].page);
    return true;
  }

  Arena& arena_;
  std::vector<Range*> ranges_;  // from name_pages() on, in the order of `pages_`
  std::vector<PageAddress<Platform>> pages_;
  std::vector<Record*> records_;
  std::vector<Record*> distinct_;  // of one file
  std::vector<std::size_t> patched_;
};

}  // namespace

Error map_all(const Budget& budget, std::span<Range> ranges, const Patience& patience) noexcept {
  Arena& arena = *Internals::arena_of(budget);
  if (ranges.empty()) return {};
  const auto count = static_cast<std::int64_t>(ranges.size());
  if (arena.is_left()) return granules_error(arena, WindowErrc::forked, count);
  try {
    return Together(arena, ranges).map(patience);
  } catch (const std::bad_alloc&) {
    return make_error_code(std::errc::not_enough_memory);
  }
}

struct Reservation::Room {
  std::shared_ptr<Arena> arena;
  kmapper::Reservation<Platform> slots;
};

Reservation::Reservation() noexcept = default;
Reservation::Reservation(std::unique_ptr<Room> room) noexcept : room_(std::move(room)) {}
Reservation::Reservation(Reservation&&) noexcept = default;

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  Reservation taken(std::move(other));
  room_.swap(taken.room_);  // `taken` gives back the old room at the end
  return *this;
}

Reservation::~Reservation() {
  if (room_ != nullptr && room_->arena->is_left()) (void)room_.release();  // the parent's
}

Expected<Mapping> Reservation::map(FileWindow& window, std::int64_t offset,
                                   std::int64_t length) noexcept {
  File& file = *Internals::file_of(window);
  if (room_ == nullptr) return file.error(WindowErrc::spent, offset, length);
  if (Error wrong = file.check_granule(*room_->arena, offset, length)) return wrong;
  return file.map_reserved(room_->slots, offset, length);
}

std::int64_t Reservation::left() const noexcept {
  return room_ != nullptr ? room_->slots.left() : 0;
}

Expected<Reservation> reserve(const Budget& budget, std::int64_t granules,
                              const Patience& patience) noexcept {
  const std::shared_ptr<Arena>& arena = Internals::arena_of(budget);
  if (arena->is_left()) return granules_error(*arena, WindowErrc::forked, granules);
  if (granules < 1) {
    return granules_error(*arena, WindowErrc::invalid_range, granules, false,
                          "less than one granule");
  }
  if (granules > arena->slots())
    return granules_error(*arena, WindowErrc::too_large, granules, true);
  try {
    std::unique_ptr<Reservation::Room> room(new Reservation::Room{arena, {}});
    const auto count = static_cast<std::uint32_t>(granules);
    const auto bytes = granules * static_cast<std::int64_t>(arena->granule());
    LongWait wait(*arena, patience, {nullptr, 0, bytes, count, false});
    Result<kmapper::Reservation<Platform>> slots = call_within(
        wait, arena->window(),
        [&](const Limits<Platform>& limits) { return arena->window().reserve(count, limits); });
    if (!slots) return granules_refused(*arena, slots.error(), granules);
    room->slots = std::move(*slots);
    return Reservation(std::move(room));
  } catch (const std::bad_alloc&) {
    return Error(make_error_code(std::errc::not_enough_memory));
  }
}

}  // namespace kmapper::process
