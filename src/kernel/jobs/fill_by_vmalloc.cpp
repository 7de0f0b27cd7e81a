// vmalloc, until the addresses or the memory run out; then all of it is given back, and none of it
// may be lost.
#include <array>

#include "arch/clock.hpp"
#include "kernel/jobs/free_pages.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/vmap.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kPages = 64;  // of an area
constexpr std::uint32_t kWordsInPage = kPageSize / sizeof(std::uint32_t);

class Areas {
 public:
  /// As many as there are; returns why there are no more.
  MapError allocate() {
    while (count_ < areas_.size()) {
      const auto area = vmalloc(kPages * kPageSize);
      if (!area) return area.error();
      areas_[count_++] = static_cast<volatile std::uint32_t*>(*area);
    }
    return MapError::none;
  }
  /// A number in each page, no two the same.
  void write() const {
    for (std::uint32_t i = 0; i < count_ * kPages; ++i) word(i) = i;
  }
  [[nodiscard]] std::uint32_t count_wrong() const {
    std::uint32_t wrong = 0;
    for (std::uint32_t i = 0; i < count_ * kPages; ++i) wrong += word(i) != i ? 1 : 0;
    return wrong;
  }
  void free() {
    while (count_ != 0) vfree(const_cast<std::uint32_t*>(areas_[--count_]));
  }
  [[nodiscard]] std::uint32_t count() const { return count_; }

 private:
  [[nodiscard]] volatile std::uint32_t& word(std::uint32_t page) const {
    return areas_[page / kPages][page % kPages * kWordsInPage];
  }

  std::array<volatile std::uint32_t*, KernelPlatform::kMaxVmapPages / kPages + 1> areas_{};
  std::uint32_t count_ = 0;
};

}  // namespace

Outcome fill_by_vmalloc() {
  const std::uint32_t free_before = free_pages_now();
  const std::uint64_t begun = now_ns();
  Areas areas;
  const MapError end = areas.allocate();
  const std::uint32_t count = areas.count();
  areas.write();
  const std::uint32_t wrong = areas.count_wrong();
  areas.free();
  print("vmalloc: {} areas of {} pages, {} MiB at consecutive addresses; one more: {}\n", count,
        kPages, count * kPages >> 8, describe(end));
  print("  allocated, written, verified and freed in {} ms\n", ratio(now_ns() - begun, 1'000'000));
  if (end == MapError::none) return failed("vmalloc gave more than the range has");
  if (count == 0) return failed("vmalloc gave nothing");
  if (wrong != 0) return failed("a page of vmalloc did not hold what was written");
  if (free_pages_now() != free_before) return failed("vfree lost pages");
  return passed();
}

}  // namespace kmapper::kernel
