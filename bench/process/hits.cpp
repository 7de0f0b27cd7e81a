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

/// A window whose granules in use are all mapped.
class Hits {
 public:
  Hits(const CachedFile& file, process::Access access, process::Placement placement)
      : budget_({.bytes = file.size() / 2, .granule = kGranule, .placement = placement}),
        window_(file.descriptor(), access, budget_),
        cursor_(window_),
        held_(window_.map(kGranule, 8)) {}

  [[nodiscard]] double one() {
    return time_of([this] { read(window_.map(2 * kGranule + 8, 8)->data()); });
  }
  [[nodiscard]] double of_held() {
    return time_of([this] { read(window_.map(kGranule + 8, 8)->data()); });
  }
  [[nodiscard]] double in_turn() {
    return time_of([this] {
      at_ = (at_ + kGranule) % (kGranules * kGranule);
      read(window_.map(at_, 8)->data());
    });
  }
  [[nodiscard]] double along() {
    return time_of([this] {
      at_ = (at_ + static_cast<std::int64_t>(kLine)) % kGranule;
      read(cursor_.at(at_, 8));
    });
  }

  static constexpr std::int64_t kGranule = static_cast<std::int64_t>(kPage);
  static constexpr std::int64_t kGranules = 256;

 private:
  const process::Budget budget_;
  process::FileWindow window_;
  process::Cursor cursor_;
  const process::Expected<process::Mapping> held_;
  std::int64_t at_ = 0;
};

}  // namespace

std::vector<Series> hits(unsigned rounds) {
  const CachedFile file(true, 4 * Hits::kGranules * Hits::kGranule);
  Hits automatic(file, process::Access::read_write, process::Placement::automatic);
  Hits copies(file, process::Access::read_only, process::Placement::copies);
  alignas(64) std::atomic<std::uint32_t> counter{0};
  const auto pair = [&] {
    counter.fetch_add(1);
    counter.fetch_sub(1);
  };
  std::vector<std::pair<Series, std::function<double()>>> all = {
      {{"atomic add and subtract", {}}, [&] { return time_of(pair); }},
      {{"hit", {}}, [&] { return automatic.one(); }},
      {{"Cursor, along a granule", {}}, [&] { return automatic.along(); }},
      {{"hit on a copy", {}}, [&] { return copies.one(); }},
      {{"hit, of what is held", {}}, [&] { return automatic.of_held(); }},
      {{"hit, 256 granules in turn", {}}, [&] { return automatic.in_turn(); }},
      {{"hit on copies, 256 in turn", {}}, [&] { return copies.in_turn(); }},
      {{"Cursor, along a copy", {}}, [&] { return copies.along(); }},
  };
  for (unsigned round = 0; round <= rounds; ++round) {
    for (auto& [hit, time] : all) {
      const double ns = time();
      if (round != 0) hit.ns.push_back(ns);
    }
  }
  std::vector<Series> hits;
  hits.reserve(all.size());
  for (auto& [hit, time] : all) hits.push_back(hit);
  return hits;
}

}  // namespace kmapper::bench
