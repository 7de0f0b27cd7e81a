// A signal handler of the library in front of the program's own. Signals that are not the library's
// are passed on to the program's handler. That handler sees what it would see without the library:
// its flags and its mask, the signal's siginfo, the interrupted context. If there is none, the
// system does what it would do without the library.
//
// A program may later put another handler in front of the library's, and may then want the
// library's in front of that again. The two must not call each other for ever. So the library has
// not one handler function but several, the levels. Each level passes signals on to the handler
// that was installed when the level was. A handler that was put in front of level 0, and calls what
// it found, calls level 0, although level 1 is in front of it.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace kmapper::system {

/// The handlers of one signal. Without locks, so that a fork finds nothing half done.
class HandlerLevels {
 public:
  static constexpr std::size_t kMost = 16;
  using Function = void (*)(int, siginfo_t*, void*);

  constexpr HandlerLevels(int number, const std::array<Function, kMost>& functions)
      : number_(number), functions_(functions) {}

  /// Puts the library's handler in front of the signal's present one, if that is not the library's
  /// already. Any thread. Throws std::system_error, std::bad_alloc.
  void install();
  /// What the function of a level does with a signal that is not the library's. Called with all
  /// signals blocked.
  void pass_on(std::size_t level, siginfo_t* info, void* context) noexcept;

 private:
  struct Level {
    // Release and acquire: what it points to is complete, never changes, and is never freed.
    std::atomic<const struct sigaction*> previous{nullptr};
    // 1: the handler was to be called only once (SA_RESETHAND), and has been. A whole word, because
    // g++ 12 for RISC-V exchanges bytes by a call of libatomic.
    std::atomic<std::uint32_t> is_spent{0};
  };

  [[nodiscard]] bool is_ours(const struct sigaction& action) const;
  [[nodiscard]] std::size_t level_before(const struct sigaction& action);
  void leave_to_system(siginfo_t* info) const noexcept;

  const int number_;
  const std::array<Function, kMost> functions_;
  std::array<Level, kMost> levels_{};
};

/// The handlers for a signal. `kOwn` handles the library's own: it runs with all signals blocked,
/// may only do what signal handlers may, and returns whether the signal was the library's.
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
