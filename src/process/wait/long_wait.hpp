// A call that may have to sleep until others give something back: what it asks for, and what
// happens when it sleeps for a long time. The sleeping thread wakes up now and then and checks:
//
//     at once          the process has no other thread        would_deadlock
//     after 10 ms,     all threads of the process sleep so,   would_deadlock
//     then each second   none with a limit
//     after a second   once                                   what Options::on_long_wait says
#pragma once

#include <chrono>
#include <cstdint>

#include "kmapper/core/limits.hpp"
#include "kmapper/core/result.hpp"
#include "kmapper/process/process.hpp"
#include "process/window/platform.hpp"

namespace kmapper::process {

class Arena;
class File;

/// On the stack of the call, for as long as the call lasts. Used by one thread.
class LongWait {
 public:
  /// What is asked for: a range of a file (null: of any file), or a number of bytes of room.
  struct Wanted {
    const File* file;
    std::int64_t offset;
    std::int64_t length;
    std::uint32_t granules;
    bool is_span;
  };

  LongWait(Arena& arena, const Patience& patience, const Wanted& wanted) noexcept
      : arena_(arena), patience_(patience), wanted_(wanted), outer_(current_) {
    current_ = this;
  }
  LongWait(const LongWait&) = delete;
  LongWait& operator=(const LongWait&) = delete;
  ~LongWait() { current_ = outer_; }

  /// The calling thread's; null: it has none.
  [[nodiscard]] static LongWait* current() noexcept { return current_; }

  [[nodiscard]] const Patience& patience() const { return patience_; }
  [[nodiscard]] const Wanted& wanted() const { return wanted_; }
  /// The cancellation that ends its sleep for a slot.
  [[nodiscard]] Cancellation<Platform>& cancellation() { return cancellation_; }
  /// Whether the wait has no limit: only a release by another thread ends it.
  [[nodiscard]] bool is_endless() const noexcept;
  /// The Platform::now() at which the sleeping thread has to call look(); UINT64_MAX: never. The
  /// first call begins the wait.
  [[nodiscard]] std::uint64_t next_look() noexcept;
  /// May write a report, and may end the wait: see verdict(). The caller holds no lock.
  void look() noexcept;
  /// Why the call must return instead of sleeping on; none: it may sleep on. holds_a_pin: it would
  /// sleep for ever.
  [[nodiscard]] MapError verdict() const { return verdict_; }
  [[nodiscard]] std::uint64_t slept_ns() const noexcept;

 private:
  void end(MapError verdict) noexcept;
  void tell() noexcept;

  // Read at the beginning of a miss: the same TLS model as in threads.hpp.
  [[gnu::tls_model("initial-exec")]] static inline thread_local constinit LongWait* current_ =
      nullptr;

  Arena& arena_;
  const Patience& patience_;
  const Wanted wanted_;
  LongWait* const outer_;
  Cancellation<Platform> cancellation_;
  std::uint64_t since_ = 0;  // 0: it has not slept yet
  std::uint64_t next_look_ = 0;
  bool is_told_ = false;
  MapError verdict_ = MapError::none;
};

}  // namespace kmapper::process
