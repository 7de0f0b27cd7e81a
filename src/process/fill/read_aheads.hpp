// Read-aheads in progress. They pin granules that no caller has asked for, while they map them. A
// call that must know whether a caller holds a granule waits for them: see Pause.
#pragma once

#include <atomic>
#include <cstdint>

namespace kmapper::process {

class ReadAheads {
 public:
  /// One read-ahead. False: a Pause is in progress, and the read-ahead must not begin.
  class Turn {
   public:
    explicit Turn(ReadAheads& all) noexcept : all_(all), may_begin_(all.begin()) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (may_begin_) all_.end();
    }
    explicit operator bool() const { return may_begin_; }

   private:
    ReadAheads& all_;
    const bool may_begin_;
  };

  /// While it lives, no read-ahead is in progress: the constructor waits for those that are. A
  /// thread that has a Turn must not make one.
  class Pause {
   public:
    explicit Pause(ReadAheads& all) noexcept : all_(all) {
      // Sequentially consistent, with begin(): either a read-ahead sees the pause, or the pause
      // sees the read-ahead.
      all_.pauses_.fetch_add(1, std::memory_order_seq_cst);
      for (;;) {
        const std::uint32_t under_way = all_.under_way_.load(std::memory_order_seq_cst);
        if (under_way == 0) return;
        all_.under_way_.wait(under_way, std::memory_order_seq_cst);
      }
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    ~Pause() { all_.pauses_.fetch_sub(1, std::memory_order_relaxed); }

   private:
    ReadAheads& all_;
  };

 private:
  [[nodiscard]] bool begin() noexcept {
    if (pauses_.load(std::memory_order_relaxed) != 0) return false;
    under_way_.fetch_add(1, std::memory_order_seq_cst);
    if (pauses_.load(std::memory_order_seq_cst) == 0) return true;
    end();
    return false;
  }
  void end() noexcept {
    // The read-ahead's pins are gone; the pause acquires that.
    if (under_way_.fetch_sub(1, std::memory_order_seq_cst) == 1 &&
        pauses_.load(std::memory_order_seq_cst) != 0) {
      under_way_.notify_all();
    }
  }

  std::atomic<std::uint32_t> under_way_{0};
  std::atomic<std::uint32_t> pauses_{0};
};

}  // namespace kmapper::process
