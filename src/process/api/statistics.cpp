#include "kmapper/process/statistics.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace kmapper::process {
namespace {

/// A member of Stats. Without a help text, it is no metric of Prometheus.
struct Member {
  enum Kind : std::uint8_t { counter, gauge, nanoseconds };

  const char* name;
  Kind kind;
  const char* metric;
  const char* help;
  std::int64_t (*value)(const Stats&);
};

template <auto kMember>
std::int64_t value_of(const Stats& stats) {
  return static_cast<std::int64_t>(stats.*kMember);
}

constexpr Member kMembers[] = {
    {"hits", Member::counter, "kmapper_hits_total", "Maps of a granule that was mapped.",
     value_of<&Stats::hits>},
    {"misses", Member::counter, "kmapper_misses_total",
     "Granules that were mapped, for a call or ahead of it.", value_of<&Stats::misses>},
    {"scavenges", Member::counter, "kmapper_scavenges_total",
     "Batches of idle granules that were taken back.", value_of<&Stats::scavenges>},
    {"slots_scavenged", Member::counter, "kmapper_scavenged_granules_total",
     "Idle granules that were taken back.", value_of<&Stats::slots_scavenged>},
    {"sleeps", Member::counter, "kmapper_sleeps_total", "Calls that slept for a slot.",
     value_of<&Stats::sleeps>},
    {"longest_sleep_ns", Member::nanoseconds, "kmapper_longest_sleep_seconds",
     "The longest sleep since the budget was made.", value_of<&Stats::longest_sleep_ns>},
    {"longest_hold_ns", Member::nanoseconds, "kmapper_longest_hold_seconds",
     "For how long the oldest mapping has been held.", value_of<&Stats::longest_hold_ns>},
    {"longest_holder", Member::gauge, nullptr, nullptr, value_of<&Stats::longest_holder>},
    {"map_calls", Member::counter, "kmapper_map_calls_total", "System calls that mapped or read.",
     value_of<&Stats::map_calls>},
    {"unmap_calls", Member::counter, "kmapper_unmap_calls_total", "System calls that unmapped.",
     value_of<&Stats::unmap_calls>},
    {"spans", Member::counter, "kmapper_spans_total", "Mappings across granules.",
     value_of<&Stats::spans>},
    {"budget", Member::gauge, "kmapper_budget_bytes", "The most that may be mapped.",
     value_of<&Stats::budget>},
    {"granule", Member::gauge, "kmapper_granule_bytes", "What is mapped in one piece.",
     value_of<&Stats::granule>},
    {"mapped", Member::gauge, "kmapper_mapped_bytes", "What is mapped.", value_of<&Stats::mapped>},
    {"populated", Member::gauge, "kmapper_populated_bytes", "What is mapped and in memory.",
     value_of<&Stats::populated>},
    {"pinned", Member::gauge, "kmapper_pinned_bytes", "What is mapped and held.",
     value_of<&Stats::pinned>},
    {"overhead", Member::gauge, "kmapper_overhead_bytes", "What the window itself needs, at most.",
     value_of<&Stats::overhead>},
    {"span_bytes", Member::gauge, "kmapper_span_bytes",
     "What is reserved for mappings across granules.", value_of<&Stats::span_bytes>},
    {"span_bytes_in_use", Member::gauge, "kmapper_span_in_use_bytes",
     "What mappings across granules use.", value_of<&Stats::span_bytes_in_use>},
    {"span_longest_free", Member::gauge, "kmapper_span_longest_free_bytes",
     "The longest free run of granules for them.", value_of<&Stats::span_longest_free>},
    {"span_waiters", Member::gauge, "kmapper_span_waiters", "Calls that sleep for such a run.",
     value_of<&Stats::span_waiters>},
    {"files_in_slots", Member::gauge, "kmapper_files_in_slots", "Open files in slots.",
     value_of<&Stats::files_in_slots>},
    {"files_at_home", Member::gauge, "kmapper_files_at_home", "Open files at home.",
     value_of<&Stats::files_at_home>},
    {"files_in_copies", Member::gauge, "kmapper_files_in_copies", "Open files with copies.",
     value_of<&Stats::files_in_copies>},
};

/// In seconds, and in no locale: Prometheus knows only the decimal point.
std::string text_of(std::int64_t value, Member::Kind kind) {
  if (kind != Member::nanoseconds) return std::to_string(value);
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%09d", static_cast<int>(value % kSecond));
  return std::to_string(value / kSecond) + fraction.data();
}

std::string label_of(std::string_view budget) {
  if (budget.empty()) return {};
  std::string text = "{budget=\"";
  for (const char it : budget) {
    if (it == '\\' || it == '"') text += '\\';
    if (it == '\n') {
      text += "\\n";
    } else {
      text += it;
    }
  }
  return text + "\"}";
}

}  // namespace

std::string to_line(const Stats& stats) {
  std::string line;
  for (const Member& it : kMembers) {
    if (!line.empty()) line += ' ';
    line.append(it.name).append(1, '=').append(std::to_string(it.value(stats)));
  }
  return line;
}

std::string to_prometheus(std::span<const NamedStats> budgets) {
  std::string text;
  for (const Member& it : kMembers) {
    if (it.metric == nullptr) continue;
    const std::string metric = it.metric;
    text += "# HELP " + metric + " " + it.help + "\n";
    text += "# TYPE " + metric + (it.kind == Member::counter ? " counter\n" : " gauge\n");
    for (const NamedStats& budget : budgets) {
      const std::int64_t value = it.value(budget.stats);
      if (value < 0) continue;
      text += metric + label_of(budget.name) + " " + text_of(value, it.kind) + "\n";
    }
  }
  return text;
}

}  // namespace kmapper::process
