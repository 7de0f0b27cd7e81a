// The mapper's replacement (impl/scavenge.hpp), step for step: slots in leaves, a hand that goes
// round the leaves, batches. And what it could be:
//
// A slot that is taken is on probation until a page in it has been used again. A second hand goes
// round the slots on probation alone. It takes those whose pages were not used again, and ends the
// probation of the others. The first hand goes round all other slots. The second hand moves as long
// as enough slots are on probation. A ghost remembers pages that lost their slots. A page that
// returns while it is remembered is published as if it had been used again; and it says that the
// share of the slots that took its slot was too small, so that share grows.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "bench/replacement/ghost.hpp"
#include "bench/replacement/policy.hpp"

namespace kmapper::bench {

struct WindowOptions {
  std::uint32_t leaf = 16;        // slots of a leaf
  std::uint32_t batch = 16;       // slots, after which a scavenge ends
  std::uint32_t batch_share = 0;  // a batch has no more than the slots through this; 0: no limit
  std::uint32_t ghosts = 0;       // pages that are remembered, in percent of the slots
  std::uint32_t probation = 0;    // percent of the slots that are on probation at first; 0: no such
  bool adapts = false;            // pages that return change the share of probation
};

class Window : public Policy {
 public:
  Window(std::uint32_t slots, std::uint32_t pages, WindowOptions options);
  bool use(TracePage page) override;
  [[nodiscard]] Work work() const override { return work_; }

 private:
  struct Slot {
    TracePage page = 0;
    bool live = false;
    bool referenced = false;
    bool on_probation = false;
  };
  struct Batch {
    std::vector<std::uint32_t> taken;
    std::uint32_t examined = 0;
  };

  void scavenge();
  void examine_leaf(bool on_probation, Batch& batch);
  void adapt();

  WindowOptions options_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> slot_of_;  // a page's slot, from 1; 0: none
  std::deque<std::uint32_t> clean_;
  std::uint32_t hand_ = 0;  // a leaf
  std::uint32_t probation_hand_ = 0;
  std::uint32_t on_probation_ = 0;
  std::uint32_t wanted_;  // slots on probation
  Ghost ghost_;
  // Pages that have returned since the last scavenge, and slots that were taken lately.
  std::uint32_t main_returned_ = 0;
  std::uint32_t probation_returned_ = 0;
  std::uint32_t main_taken_ = 0;
  std::uint32_t probation_taken_ = 0;
  Work work_;
};

/// The mapper as it is, and the candidates.
[[nodiscard]] std::vector<Contestant> windows();
/// Those of them whose work is compared.
[[nodiscard]] std::vector<Contestant> windows_at_work();

}  // namespace kmapper::bench
