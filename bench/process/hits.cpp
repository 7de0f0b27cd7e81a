#include "bench/process/hits.hpp"

#include <atomic>
#include <cstdint>
#include <functional>

#include "bench/process/cached_file.hpp"
#include "bench/process/load.hpp"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::bench {
namespace {

constexpr int kOperations = 200'000;

/// Nanoseconds for each operation, including the loop.
template <class Operation>
double time_of(Operation operation) {
  const double begun = cpu_time();
  for (int i = 0; i < kOperations; ++i) operation();
  return (cpu_time() - begun) / kOperations;
}

void read(const std::byte* data) { (void)*static_cast<const volatile std::byte*>(data); }

}  // namespace

std::vector<Hit> hits(unsigned rounds) {
  constexpr std::int64_t kGranule = static_cast<std::int64_t>(kPage);
  constexpr std::int64_t kGranules = 256;
  const CachedFile file(true, 4 * kGranules * kGranule);
  const process::Budget budget({.bytes = 2 * kGranules * kGranule, .granule = kGranule});
  process::FileWindow window(file.descriptor(), process::Access::read_write, budget);
  process::Cursor cursor(window);
  const process::Expected<process::Mapping> held = window.map(kGranule, 8);
  alignas(64) std::atomic<std::uint32_t> counter{0};
  std::int64_t at = 0;
  const auto pair = [&] {
    counter.fetch_add(1);
    counter.fetch_sub(1);
  };
  const auto along = [&] {
    at = (at + static_cast<std::int64_t>(kLine)) % kGranule;
    read(cursor.at(at, 8));
  };
  const auto in_turn = [&] {
    at = (at + kGranule) % (kGranules * kGranule);
    read(window.map(at, 8)->data());
  };
  std::vector<std::pair<Hit, std::function<double()>>> all = {
      {{"atomic add and subtract", {}}, [&] { return time_of(pair); }},
      {{"hit", {}},
       [&] { return time_of([&] { read(window.map(2 * kGranule + 8, 8)->data()); }); }},
      {{"hit, of what is held", {}},
       [&] { return time_of([&] { read(window.map(kGranule + 8, 8)->data()); }); }},
      {{"hit, 256 granules in turn", {}}, [&] { return time_of(in_turn); }},
      {{"Cursor, along a granule", {}}, [&] { return time_of(along); }},
  };
  for (unsigned round = 0; round <= rounds; ++round) {
    for (auto& [hit, time] : all) {
      const double ns = time();
      if (round != 0) hit.ns.push_back(ns);
    }
  }
  std::vector<Hit> hits;
  hits.reserve(all.size());
  for (auto& [hit, time] : all) hits.push_back(hit);
  return hits;
}

}  // namespace kmapper::bench
