// A way to access a file that is larger than what may be mapped, or kept, of it.
//
// A contender has a Seat for each thread. Its read(offset, length, use) calls use(pointer to the
// bytes) and returns what use returned. The bytes are valid until then. A seat that finds that they
// changed meanwhile calls use again, and only the last result counts. write() likewise, where use
// writes. A load does the same to the bytes of every contender, so that the sums of what the
// contenders read are equal.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "bench/process/figures.hpp"
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
  bool is_alone;            // if set, CPU time counts, and otherwise the time of day
};

/// What a thread did.
struct Done {
  std::uint32_t sum = 0;  // of the words that it read
  double ns = -1;         // of the accesses that count; below 0: all of the part counts
};

class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;
  [[nodiscard]] virtual Done work(const Part& part) = 0;
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

/// Reads a range from its begin to its end, in pieces of the seat's choice. A seat may have a way
/// of its own: read_next(), and then end_scan().
template <class Seat>
std::uint32_t scan(Seat& seat, std::int64_t begin, std::int64_t end) {
  std::uint32_t sum = 0;
  for (std::int64_t at = begin; at < end; at += seat.scan_step()) {
    const auto size = static_cast<std::size_t>(std::min(seat.scan_step(), end - at));
    const auto use = [size](const std::byte* data) { return sum_of(data, size); };
    if constexpr (requires { seat.end_scan(); }) {
      sum += seat.read_next(at, size, use);
    } else {
      sum += seat.read(at, size, use);
    }
  }
  if constexpr (requires { seat.end_scan(); }) seat.end_scan();
  return sum;
}

template <class Seat>
std::uint32_t read_lines(Seat& seat, std::span<const std::int64_t> places) {
  std::uint32_t sum = 0;
  for (const std::int64_t at : places)
    sum += seat.read(at, kLine, [](const std::byte* data) { return sum_of(data, kLine); });
  return sum;
}

template <class Seat>
void write_lines(Seat& seat, const Part& part) {
  std::size_t count = 0;
  for (const std::int64_t at : part.places) {
    seat.write(at, kLine, [&](std::byte* data) { write_line(data, part.value); });
    if (++count % kWritesASync == 0) seat.sync();
  }
  if (count % kWritesASync != 0) seat.sync();
}

template <class Seat>
Done read_beside_a_scan(Seat& seat, const Part& part) {
  Done done{.ns = 0};
  std::int64_t scanned = part.begin;
  for (std::size_t first = 0; first < part.places.size(); first += kAccessesAScan) {
    const std::size_t count = std::min(kAccessesAScan, part.places.size() - first);
    const double begun = part.is_alone ? cpu_time() : time_of_day();
    done.sum += read_lines(seat, part.places.subspan(first, count));
    done.ns += (part.is_alone ? cpu_time() : time_of_day()) - begun;
    const std::int64_t end = std::min(scanned + kScanned, part.end);
    done.sum += scan(seat, scanned, end);
    scanned = end;
  }
  return done;
}

/// Carries a part out. One without places is a scan, whatever the load.
template <class Seat>
Done carry_out(Seat& seat, const Setting& setting, const Part& part) {
  if (part.places.empty()) return {.sum = scan(seat, part.begin, part.end)};
  const auto granule = static_cast<std::size_t>(setting.granule);
  Done done;
  switch (setting.load) {
    case Load::scan:
      break;  // it has no places
    case Load::uniform:
      for (const std::int64_t at : part.places)
        done.sum += seat.read(
            at, granule, [granule](const std::byte* data) { return sum_of_lines(data, granule); });
      break;
    case Load::zipf:
    case Load::mix:
    case Load::uncached:
      done.sum = read_lines(seat, part.places);
      break;
    case Load::beside:
      return read_beside_a_scan(seat, part);
    case Load::writes:
      if (part.is_warm_up) {
        done.sum = read_lines(seat, part.places);
      } else {
        write_lines(seat, part);
      }
      break;
  }
  return done;
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
  [[nodiscard]] Done work(const Part& part) override {
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
