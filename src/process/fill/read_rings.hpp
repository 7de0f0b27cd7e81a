// A budget's rings for reads of several places at once. They are made when they are needed, as many
// as threads use at the same time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>

#include "process/wait/threads.hpp"
#include "system/read_ring.hpp"

namespace kmapper::process {

class ReadRings {
  struct Place;

 public:
  /// The use of one ring by the calling thread.
  class Turn {
   public:
    explicit Turn(ReadRings& all) noexcept : place_(all.take()) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      // Release: pairs with take().
      if (place_ != nullptr) place_->is_taken.store(false, std::memory_order_release);
    }
    /// Null: other threads use all rings, or the process can have none.
    [[nodiscard]] system::ReadRing* ring() const {
      return place_ != nullptr ? &*place_->ring : nullptr;
    }

   private:
    Place* const place_;
  };

 private:
  struct alignas(64) Place {
    std::atomic<bool> is_taken{false};
    std::optional<system::ReadRing> ring;
  };

  [[nodiscard]] Place* take() noexcept {
    if (are_refused_.load(std::memory_order_relaxed)) return nullptr;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      Place& place = places_[(thread_number() + i) % places_.size()];
      // Acquire: pairs with the thread that has used the ring before.
      if (place.is_taken.exchange(true, std::memory_order_acquire)) continue;
      if (!place.ring) place.ring.emplace();
      if (place.ring->is_there()) return &place;
      place.ring.reset();
      are_refused_.store(true, std::memory_order_relaxed);
      place.is_taken.store(false, std::memory_order_release);
      return nullptr;
    }
    return nullptr;
  }

  std::array<Place, 8> places_{};
  std::atomic<bool> are_refused_{false};  // once: not asked for again
};

}  // namespace kmapper::process
