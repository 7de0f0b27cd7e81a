// Statistics of budgets as text: one line for a log, or what Prometheus collects.
//
//     log(to_line(budget.stats()));                    // hits=812 misses=14 ... mapped=917504
//     const NamedStats all[] = {{"index", index.stats()}, {"data", data.stats()}};
//     answer("text/plain; version=0.0.4", to_prometheus(all));
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// One line without a line end: each member of Stats as name=number, in bytes and nanoseconds.
/// Any thread. Throws std::bad_alloc.
[[nodiscard]] KMAPPER_API std::string to_line(const Stats& stats);

/// The statistics of a budget, and the name by which the program tells it from its other budgets.
struct NamedStats {
  std::string_view name;  // any UTF-8 text; empty: none
  Stats stats;
};

/// Prometheus's text format, version 0.0.4: each metric once, with a sample for each budget, which
/// has the label budget="name". Counters end in _total, and units are seconds and bytes. What is
/// unknown has no sample. The names have to differ. Any thread. Throws std::bad_alloc.
[[nodiscard]] KMAPPER_API std::string to_prometheus(std::span<const NamedStats> budgets);

}  // namespace kmapper::process
