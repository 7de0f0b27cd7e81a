// A budget's rings for reads of several places at once. A ring is made when all that were made
// before are in use, up to eight.
#pragma once

#include <array>
#include <atomic>
#include <optional>

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
    /// Null: other threads use all rings, or the process can have no more.
    [[nodiscard]] system::ReadRing* ring() const {
      return place_ != nullptr ? &*place_->ring : nullptr;
    }

   private:
    Place* const place_;
  };

 private:
  struct alignas(64) Place {
    std::atomic<bool> is_taken{false};
    std::atomic<bool> has_ring{false};  // relaxed: a hint; the thread that takes the place knows
    std::optional<system::ReadRing> ring;

    /// Whether the calling thread has the place from now on. Acquire: pairs with ~Turn().
    [[nodiscard]] bool take() {
      return !is_taken.load(std::memory_order_relaxed) &&
             !is_taken.exchange(true, std::memory_order_acquire);
    }
  };

  [[nodiscard]] Place* take() noexcept {
    for (Place& it : places_) {
      if (it.has_ring.load(std::memory_order_relaxed) && it.take()) return &it;
    }
    if (are_refused_.load(std::memory_order_relaxed)) return nullptr;
    for (Place& it : places_) {
      if (!it.take()) continue;
      if (!it.ring) it.ring.emplace();
      if (it.ring->is_there()) {
        it.has_ring.store(true, std::memory_order_relaxed);
        return &it;
      }
      it.ring.reset();
      are_refused_.store(true, std::memory_order_relaxed);
      it.is_taken.store(false, std::memory_order_release);
      break;
    }
    return nullptr;
  }

  std::array<Place, 8> places_{};
  std::atomic<bool> are_refused_{false};  // the kernel has refused one: no more are made
};

}  // namespace kmapper::process
