#include "bench/process/contenders.hpp"

#include "bench/process/boost_region.hpp"
#include "bench/process/lru_cache.hpp"
#include "bench/process/mappings.hpp"
#include "bench/process/reads.hpp"
#include "bench/process/windows.hpp"

namespace kmapper::bench {
namespace {

template <class Shared, class... More>
Entrant entrant(const char* name, bool keeps, const Setting& setting, More... more) {
  return {name, keeps, [=] { return std::make_unique<Seated<Shared>>(setting, more...); }};
}

}  // namespace

std::vector<Entrant> entrants(const Setting& setting, bool in_memory) {
  constexpr bool kIsWide = sizeof(void*) == 8;
  constexpr std::int64_t kMostMapped = kIsWide ? INT64_MAX : std::int64_t{1} << 30;
  using process::Placement;
  std::vector<Entrant> all = {entrant<Windowed>(kWindow, true, setting, Placement::automatic)};
  // In other cases the window chooses this by itself.
  if (kIsWide && in_memory)
    all.push_back(entrant<Windowed>(kWindowInSlots, true, setting, Placement::slots));
  // Copies are read-only.
  if (setting.load != Load::writes)
    all.push_back(entrant<Windowed>(kWindowOfCopies, true, setting, Placement::copies));
  all.push_back(entrant<Mapped<MapAnew>>(kMapAnew, false, setting));
  all.push_back(entrant<Mapped<MapOver>>("MAP_FIXED", false, setting));
  all.push_back(entrant<Reads>(kReads, false, setting));
  all.push_back(entrant<LruCache>(kCache, true, setting));
#if KMAPPER_BENCH_BOOST
  all.push_back(entrant<Mapped<BoostRegion>>("mapped_region", false, setting));
#endif
  if (setting.size <= kMostMapped) all.push_back(entrant<MappedWhole>(kWhole, false, setting));
  return all;
}

}  // namespace kmapper::bench
