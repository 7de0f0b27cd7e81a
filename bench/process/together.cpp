#include "bench/process/together.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "bench/process/load.hpp"
#include "bench/process/reads.hpp"
#include "kmapper/process/process.hpp"
#include "kmapper/process/several.hpp"

namespace kmapper::bench {
namespace {

constexpr std::size_t kPages = 32;  // at once
constexpr std::size_t kTimes = 64;  // in a round

/// Reads pages at random places, in two ways.
class Together {
 public:
  explicit Together(const CachedFile& file)
      : file_(file),
        budget_({.bytes = file.size() / 16,
                 .granule = static_cast<std::int64_t>(kPage),
                 .placement = process::Placement::copies}),
        window_(file.descriptor(), process::Access::read_only, budget_) {
    window_.advise(process::Advice::random);
  }

  [[nodiscard]] double by_map_all() {
    return time_of([this](std::span<const std::int64_t> places) {
      std::vector<process::Range> ranges;
      ranges.reserve(places.size());
      for (const std::int64_t at : places)
        ranges.push_back({&window_, at, static_cast<std::int64_t>(kLine)});
      if (process::map_all(budget_, ranges)) {
        std::fputs("process_bench: the window refused mappings\n", stderr);
        std::abort();
      }
    });
  }
  [[nodiscard]] double by_pread() {
    return time_of([this](std::span<const std::int64_t> places) {
      std::byte* data = buffer_.data();
      for (const std::int64_t at : places) {
        must_read(file_.descriptor(), data, kPage, at);
        data += kPage;
      }
    });
  }

 private:
  template <class Read>
  double time_of(Read read) {
    double ns = 0;
    for (std::size_t i = 0; i < kTimes; ++i) {
      for (std::int64_t& it : places_)
        it = random_.below(file_.size() / static_cast<std::int64_t>(kPage)) *
             static_cast<std::int64_t>(kPage);
      const double begun = time_of_day();
      read(std::span<const std::int64_t>(places_));
      ns += time_of_day() - begun;
    }
    return ns / (kTimes * kPages);
  }

  const CachedFile& file_;
  const process::Budget budget_;
  process::FileWindow window_;
  Random random_{1};
  std::vector<std::int64_t> places_ = std::vector<std::int64_t>(kPages);
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kPages * kPage);
};

}  // namespace

std::vector<Series> together(const CachedFile& file, unsigned rounds) {
  std::vector<Series> all = {{"32 pages by map_all", {}}, {"32 pages by pread", {}}};
  Together pages(file);
  // The first round does not count.
  for (unsigned round = 0; round <= rounds; ++round) {
    for (Series& it : all) {
      if (!file.is_in_memory()) file.forget();
      const double ns = &it == all.data() ? pages.by_map_all() : pages.by_pread();
      if (round != 0) it.ns.push_back(ns);
    }
  }
  return all;
}

}  // namespace kmapper::bench
