// A way to access a file that is larger than what may be mapped, or kept, of it.
//
// A contender has a Seat for each thread: read(offset, length, use) calls use(pointer to the
// bytes), and the bytes are valid until use returns; write() likewise. A load does the same to the
// bytes of every contender, and the sums of what it reads are equal.
// and what it has read sums up to the same number.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "bench/process/load.hpp"

namespace kmapper::bench {

/// The settings for all contenders.
struct Setting {
  int descriptor;
  std::int64_t size;
  std::int64_t granule;
  std::int64_t budget;  // bytes
  Load load;
  unsigned threads;  // the most that a load uses
};

/// A piece of work for one thread.
struct Part {
  unsigned thread;
  std::span<const std::int64_t> places;
  std::int64_t begin, end;  // the range that a scan reads
  std::uint32_t value;      // the value that writes write
  bool is_warm_up;          // if set, writes read
};

class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;
  /// Returns the sum of the words that it read.
  [[nodiscard]] virtual std::uint32_t work(const Part& part) = 0;
  /// Called before a round, not timed.
  virtual void prepare() = 0;
};

// Words have 32 bits, so that both widths read alike.

[[nodiscard]] inline std::uint32_t sum_of(const std::byte* data, std::size_t size) {
  const auto* const words = reinterpret_cast<const std::uint32_t*>(data);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < size / sizeof *words; ++i) sum += words[i];
  return sum;
}

[[nodiscard]] inline std::uint32_t sum_of_lines(const std::byte* data, std::size_t size) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < size; at += kPage) sum += sum_of(data + at, kLine);
  return sum;
}

inline void write_line(std::byte* data, std::uint32_t value) {
  auto* const words = reinterpret_cast<std::uint32_t*>(data);
  for (std::size_t i = 0; i < kLine / sizeof *words; ++i) words[i] = value;
}

/// Carries a part out.
template <class Seat>
std::uint32_t carry_out(Seat& seat, const Setting& setting, const Part& part) {
  std::uint32_t sum = 0;
  const auto granule = static_cast<std::size_t>(setting.granule);
  switch (setting.load) {
    case Load::uniform:
      for (const std::int64_t at : part.places)
        seat.read(at, granule, [&](const std::byte* data) { sum += sum_of_lines(data, granule); });
      break;
    case Load::zipf:
    case Load::mix:
      for (const std::int64_t at : part.places)
        seat.read(at, kLine, [&](const std::byte* data) { sum += sum_of(data, kLine); });
      break;
    case Load::scan:
      for (std::int64_t at = part.begin; at < part.end; at += seat.scan_step()) {
        const auto size = static_cast<std::size_t>(std::min(seat.scan_step(), part.end - at));
        seat.read(at, size, [&](const std::byte* data) { sum += sum_of(data, size); });
      }
      break;
    case Load::writes: {
      std::size_t count = 0;
      for (const std::int64_t at : part.places) {
        if (part.is_warm_up) {
          seat.read(at, kLine, [&](const std::byte* data) { sum += sum_of(data, kLine); });
          continue;
        }
        seat.write(at, kLine, [&](std::byte* data) { write_line(data, part.value); });
        if (++count % kWritesASync == 0) seat.sync();
      }
      if (count % kWritesASync != 0) seat.sync();
      break;
    }
  }
  return sum;
}

/// A contender: the state that its seats share, and a seat for each thread.
template <class Shared>
class Seated final : public Contender {
 public:
  template <class... More>
  explicit Seated(const Setting& setting, More... more)
      : setting_(setting), shared_(setting, more...) {
    for (unsigned i = 0; i < setting.threads; ++i)
      seats_.push_back(std::make_unique<typename Shared::Seat>(shared_));
  }
  [[nodiscard]] std::uint32_t work(const Part& part) override {
    return carry_out(*seats_[part.thread], setting_, part);
  }
  void prepare() override {
    if constexpr (requires { shared_.prepare(); }) shared_.prepare();
  }

 private:
  const Setting setting_;
  Shared shared_;
  std::vector<std::unique_ptr<typename Shared::Seat>> seats_;
};

}  // namespace kmapper::bench
