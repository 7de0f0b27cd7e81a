// Several mappings at once: the core's kmap_all() and reserve().
#include "kmapper/several.hpp"

#include <algorithm>
#include <deque>
#include <new>
#include <vector>

#include "process/file.hpp"
#include "process/internals.hpp"
#include "process/patience.hpp"

namespace kmapper::process {
namespace {

/// Ranges on their way to be mapped: all of them, or none. Throws std::bad_alloc.
class Together {
 public:
  Together(Arena& arena, std::span<Range> ranges) : arena_(arena), ranges_(ranges) {
    pages_.reserve(ranges.size());
    records_.reserve(ranges.size());
  }

  [[nodiscard]] Error map(const Patience& patience) {
    if (Error wrong = name_pages()) return wrong;
    if (Error wrong = pin(patience)) return wrong;
    if (evict_patched()) {
      if (Error wrong = pin(patience)) return wrong;
    }
    for (std::size_t begin = 0; begin < ranges_.size();) {
      std::size_t end = begin + 1;
      while (end < ranges_.size() && &file(end) == &file(begin)) ++end;
      file(begin).fill_pending(std::span(records_).subspan(begin, end - begin));
      begin = end;
    }
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      if (Error wrong = file(i).fill(*records_[i], ranges_[i].offset, ranges_[i].length)) {
        unpin();
        return wrong;
      }
    }
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      ranges_[i].mapping =
          file(i).take_over(*records_[i], pages_[i].page, ranges_[i].offset, ranges_[i].length);
    }
    return {};
  }

 private:
  [[nodiscard]] File& file(std::size_t i) const { return *Internals::file_of(*ranges_[i].window); }

  [[nodiscard]] Error name_pages() {
    for (Range& it : ranges_) {
      it.mapping = {};  // who holds something must not wait
      File* const file = it.window != nullptr ? Internals::file_of(*it.window) : nullptr;
      if (file == nullptr) return make_error_code(WindowErrc::invalid_option);
      if (Error wrong = file->check_granule(arena_, it.offset, it.length)) return wrong;
      pages_.push_back({.page = file->page_at(it.offset)});
      holds_.emplace_back(arena_.directory(), pages_.back().page);
      if (!holds_.back()) return file->error(WindowErrc::busy, it.offset, it.length);
    }
    return {};
  }

  [[nodiscard]] Error pin(const Patience& patience) {
    const MapError error =
        call_within(patience, arena_.window(), [this](const Limits<Platform>& limits) {
          return arena_.window().kmap_all(std::span(pages_), limits);
        });
    if (error != MapError::none) {
      const auto granule = static_cast<std::int64_t>(arena_.granule());
      return file(0).error(code_of(error), ranges_[0].offset,
                           static_cast<std::int64_t>(ranges_.size()) * granule,
                           error == MapError::too_large ? arena_.slots() * granule : 0);
    }
    records_.clear();
    for (const PageAddress<Platform>& it : pages_)
      records_.push_back(static_cast<Record*>(it.address));
    return {};
  }

  void unpin() {
    for (Record* const it : records_) arena_.unpin(*it);
  }

  /// Granules that have been patched are mapped anew, unless somebody else holds them. True:
  /// nothing is pinned any more.
  [[nodiscard]] bool evict_patched() {
    std::vector<Page> patched;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (records_[i]->fault.load(std::memory_order_relaxed) != 0)
        patched.push_back(pages_[i].page);
    }
    if (patched.empty()) return false;
    unpin();
    for (const Page page : patched) (void)arena_.window().evict(page);
    return true;
  }

  Arena& arena_;
  const std::span<Range> ranges_;
  std::vector<PageAddress<Platform>> pages_;
  std::vector<Record*> records_;
  std::deque<Directory::Hold> holds_;  // which do not move
};

}  // namespace

Error map_all(const Budget& budget, std::span<Range> ranges, const Patience& patience) noexcept {
  Arena& arena = *Internals::arena_of(budget);
  if (ranges.empty()) return {};
  if (arena.is_left()) return make_error_code(WindowErrc::forked);
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
  room_.swap(other.room_);
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
  const auto granule = static_cast<std::int64_t>(arena->granule());
  if (arena->is_left()) return Error(make_error_code(WindowErrc::forked));
  if (granules < 1) return Error(make_error_code(WindowErrc::invalid_range));
  if (granules > arena->slots())
    return Error(WindowErrc::too_large, 0, granules * granule, arena->slots() * granule, nullptr);
  try {
    std::unique_ptr<Reservation::Room> room(new Reservation::Room{arena, {}});
    Result<kmapper::Reservation<Platform>> slots =
        call_within(patience, arena->window(), [&](const Limits<Platform>& limits) {
          return arena->window().reserve(static_cast<std::uint32_t>(granules), limits);
        });
    if (!slots) return Error(code_of(slots.error()), 0, granules * granule, 0, nullptr);
    room->slots = std::move(*slots);
    return Reservation(std::move(room));
  } catch (const std::bad_alloc&) {
    return Error(make_error_code(std::errc::not_enough_memory));
  }
}

}  // namespace kmapper::process
