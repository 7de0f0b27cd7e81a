// Which mappings are held, and for how long, as text: for Budget::report_holders(), and for the
// report of a call that has slept for a long time.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "process/file/file.hpp"
#include "process/wait/long_wait.hpp"
#include "process/window/arena.hpp"

namespace kmapper::process {
namespace {

[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...) {
  std::array<char, 256> line{};
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  return line.data();
}

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }

/// A thread's name in a report.
std::array<char, 64> holder_of(std::uint16_t thread) {
  std::array<char, 64> name{};
  if (const int id = thread_id_of(thread); id == 0) {
    std::snprintf(name.data(), name.size(), "an unknown thread");
  } else {
    std::snprintf(name.data(), name.size(), "thread %d%s", id,
                  has_thread(thread) ? "" : ", which has ended,");
  }
  return name;
}

std::uint64_t age_of(const SpanArea::Run& run, std::uint64_t now) {
  return now > run.since_ns ? now - run.since_ns : 0;
}

}  // namespace

/// A granule or a span that is held.
struct Arena::Held {
  std::uint64_t age_ns;
  std::uint32_t file;
  std::uint16_t thread;
  std::int64_t offset;
  std::int64_t length;
};

/// Allocates nothing: it also reports for calls that must not fail for lack of memory.
void Arena::report(const MisuseReport<Platform>& misuse) {
  const MisuseText text = describe(misuse.what);
  const auto offset = static_cast<std::int64_t>(granule_of(misuse.page) << shape_.granule_shift);
  std::fprintf(stderr, "kmapper: %s: %s at %lld, %llu bytes; taken by %s at least %.3f s ago; %s\n",
               text.what, name_of(file_of(misuse.page)).data(), static_cast<long long>(offset),
               static_cast<unsigned long long>(granule()), holder_of(misuse.holder.thread).data(),
               seconds(clock_.age_ns(misuse.holder.tick, Platform::now())), text.advice);
}

Arena::Name Arena::name_of(std::uint32_t file) {
  Name name{};
  const auto kept = files_.keep();
  const File* const it = files_.at(file);
  std::snprintf(name.data(), name.size(), "%s",
                it != nullptr ? it->name().c_str() : (file != 0 ? "a closed file" : "nothing"));
  return name;
}

std::vector<Arena::Held> Arena::held_granules() {
  const std::uint64_t now = Platform::now();
  clock_.move(now);
  std::vector<Held> held;
  for (std::uint32_t i = 0; i < window_->slots_in_use(); ++i) {
    const Window::SlotView view = window_->inspect(SlotIndex{i});
    if (!word::is_pinned(view.word)) continue;
    held.push_back({clock_.age_ns(view.holder.tick, now), file_of(view.page), view.holder.thread,
                    static_cast<std::int64_t>(granule_of(view.page) << shape_.granule_shift),
                    std::int64_t{1} << shape_.granule_shift});
  }
  return held;
}

std::vector<Arena::Held> Arena::held_spans() {
  const std::uint64_t now = Platform::now();
  std::vector<Held> held;
  spans_.for_each_run([&](const SpanArea::Run& run) {
    held.push_back({age_of(run, now), run.file->number(), run.thread, run.offset, run.length});
  });
  return held;
}

std::int64_t Arena::report_holders(std::uint64_t longer_than_ns) {
  if (is_left()) return 0;
  const std::uint64_t now = Platform::now();
  clock_.move(now);
  std::int64_t found = window_->report_holders(longer_than_ns);
  const MisuseText misuse = describe(Misuse::held_too_long);
  spans_.for_each_run([&](const SpanArea::Run& run) {
    if (age_of(run, now) < longer_than_ns) return;
    std::fprintf(stderr, "kmapper: %s: %s at %lld, %lld bytes; taken by %s %.3f s ago; %s\n",
                 misuse.what, run.file->name().c_str(), static_cast<long long>(run.offset),
                 static_cast<long long>(run.length), holder_of(run.thread).data(),
                 seconds(age_of(run, now)), misuse.advice);
    ++found;
  });
  return found;
}

void Arena::report_wait(const LongWait& wait) noexcept try {
  const LongWait::Wanted& wanted = wait.wanted();
  std::string report =
      text("kmapper: thread %d has slept for %.1f s in a map of %lld bytes", gettid(),
           seconds(wait.slept_ns()), static_cast<long long>(wanted.length));
  if (wanted.file != nullptr)
    report += text(" at %lld of ", static_cast<long long>(wanted.offset)) + wanted.file->name();
  std::vector<Held> held = wanted.is_span ? held_spans() : held_granules();
  if (wanted.is_span) {
    const SpanArea::State area = spans_.state();
    report += text(
        ": it needs %u granules in a row; of the %u that are kept for such mappings "
        "(Options::span_bytes) %u are held, at most %u in a row are free, and %u calls "
        "wait; held are",
        wanted.granules, spans_.units(), area.in_use, area.longest_free, area.waiters);
  } else {
    report += text(": it needs %u of the %u granules of the budget (Options::bytes); held are %zu",
                   wanted.granules, shape_.slots, held.size());
  }
  report += ":\n";
  std::sort(held.begin(), held.end(),
            [](const Held& one, const Held& other) { return one.age_ns > other.age_ns; });
  constexpr std::size_t kMostLines = 16;
  const std::size_t lines = std::min(held.size(), kMostLines);
  for (const Held& it : std::span(held).first(lines)) {
    report += std::string("kmapper:   ") + name_of(it.file).data() +
              text(" at %lld, %lld bytes; taken by %s%s at least %.3f s ago\n",
                   static_cast<long long>(it.offset), static_cast<long long>(it.length),
                   holder_of(it.thread).data(), it.thread == thread_number() ? ", this one," : "",
                   seconds(it.age_ns));
  }
  if (lines != held.size())
    report += text("kmapper:   and %zu that were taken later\n", held.size() - lines);
  std::fputs(report.c_str(), stderr);
} catch (const std::exception&) {
  std::fputs("kmapper: a map has slept for a second, and there is no memory for more details\n",
             stderr);
}

}  // namespace kmapper::process
