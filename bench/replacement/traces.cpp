#include "bench/replacement/traces.hpp"

#include <algorithm>
#include <utility>

#include "bench/process/load.hpp"

namespace kmapper::bench {
namespace {

std::vector<TracePage> uses_of(Load load, std::uint32_t pages, std::size_t count) {
  std::vector<TracePage> uses;
  uses.reserve(count);
  const auto granule = static_cast<std::int64_t>(kPage);
  for (const std::int64_t place : places_of(load, pages * granule, granule, count))
    uses.push_back(static_cast<TracePage>(place / granule));
  return uses;
}

template <Load kLoad, std::uint32_t kTimes>
Trace plain(std::uint32_t slots, std::size_t uses) {
  return {{}, slots * kTimes, uses_of(kLoad, slots * kTimes, uses)};
}

/// Of `kAll` uses in a row, `kScan` are of a scan that uses each page `kLines` times.
template <std::uint32_t kScan, std::uint32_t kAll, std::uint32_t kLines>
Trace beside_scan(std::uint32_t slots, std::size_t uses) {
  Trace trace = plain<Load::zipf, 16>(slots, uses);
  std::uint64_t scanned = 0;
  for (std::size_t i = 0; i < uses; ++i) {
    if (i % kAll < kScan) trace.uses[i] = static_cast<TracePage>(scanned++ / kLines % trace.pages);
  }
  return trace;
}

/// 8 windows of Zipf, 2 of a scan.
Trace bursts(std::uint32_t slots, std::size_t uses) {
  Trace trace = plain<Load::zipf, 16>(slots, uses);
  std::uint32_t scanned = 0;
  for (std::size_t i = 0; i < uses; ++i) {
    if (i / slots % 10 >= 8) trace.uses[i] = scanned++ % trace.pages;
  }
  return trace;
}

template <std::uint32_t kTenths, bool kBesideZipf>
Trace loop(std::uint32_t slots, std::size_t uses) {
  Trace trace = plain<Load::zipf, 16>(slots, uses);
  const std::uint32_t length = slots * kTenths / 10;
  std::uint32_t turn = 0;
  for (std::size_t i = 0; i < uses; ++i) {
    if (!kBesideZipf || i % 2 == 0) trace.uses[i] = trace.pages + turn++ % length;
  }
  trace.pages += length;
  return trace;
}

Trace tree(std::uint32_t slots, std::size_t uses) {
  constexpr std::uint32_t kFanOut = 256;
  const std::uint32_t leaves = slots * 16;
  const std::uint32_t inner = leaves / kFanOut + 1;
  Trace trace{{}, leaves + inner + inner / kFanOut + 2, {}};
  for (const TracePage leaf : uses_of(Load::zipf, leaves, uses / 4)) {
    trace.uses.push_back(trace.pages - 1);
    trace.uses.push_back(leaves + inner + leaf / kFanOut / kFanOut);
    trace.uses.push_back(leaves + leaf / kFanOut);
    trace.uses.push_back(leaf);
  }
  return trace;
}

Trace drift(std::uint32_t slots, std::size_t uses) {
  Trace trace{{}, slots + static_cast<std::uint32_t>(uses / 4) + 1, {}};
  Random random(7);
  for (std::size_t i = 0; i < uses; ++i)
    trace.uses.push_back(static_cast<TracePage>(i / 4 + random.next() % (slots * 4 / 5)));
  return trace;
}

Trace pairs(std::uint32_t slots, std::size_t uses) {
  Trace trace{{}, slots + static_cast<std::uint32_t>(uses / 2) + 1, {}};
  for (std::size_t i = 0; i < uses; ++i)
    trace.uses.push_back(static_cast<TracePage>(i / 2 + (i % 2 == 0 ? slots / 4 : 0)));
  return trace;
}

Trace block(std::uint32_t slots, std::size_t uses) {
  Trace trace{{}, slots * 10, uses_of(Load::zipf, slots * 8, uses)};
  Random random(8);
  const TracePage first = trace.pages;
  std::uint32_t turn = 0;
  for (std::size_t i = 0; i < uses;) {
    const std::uint64_t kind = random.next() % 10;
    const std::size_t end = std::min(uses, i + 16 + random.next() % 64);
    if (kind < 4) {  // Zipf
      i = end;
    } else if (kind < 8) {  // a run, new or read again: from a tenth of a window to two back
      const auto written = trace.pages - first;
      TracePage page = trace.pages;
      if (kind == 7 && written > 4 * slots)
        page -= slots / 10 + static_cast<TracePage>(random.next() % (2 * slots));
      for (; i < end; ++i, ++page) {
        trace.uses[i] = page;
        trace.pages = std::max(trace.pages, page + 1);
      }
    } else {
      for (; i < end; ++i) trace.uses[i] = slots * 8 + turn++ % (slots / 2);
    }
  }
  return trace;
}

Trace key_value(std::uint32_t slots, std::size_t uses) {
  Trace trace{{}, slots * 16, uses_of(Load::zipf, slots * 16, uses)};
  Random random(9);
  const std::uint32_t pages = trace.pages;
  for (std::size_t i = 0; i < uses; ++i) {
    if (random.next() % 5 == 0) {
      trace.uses[i] = trace.pages++;
    } else if (trace.uses[i] % 16 < i / (4 * slots)) {  // these have been replaced by others
      trace.uses[i] = (trace.uses[i] + pages / 2 + 1) % pages;
    }
  }
  return trace;
}

Trace disk(std::uint32_t slots, std::size_t uses) {
  Trace trace = plain<Load::zipf, 16>(slots, uses);
  Random random(10);
  std::uint32_t scanned = 0;
  for (std::size_t i = 1; i < uses; ++i) {
    const double fraction = random.fraction();
    if (i / slots % 16 == 15) {
      trace.uses[i] = scanned++ % trace.pages;
    } else if (random.next() % 2 == 0) {  // mostly of the last uses
      const double back = fraction * fraction * fraction * 2 * slots;
      trace.uses[i] = trace.uses[i - 1 - std::min(i - 1, static_cast<std::size_t>(back))];
    }
  }
  return trace;
}

}  // namespace

std::vector<TraceMaker> traces() {
  return {{"uniform 1/16", plain<Load::uniform, 16>},
          {"uniform 1/4", plain<Load::uniform, 4>},
          {"zipf 1/16", plain<Load::zipf, 16>},
          {"zipf 1/4", plain<Load::zipf, 4>},
          {"90/10 1/16", plain<Load::mix, 16>},
          {"90/10 1/4", plain<Load::mix, 4>},
          {"zipf+scan 4:1", beside_scan<1, 5, 1>},
          {"zipf+scan 1:1", beside_scan<1, 2, 1>},
          {"zipf+scan 1:4", beside_scan<4, 5, 1>},
          {"zipf+lines 1:1", beside_scan<1, 2, 16>},
          {"zipf+bursts", bursts},
          {"loop 1.1", loop<11, false>},
          {"loop 1.5", loop<15, false>},
          {"loop 2", loop<20, false>},
          {"loop 1.1+zipf", loop<11, true>},
          {"tree", tree},
          {"drift", drift},
          {"pairs", pairs},
          {"block", block},
          {"key-value", key_value},
          {"disk", disk}};
}

}  // namespace kmapper::bench
