// Shared by self tests of several CPUs: threads that stay on their CPU.
#pragma once

#include <string_view>

#include "arch/cpu.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

inline constexpr std::string_view kOneCpu = "there is one CPU";
inline constexpr CpuNumber kFirst{0};
inline constexpr CpuNumber kSecond{1};

/// The thread stays on a CPU while an object exists.
class StayOn {
 public:
  explicit StayOn(CpuNumber cpu) { thread_move_to(cpu); }
  ~StayOn() { thread_roam(); }
  StayOn(const StayOn&) = delete;
  StayOn& operator=(const StayOn&) = delete;
};

/// Calls game.play(0) on the first CPU and game.play(1) on the second, at the same time. False: no
/// memory for the second CPU's thread, and nothing was played.
template <class Game>
[[nodiscard]] bool play_on_two_cpus(Game& game) {
  Thread* const other = thread_create(
      "second player",
      [](void* game) {
        const StayOn there(kSecond);
        static_cast<Game*>(game)->play(1);
      },
      &game);
  if (other == nullptr) return false;
  {
    const StayOn here(kFirst);
    game.play(0);
  }
  thread_join(*other);
  return true;
}

}  // namespace kmapper::kernel
