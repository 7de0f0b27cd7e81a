// A simulation of the core's replacement (impl/scavenge.hpp): slots in leaves, a hand that goes
// round the leaves, batches. And of what kRemembers adds (remember.hpp), with other sizes of it:
// slots on probation, which a second hand goes round, and a ghost.
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

/// The core without kRemembers, which is called "mapper", and ways to add to it. kRemembers is
/// "+adapts" where a window has 256 slots or more, else "+batch/16".
[[nodiscard]] std::vector<Contestant> windows();
/// Without kRemembers, and with it: their work is compared.
[[nodiscard]] std::vector<Contestant> windows_at_work();

}  // namespace kmapper::bench
