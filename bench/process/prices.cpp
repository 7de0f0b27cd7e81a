#include "bench/process/prices.hpp"

#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <span>
#include <string>

#include "bench/process/contender.hpp"
#include "bench/process/mappings.hpp"
#include "bench/process/reads.hpp"

namespace kmapper::bench {
namespace {

constexpr std::size_t kBatch = 16;

/// Measures granules of one size.
class Till {
 public:
  Till(const CachedFile& file, std::int64_t granule)
      : file_(file),
        granule_(static_cast<std::size_t>(granule)),
        count_(granule == static_cast<std::int64_t>(kPage) ? 1024 : 256),
        buffer_(granule_) {}

  void measure(unsigned round, Prices& prices) {
    choose(round);
    // A part of the file at a time, so that 32 bits have the addresses.
    const auto bytes = static_cast<std::size_t>(part_size());
    std::byte* const home = must_map(nullptr, bytes, 0, file_.descriptor(), begin_);
    const auto fault_all = [&] {
      return time_of([&](std::int64_t at) { fault(home + at, begin_ + at); });
    };
    const auto drop_all = [&] {
      const double begun = cpu_time();
      for (std::size_t i = 0; i < count_; i += kBatch)
        drop(home, std::span(places_).subspan(i, kBatch));
      return (cpu_time() - begun) / static_cast<double>(count_);
    };
    (void)fault_all();  // makes page tables, which stay
    (void)drop_all();
    prices.fault.ns.push_back(fault_all());
    prices.drop.ns.push_back(drop_all());
    munmap(home, bytes);

    // Slots that show something, as all do in a budget that is full.
    std::byte* const slots = must_map(nullptr, kBatch * granule_, 0, file_.descriptor(), begin_);
    std::size_t slot = 0;
    const auto map = [&](std::int64_t at) {
      std::byte* const address = slots + slot++ % kBatch * granule_;
      use(must_map(address, granule_, MAP_FIXED, file_.descriptor(), begin_ + at));
    };
    for (std::size_t i = 0; i < kBatch; ++i) map(places_[i]);
    prices.map.ns.push_back(time_of(map));
    munmap(slots, kBatch * granule_);

    prices.read.ns.push_back(time_of([&](std::int64_t at) {
      must_read(file_.descriptor(), buffer_.data(), granule_, begin_ + at);
      use(buffer_.data());
    }));
  }

 private:
  /// Different places all over a part of the file.
  void choose(unsigned round) {
    const std::int64_t parts = file_.size() / part_size();
    begin_ = round % parts * part_size();
    const auto granules = static_cast<std::uint64_t>(part_size()) / granule_;
    places_.clear();
    for (std::size_t i = 0; i < count_; ++i)
      places_.push_back(static_cast<std::int64_t>(i * 2'654'435'761U % granules * granule_));
  }

  [[nodiscard]] std::int64_t part_size() const {
    return std::min(file_.size(), std::int64_t{1} << 30);
  }

  /// Nanoseconds for each place.
  template <class Operation>
  [[nodiscard]] double time_of(Operation operation) const {
    const double begun = cpu_time();
    for (const std::int64_t at : places_) operation(at);
    return (cpu_time() - begun) / static_cast<double>(count_);
  }

  /// Where a read would map 64 KiB, only a write maps no more than the granule. It changes nothing:
  /// no contender has written yet. But a disk would write the page.
  void fault(std::byte* data, std::int64_t offset) const {
    if (granule_ == kPage && file_.is_in_memory())
      *reinterpret_cast<volatile std::uint32_t*>(data) = word_at(offset);
    use(data);
  }

  void drop(std::byte* home, std::span<const std::int64_t> places) const {
    std::array<iovec, kBatch> ranges;
    for (std::size_t i = 0; i < kBatch; ++i) ranges[i] = {home + places[i], granule_};
    drop_.drop(ranges);
  }

  void use(const std::byte* data) const {
    const volatile std::uint32_t sum = sum_of_lines(data, granule_);
    (void)sum;
  }

  const CachedFile& file_;
  const std::size_t granule_;
  const Drop drop_;
  const std::size_t count_;  // of places
  std::vector<std::byte> buffer_;
  std::int64_t begin_ = 0;  // of the part
  std::vector<std::int64_t> places_;
};

}  // namespace

std::vector<Prices> prices(const CachedFile& file, unsigned rounds) {
  std::vector<Prices> all;
  for (const std::int64_t granule : kGranules) {
    const std::string size = std::to_string(granule / 1024) + " KiB";
    Prices& it = all.emplace_back(Prices{.granule = granule,
                                         .fault = {size + " fault", {}},
                                         .drop = {size + " drop", {}},
                                         .map = {size + " mmap over another", {}},
                                         .read = {size + " pread", {}}});
    Till till(file, granule);
    for (unsigned round = 0; round <= rounds; ++round) till.measure(round, it);
    for (Series* const one : {&it.fault, &it.drop, &it.map, &it.read})
      one->ns.erase(one->ns.begin());  // the first round does not count
  }
  return all;
}

}  // namespace kmapper::bench
