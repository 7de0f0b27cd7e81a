// A handler of ours in front of the one that the program has. What is not ours goes on to that one,
// which sees what it would see without us: its flags and its mask, the signal's siginfo, the
// interrupted context; and where there is none, the system does what it would do.
//
// A program may put another handler in front of ours later, and may want ours in front of that one
// again. Then the two must not call each other for ever. So ours is not one function but several,
// the levels: each goes on to the handler that was installed when that level was. A handler that
// was put in front of level 0, and goes back to what it found, comes to level 0, although level 1
// is in front of it.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace kmapper::system {

/// One signal's handlers. No locks: a fork finds nothing half done.
class HandlerLevels {
 public:
  static constexpr std::size_t kMost = 16;
  using Function = void (*)(int, siginfo_t*, void*);

  constexpr HandlerLevels(int number, const std::array<Function, kMost>& functions)
      : number_(number), functions_(functions) {}

  /// Puts ours in front of the handler that the signal has now, if that is not ours already. Any
  /// thread. Throws std::system_error, std::bad_alloc.
  void install();
  /// What the function of a level does with a signal that is not ours. It blocks all signals.
  void pass_on(std::size_t level, siginfo_t* info, void* context) noexcept;

 private:
  struct Level {
    // Release and acquire: what it points to is complete, and never changes or goes.
    std::atomic<const struct sigaction*> previous{nullptr};
    // 1: it was to be called once (SA_RESETHAND), and has been. A word: g++ 12 for RISC-V exchanges
    // bytes in libatomic.
    std::atomic<std::uint32_t> is_spent{0};
  };

  [[nodiscard]] bool is_ours(const struct sigaction& action) const;
  [[nodiscard]] std::size_t level_before(const struct sigaction& action);
  void leave_to_system(siginfo_t* info) const noexcept;

  const int number_;
  const std::array<Function, kMost> functions_;
  std::array<Level, kMost> levels_{};
};

/// The handlers for a signal of which `kOwn` deals with those that are ours: it runs with all
/// signals blocked, may call what signal handlers may, and returns whether the signal was ours.
template <int kNumber, bool (*kOwn)(siginfo_t*, void*) noexcept>
class SignalChain {
 public:
  static void install() { levels_.install(); }

 private:
  template <std::size_t kLevel>
  static void handle(int /*number*/, siginfo_t* info, void* context) {
    const int saved = errno;
    const bool is_own = kOwn(info, context);
    errno = saved;
    if (!is_own) levels_.pass_on(kLevel, info, context);
  }

  template <std::size_t... kLevels>
  static constexpr HandlerLevels make(std::index_sequence<kLevels...> /*all*/) {
    return HandlerLevels(kNumber, {handle<kLevels>...});
  }

  static inline constinit HandlerLevels levels_ =
      make(std::make_index_sequence<HandlerLevels::kMost>());
};

}  // namespace kmapper::system
