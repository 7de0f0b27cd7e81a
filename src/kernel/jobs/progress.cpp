#include "kernel/jobs/progress.hpp"

#include "arch/clock.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint64_t kLineEveryNs = 1'000'000'000;

}  // namespace

Progress::Progress(std::string_view what, std::uint64_t bytes)
    : what_(what), bytes_(bytes), begin_ns_(now_ns()), next_line_ns_(begin_ns_ + kLineEveryNs) {}

void Progress::at(std::uint64_t done) {
  const std::uint64_t now = now_ns();
  if (now < next_line_ns_) return;
  next_line_ns_ = now + kLineEveryNs;
  print("  {} {} of {} MiB\n", what_, done >> 20, bytes_ >> 20);
}

std::uint64_t Progress::elapsed_ns() const { return now_ns() - begin_ns_; }

Hundredths Progress::speed() const {
  // Bytes a microsecond, times 10^6 / 2^20, times 100 for the hundredths.
  return {ratio(bytes_ * 100 * 1'000'000 >> 20, ratio(elapsed_ns(), 1000))};
}

}  // namespace kmapper::kernel
