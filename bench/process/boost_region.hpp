// boost::interprocess::mapped_region, one for each access; if Boost is installed.
#pragma once

#if KMAPPER_BENCH_BOOST

#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <string>

#include "bench/process/contender.hpp"

namespace kmapper::bench {

class BoostRegion {
 public:
  explicit BoostRegion(const Setting& setting)
      : file_(("/proc/self/fd/" + std::to_string(setting.descriptor)).c_str(),
              boost::interprocess::read_write) {}
  template <class Use>
  auto with(const Setting& setting, std::int64_t offset, Use use) {
    boost::interprocess::mapped_region region(file_, boost::interprocess::read_write, offset,
                                              static_cast<std::size_t>(setting.granule));
    if (setting.load == Load::uncached) region.advise(region.advice_random);
    return use(static_cast<std::byte*>(region.get_address()));
  }

 private:
  boost::interprocess::file_mapping file_;
};

}  // namespace kmapper::bench

#endif
