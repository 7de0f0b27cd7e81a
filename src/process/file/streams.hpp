// Detects sequential reads of a file, at several places at once perhaps. Then the granules that
// come next are mapped together with the requested one, twice as many each time.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// Any thread; a race costs only a wrong guess.
class Streams {
 public:
  /// A granule was missed; `goes_on`: behind what the caller has missed, or mapped ahead, before.
  /// Returns how many should be mapped from it on, 1 to `most`. Where the granule before it has not
  /// been missed or mapped ahead lately, this is no sequential use, unless the caller has said so.
  [[nodiscard]] std::uint64_t length_at(std::uint64_t granule, std::uint64_t most, bool goes_on) {
    const Advice advice = advice_.load(std::memory_order_relaxed);
    if (advice == Advice::random || most <= 1) return 1;
    const bool follows = goes_on || (granule != 0 && is_of_late(granule - 1));
    lately(granule).store(tag(granule), std::memory_order_relaxed);
    if (!follows && advice != Advice::sequential) return 1;
    Stream& stream = stream_at(granule, goes_on);
    const std::uint64_t doubled = 2 * stream.length.load(std::memory_order_relaxed);
    const std::uint64_t length =
        advice == Advice::sequential ? most : std::clamp<std::uint64_t>(doubled, 1, most);
    stream.length.store(length, std::memory_order_relaxed);
    stream.next.store(granule + length, std::memory_order_relaxed);
    const std::uint64_t last = granule + length - 1;
    lately(last).store(tag(last), std::memory_order_relaxed);
    return length;
  }
  [[nodiscard]] bool is_random() const {
    return advice_.load(std::memory_order_relaxed) == Advice::random;
  }
  void advise(Advice advice) { advice_.store(advice, std::memory_order_relaxed); }

 private:
  // Relaxed, all: hints.
  struct Stream {
    std::atomic<std::uint64_t> next{UINT64_MAX};  // the next miss, if the stream goes on
    std::atomic<std::uint64_t> length{0};         // how many granules were mapped the last time
  };

  /// The stream that goes on here; else one that begins here, or just before, in the place of a
  /// stream that did not go on, if there is one.
  [[nodiscard]] Stream& stream_at(std::uint64_t granule, bool goes_on) {
    for (Stream& it : streams_) {
      if (it.next.load(std::memory_order_relaxed) == granule) return it;
    }
    std::uint32_t victim = hand_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kStreams && length_of(victim) > 1; ++i) ++victim;
    Stream& stream = streams_[victim % kStreams];
    stream.length.store(goes_on ? 1 : 0, std::memory_order_relaxed);
    return stream;
  }
  [[nodiscard]] std::uint64_t length_of(std::uint32_t stream) const {
    return streams_[stream % kStreams].length.load(std::memory_order_relaxed);
  }

  /// The granules that were missed or mapped ahead last, by parts of their numbers.
  using Tag = std::uint32_t;
  [[nodiscard]] std::atomic<Tag>& lately(std::uint64_t granule) {
    return lately_[granule % kLately];
  }
  [[nodiscard]] static Tag tag(std::uint64_t granule) {
    return static_cast<Tag>(granule / kLately + 1);
  }
  [[nodiscard]] bool is_of_late(std::uint64_t granule) {
    return lately(granule).load(std::memory_order_relaxed) == tag(granule);
  }

  static constexpr std::size_t kLately = 256;
  std::array<std::atomic<Tag>, kLately> lately_{};  // zeros: none
  static constexpr std::size_t kStreams = 16;
  std::array<Stream, kStreams> streams_{};
  std::atomic<std::uint32_t> hand_{0};
  std::atomic<Advice> advice_{Advice::normal};
};

}  // namespace kmapper::process
