// What a hit costs on this machine, compared with the least that it could cost: one atomic addition
// and one subtraction on a cache line of its own. Both are timed in one run, in turn, and the
// medians of the rounds are compared, so that a change of the machine's speed affects both.
//
// Prints a line for each row: name, value, unit, aim, separated by tabs; "-" is no aim.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "kmapper/core/mapper.hpp"
#include "simulated/computer.hpp"
#include "simulated/host_threads.hpp"

namespace {

using namespace kmapper;
using Computer = simulated::Computer<simulated::HostThreads>;
using Window = Mapper<Computer::Platform>;

constexpr int kRounds = 41;
constexpr int kPairs = 200'000;
constexpr std::uint32_t kPages = 256;

/// Nanoseconds for each operation, over one round.
template <class Operation>
double time_round(Operation operation) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kPairs; ++i) operation(i);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
  return took.count() / kPairs;
}

double median(std::array<double, kRounds> times) {
  std::sort(times.begin(), times.end());
  return times[kRounds / 2];
}

void row(const char* name, double value, const char* unit, const char* aim) {
  std::printf("%s\t%.2f\t%s\t%s\n", name, value, unit, aim);
}

}  // namespace

int main() {
  Computer computer(
      simulated::MachineShape{.cpus = 1, .slots = 512, .low_frames = 1, .high_frames = kPages});
  const auto window = std::make_unique<Window>(computer.platform());
  window->open(512);
  const simulated::HostThreads::Attachment self(computer.threads(), simulated::CpuIndex{0});
  alignas(64) std::atomic<std::uint32_t> counter{0};

  const auto atomic_pair = [&counter](int) {
    counter.fetch_add(1, std::memory_order_acquire);
    counter.fetch_sub(1, std::memory_order_release);
  };
  const auto map_pair = [&window](Computer::Page page) {
    void* const address = window->kmap(page);
    asm volatile("" ::"r"(address) : "memory");
    window->kunmap(page);
  };
  const auto hit_one = [&](int) { map_pair(computer.high_page(0)); };
  const auto hit_many = [&](int i) {
    map_pair(computer.high_page(static_cast<std::uint32_t>(i) % kPages));
  };

  std::array<double, kRounds> atomic_ns{};
  std::array<double, kRounds> one_ns{};
  std::array<double, kRounds> many_ns{};
  std::array<double, kRounds> ratio{};
  for (int round = 0; round < kRounds; ++round) {
    const auto at = static_cast<std::size_t>(round);
    atomic_ns[at] = time_round(atomic_pair);
    one_ns[at] = time_round(hit_one);
    many_ns[at] = time_round(hit_many);
    ratio[at] = one_ns[at] / atomic_ns[at];
  }
  row("atomic add and subtract", median(atomic_ns), "ns", "-");
  row("hit pair", median(one_ns), "ns", "-");
  row("hit pair over 256 pages", median(many_ns), "ns", "-");
  row("hit pair to atomic add and subtract", median(ratio), "ratio", "<= 1.5");
  return 0;
}
