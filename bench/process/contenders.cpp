#include "bench/process/contenders.hpp"

#include <array>
#include <utility>

#include "bench/process/boost_region.hpp"
#include "bench/process/lru_cache.hpp"
#include "bench/process/mappings.hpp"
#include "bench/process/reads.hpp"
#include "bench/process/sharded_cache.hpp"
#include "bench/process/vmcache_pool.hpp"
#include "bench/process/windows.hpp"

namespace kmapper::bench {
namespace {

using process::Placement;

template <class Shared, class... More>
std::function<std::unique_ptr<Contender>()> maker(const Setting& setting, More... more) {
  return [=] { return std::make_unique<Seated<Shared>>(setting, more...); };
}

void add_windows(Entrants& entrants, const Setting& setting) {
  constexpr std::array kPlacements = {
      std::pair{kAutomatic, Placement::automatic}, std::pair{kSlots, Placement::slots},
      std::pair{kHome, Placement::home}, std::pair{kCopies, Placement::copies}};
  for (const auto& [name, placement] : kPlacements) {
    const std::string refusal = Windowed::refusal(setting, placement);
    if (refusal.empty()) {
      entrants.all.push_back({name, Kind::ours, true, maker<Windowed>(setting, placement)});
    } else {
      entrants.absent.push_back(std::string(name) + ": " + refusal);
    }
  }
}

}  // namespace

Entrants entrants(const Setting& setting) {
  constexpr std::int64_t kMostMapped = sizeof(void*) == 8 ? INT64_MAX : std::int64_t{1} << 30;
  Entrants entrants;
  add_windows(entrants, setting);
  const auto add = [&](const char* name, Kind kind, bool keeps, auto make) {
    entrants.all.push_back({name, kind, keeps, std::move(make)});
  };
  if (setting.load == Load::scan)
    add(kLongReads, Kind::rival, false, maker<Reads>(setting, kScanned));
  // Where there is more to do than a scan, only the best way to scan takes part.
  add(kReads, Kind::rival, false,
      maker<Reads>(setting, setting.load == Load::beside ? kScanned : setting.granule));
  add(kCache, Kind::rival, true, maker<LruCache>(setting));
  add("sharded cache", Kind::rival, true, maker<ShardedCache>(setting));
  if (setting.size <= kMostMapped) add(kPool, Kind::rival, true, maker<VmcachePool>(setting));
  add("mmap, munmap", Kind::rival, false, maker<Mapped<MapAnew>>(setting));
  add("MAP_FIXED", Kind::rival, false, maker<Mapped<MapOver>>(setting));
#if KMAPPER_BENCH_BOOST
  add("mapped_region", Kind::rival, false, maker<Mapped<BoostRegion>>(setting));
#endif
  if (setting.size <= kMostMapped)
    add("one mmap", Kind::boundless, false, maker<MappedWhole>(setting));
  return entrants;
}

Entrants entrants_that_keep(const Setting& setting) {
  Entrants all = entrants(setting);
  std::erase_if(all.all, [](const Entrant& it) { return !it.keeps; });
  return all;
}

}  // namespace kmapper::bench
