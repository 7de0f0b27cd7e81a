// The contenders that are kmapper's windows.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include "bench/process/contender.hpp"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/process.hpp"

namespace kmapper::bench {

class Windowed {
 public:
  Windowed(const Setting& setting, process::Placement placement)
      : setting_(setting),
        budget_({.bytes = setting.budget, .granule = setting.granule, .placement = placement}),
        window_(setting.descriptor, access_of(setting, placement), budget_) {
    if (setting.load == Load::uncached) window_.advise(process::Advice::random);
  }

  /// Why there is no such window of the file; empty: there is.
  [[nodiscard]] static std::string refusal(const Setting& setting, process::Placement placement) {
    try {
      const Windowed window(setting, placement);
      return {};
    } catch (const std::system_error& error) {
      return error.what();
    }
  }

  class Seat {
   public:
    explicit Seat(Windowed& shared) : shared_(shared), cursor_(shared.window_) {}

    template <class Use>
    auto read(std::int64_t offset, std::size_t length, Use use) {
      const auto mapping = shared_.window_.map(offset, static_cast<std::int64_t>(length));
      return use(checked(mapping->data()));
    }
    // A scan uses a cursor.
    template <class Use>
    auto read_next(std::int64_t offset, std::size_t length, Use use) {
      return use(checked(cursor_.at(offset, length)));
    }
    void end_scan() { cursor_.release(); }
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
  /// Home has small granules only in windows that may write.
  [[nodiscard]] static process::Access access_of(const Setting& setting,
                                                 process::Placement placement) {
    const bool writes = setting.load == Load::writes || placement == process::Placement::home;
    return writes ? process::Access::read_write : process::Access::read_only;
  }

  const Setting setting_;
  const process::Budget budget_;
  process::FileWindow window_;
};

}  // namespace kmapper::bench
