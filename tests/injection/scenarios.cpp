#include "scenarios.hpp"

#include <chrono>
#include <cstdint>
#include <string>

#include "kmapper/process/cursor.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"

namespace kmapper::injection {
namespace {

using process::Access;
using process::Budget;
using process::Cursor;
using process::FileWindow;
using process::HighMemory;
using process::HighPage;
using process::Placement;

const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);

/// Nothing is pinned, and the budget is kept.
void expect_nothing_held(const Budget& budget) {
  const process::Stats stats = budget.stats();
  if (stats.pinned != 0) throw Wrong(std::to_string(stats.pinned) + " bytes are still pinned");
  if (stats.mapped > stats.budget) throw Wrong("more is mapped than the budget has");
}

void read_all_over(Steps& step, FileWindow& window, std::int64_t pages) {
  for (std::int64_t i = 0; i < pages; ++i) {
    const std::int64_t offset = i * 7 % pages * page_bytes;
    const auto mapping = step.got("map", [&] { return window.map(offset, page_bytes); });
    if (mapping && !mapping->bad()) KnownFile::expect_first(mapping->bytes(), offset);
  }
}

void read_spans(Steps& step, FileWindow& window) {
  for (const std::int64_t offset : {page_bytes / 2, 9 * page_bytes + 1}) {
    const auto span = step.got("map a span", [&] { return window.map(offset, page_bytes); });
    if (span && !span->bad()) KnownFile::expect_first(span->bytes(), offset);
  }
}

void read_together(Steps& step, const Budget& budget, FileWindow& window) {
  process::Range ranges[] = {
      {&window, 3 * page_bytes, page_bytes}, {&window, 4 * page_bytes, 10}, {&window, 0, 1}};
  if (step.done("map_all", [&] { return process::map_all(budget, ranges); })) {
    for (const process::Range& it : ranges)
      if (!it.mapping.bad()) KnownFile::expect_first(it.mapping.bytes(), it.offset);
  }
  for (process::Range& it : ranges) it.mapping = {};
  auto room = step.got("reserve", [&] { return process::reserve(budget, 2); });
  if (!room) return;
  const auto mapping =
      step.got("map in a reservation", [&] { return room->map(window, 20 * page_bytes, 9); });
  if (mapping && !mapping->bad()) KnownFile::expect_first(mapping->bytes(), 20 * page_bytes);
}

void read_in_order(Steps& step, FileWindow& window, std::int64_t pages) {
  Cursor cursor(window);
  for (std::int64_t i = 0; i < pages; ++i) {
    const bool moved = step.done("move a cursor", [&] {
      return cursor.at(i * page_bytes) != nullptr ? process::Error() : cursor.error();
    });
    if (moved && !cursor.fault())
      KnownFile::expect_first({cursor.at(i * page_bytes), 1}, i * page_bytes);
  }
}

/// Each page gets a byte of its own; data that sync() has written must be in the file.
void write_all_over(Steps& step, const KnownFile& file, FileWindow& window, std::int64_t pages) {
  constexpr std::byte kWritten{0x5A};
  for (std::int64_t i = 1; i < pages; i += 3) {
    bool is_there = false;
    const std::int64_t offset = i * page_bytes + 5;
    {
      const auto mapping = step.got("map to write", [&] { return window.map(offset, 1); });
      if (mapping) {
        mapping->writable()[0] = kWritten;
        is_there = !mapping->bad();
      }
    }
    const bool synced = i % 2 != 0
                            ? step.done("sync a range", [&] { return window.sync(offset, 1); })
                            : step.done("sync", [&] { return window.sync(); });
    if (is_there && synced && file.now_at(offset) != kWritten) throw Wrong("synced data is lost");
    (void)step.done("start_sync", [&] { return window.start_sync(offset, 1); });
    if (const auto mapping = step.got("map it back", [&] { return window.map(offset, 1); }))
      mapping->writable()[0] = KnownFile::byte_at(offset);
  }
}

void change_size(Steps& step, FileWindow& window, std::int64_t pages) {
  if (step.done("make longer", [&] { return window.resize((pages + 9) * page_bytes); })) {
    const auto mapping = step.got("map what is new",
                                  [&] { return window.map((pages + 8) * page_bytes, page_bytes); });
    if (mapping && !mapping->bad() && mapping->bytes()[0] != std::byte{0}) throw Wrong("no zeros");
  }
  (void)step.done("make shorter", [&] { return window.resize(pages * page_bytes); });
  if (step.done("discard", [&] { return window.discard(2 * page_bytes, page_bytes); })) {
    const auto mapping =
        step.got("map a hole", [&] { return window.map(2 * page_bytes, page_bytes); });
    if (mapping && !mapping->bad() && mapping->bytes()[0] != std::byte{0}) throw Wrong("no hole");
  }
}

constexpr std::int64_t kPages = 30;

void read_and_write(Steps& step, KnownFile::Kind kind, Placement placement) {
  const KnownFile file(kind, kPages * page_bytes);
  const auto budget = step.made("make a budget", [&] {
    return Budget({.bytes = 20 * page_bytes, .granule = page_bytes, .placement = placement});
  });
  if (!budget) return;
  {
    const Access access = placement == Placement::copies ? Access::read_only : Access::read_write;
    auto window = step.made("open", [&] {
      return kind == KnownFile::on_disk ? FileWindow(file.path(), access, *budget)
                                        : FileWindow(file.descriptor(), access, *budget);
    });
    if (!window) return;
    read_all_over(step, *window, kPages);
    read_spans(step, *window);
    read_together(step, *budget, *window);
    (void)step.done("prefetch", [&] { return window->prefetch(0, 8 * page_bytes); });
    window->advise(process::Advice::sequential);
    read_in_order(step, *window, kPages);
    (void)budget->trim();
    if (access == Access::read_write) {
      write_all_over(step, file, *window, kPages);
      change_size(step, *window, kPages);
    }
    (void)budget->report_holders(std::chrono::hours(1));
    expect_nothing_held(*budget);
  }
  expect_nothing_held(*budget);
}

void cut_short(Steps& step, Placement placement) {
  const KnownFile file(KnownFile::in_memory, kPages * page_bytes);
  const auto budget = step.made("make a budget", [&] {
    return Budget({.bytes = 20 * page_bytes, .granule = page_bytes, .placement = placement});
  });
  if (!budget) return;
  auto window =
      step.made("open", [&] { return FileWindow(file.descriptor(), Access::read_write, *budget); });
  if (!window) return;
  {
    const auto mapping = step.got("map", [&] { return window->map(8 * page_bytes, page_bytes); });
    const auto span =
        step.got("map a span", [&] { return window->map(8 * page_bytes + 1, page_bytes); });
    if (ftruncate(file.descriptor(), 4 * page_bytes) != 0)
      throw Wrong("the test cannot cut its file");
    for (const auto* it : {&mapping, &span}) {
      if (!*it) continue;
      if ((*it)->bytes()[10] != std::byte{0}) throw Wrong("no zeros where the file has been cut");
      if (!(*it)->bad()) throw Wrong("a fault is not told");
    }
  }
  // The file's size has not been read since it was cut.
  const auto beyond = window->map(8 * page_bytes, page_bytes);
  if (beyond && (beyond->bytes()[10] != std::byte{0} || !beyond->bad()))
    throw Wrong("a fault behind the end is not told");
  const auto mapping =
      step.got("map what is left", [&] { return window->map(2 * page_bytes, page_bytes); });
  if (mapping && !mapping->bad()) KnownFile::expect_first(mapping->bytes(), 2 * page_bytes);
}

void use_high_memory(Steps& step) {
  const auto budget = step.made(
      "make a budget", [] { return Budget({.bytes = 12 * page_bytes, .granule = page_bytes}); });
  if (!budget) return;
  std::optional<HighMemory> memory;
  {
    // The object cannot be moved, so it is made in its place.
    const auto made = step.made("make high memory", [&] {
      memory.emplace(*budget);
      return true;
    });
    if (!made) return;
  }
  HighPage pages[30]{};
  std::int64_t allocated = 0;
  for (HighPage& it : pages) {
    const auto page = step.got("allocate", [&] { return memory->allocate(); });
    if (!page) break;
    it = *page;
    const auto mapping = step.got("map", [&] { return memory->map(it); });
    if (mapping && mapping->bytes()[0] != std::byte{0}) throw Wrong("a new page is not zeros");
    if (mapping) mapping->writable()[0] = static_cast<std::byte>(allocated + 1);
    ++allocated;
  }
  if (memory->allocated() != allocated) throw Wrong("pages are not counted right");
  for (std::int64_t i = 0; i < allocated; ++i) {
    const auto mapping = step.got("map again", [&] { return memory->map(pages[i]); });
    const auto first = mapping ? mapping->bytes()[0] : std::byte{0};
    if (first != std::byte{0} && first != static_cast<std::byte>(i + 1))
      throw Wrong("another page is shown");
  }
  for (std::int64_t i = 0; i < allocated; ++i)
    (void)step.done("free", [&] { return memory->free(pages[i]); });
  expect_nothing_held(*budget);
}

constexpr Scenario kScenarios[] = {
    {"slots.disk", [](Steps& step) { read_and_write(step, KnownFile::on_disk, Placement::slots); }},
    {"slots.memory",
     [](Steps& step) { read_and_write(step, KnownFile::in_memory, Placement::slots); }},
    {"automatic.memory",
     [](Steps& step) { read_and_write(step, KnownFile::in_memory, Placement::automatic); }},
    {"automatic.disk",
     [](Steps& step) { read_and_write(step, KnownFile::on_disk, Placement::automatic); }},
    {"copies.disk",
     [](Steps& step) { read_and_write(step, KnownFile::on_disk, Placement::copies); }},
    {"cut.slots", [](Steps& step) { cut_short(step, Placement::slots); }},
    {"cut.home", [](Steps& step) { cut_short(step, Placement::automatic); }},
    {"high-memory", use_high_memory},
};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

}  // namespace kmapper::injection
