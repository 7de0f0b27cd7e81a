// The contenders that are kmapper's windows.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "bench/process/contender.hpp"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::bench {

class Windowed {
 public:
  Windowed(const Setting& setting, process::Placement placement)
      : setting_(setting),
        budget_({.bytes = setting.budget, .granule = setting.granule, .placement = placement}),
        window_(setting.descriptor,
                placement == process::Placement::copies ? process::Access::read_only
                                                        : process::Access::read_write,
                budget_) {}

  class Seat {
   public:
    explicit Seat(Windowed& shared) : shared_(shared), cursor_(shared.window_) {}

    template <class Use>
    void read(std::int64_t offset, std::size_t length, Use use) {
      // A scan uses a cursor.
      if (shared_.setting_.load == Load::scan) {
        use(checked(cursor_.at(offset, length)));
        if (offset + scan_step() == shared_.setting_.size) cursor_.release();
      } else {
        use(checked(shared_.window_.map(offset, static_cast<std::int64_t>(length))->data()));
      }
    }
    template <class Use>
    void write(std::int64_t offset, std::size_t length, Use use) {
      read(offset, length, use);
    }
    void sync() {
      if (shared_.window_.sync()) std::abort();
    }
    [[nodiscard]] std::int64_t scan_step() const { return shared_.setting_.granule; }

   private:
    static std::byte* checked(std::byte* data) {
      if (data == nullptr) [[unlikely]] {
        std::fputs("process_bench: the window refused a mapping\n", stderr);
        std::abort();
      }
      return data;
    }

    Windowed& shared_;
    process::Cursor cursor_;
  };

 private:
  const Setting setting_;
  const process::Budget budget_;
  process::FileWindow window_;
};

}  // namespace kmapper::bench
