// How the kernel measures the rate of its time-stamp counter, on machines with a busy host, with
// chips that stand still or count wrong, and with CPUs that were not reset at the same time.
#include <gtest/gtest.h>

#include <vector>

#include "kernel/firmware/apic_mode.hpp"
#include "kernel/time/rate.hpp"
#include "kernel/time/tsc_offset.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint64_t kTscHertz = 2'500'000'000;
constexpr std::uint32_t kChipHertz = 1'193'182;
constexpr std::uint32_t kAcpiHertz = 3'579'545;

// Each reading takes `reading` counts of the time-stamp counter, and every `every` counts the host
// takes the machine's CPU away for `pause`.
struct Machine {
  std::uint64_t now = 1'000'000'000;
  std::uint64_t reading = 2'000;
  std::uint64_t every = UINT64_MAX;
  std::uint64_t pause = 0;
  std::uint32_t hertz = kChipHertz;
  std::uint32_t mask = UINT16_MAX;
  std::uint64_t runs = 0;  // since the last pause

  void pass(std::uint64_t counts) {
    now += counts;
    runs += counts;
    if (runs < every) return;
    now += pause;
    runs = 0;
  }
  [[nodiscard]] std::uint32_t count() const {
    const std::uint64_t of_whole_seconds = now / kTscHertz * hertz;
    const std::uint64_t all = of_whole_seconds + now % kTscHertz * hertz / kTscHertz;
    return static_cast<std::uint32_t>(all) & mask;
  }
  static Reading read(void* self) {
    auto& machine = *static_cast<Machine*>(self);
    Reading reading{};
    reading.before = machine.now;
    machine.pass(machine.reading / 2);
    reading.count = machine.count();
    machine.pass(machine.reading - machine.reading / 2);
    reading.after = machine.now;
    return reading;
  }
  [[nodiscard]] Counter counter() { return {read, this, mask}; }
  [[nodiscard]] std::optional<Rate> measure() { return measure_rate(counter(), hertz); }
};

void expect_right(Machine machine, double tolerance = 0.01) {
  const std::optional<Rate> rate = machine.measure();
  ASSERT_TRUE(rate);
  EXPECT_NEAR(static_cast<double>(rate->hertz), kTscHertz, kTscHertz * tolerance);
}

TEST(Rate, IsRightOnAMachineOfItsOwn) {
  expect_right({}, 0.001);
  expect_right({.reading = 200}, 0.001);
  expect_right({.hertz = kAcpiHertz, .mask = 0xFFFFFF}, 0.001);
  expect_right({.hertz = 100'000'000, .mask = UINT32_MAX}, 0.001);
}

// A counter of 16 bits wraps every 55 ms; a pause hides how often it wrapped.
TEST(Rate, IsRightWhereTheHostGivesATenthOfACpu) {
  const std::uint64_t millisecond = kTscHertz / 1000;
  for (const std::uint64_t runs : {11, 13, 20, 37}) {
    for (const std::uint64_t pause : {30, 90, 99, 180}) {
      SCOPED_TRACE(testing::Message() << runs << " ms of " << runs + pause);
      for (const std::uint64_t begun : {0, 2, 4, 7, 9}) {  // with a slice that is partly used
        Machine machine{.every = runs * millisecond, .pause = pause * millisecond};
        machine.runs = begun * millisecond;
        expect_right(machine);
        machine.hertz = kAcpiHertz;
        machine.mask = 0xFFFFFF;
        expect_right(machine);
      }
    }
  }
}

// No measurement is without a pause, but no pause hides how often the counter wrapped.
TEST(Rate, IsRightOnAHostThatHasManyOthersToServe) {
  const std::uint64_t millisecond = kTscHertz / 1000;
  for (const std::uint64_t pause : {3, 9, 20, 40}) {
    SCOPED_TRACE(pause);
    expect_right({.every = 3 * millisecond, .pause = pause * millisecond});
  }
}

// Two readings in three take a millisecond.
TEST(Rate, IsThatOfTheReadingsThatTookLeast) {
  Machine machine{.every = 3'000, .pause = kTscHertz / 1000, .hertz = kAcpiHertz, .mask = 0xFFFFFF};
  for (machine.runs = 0; machine.runs < machine.every; machine.runs += 1'000) {
    const std::optional<Rate> rate = Machine(machine).measure();
    ASSERT_TRUE(rate);
    EXPECT_LE(rate->blur, kTscHertz / 1000);
  }
}

TEST(Rate, IsRightWhereACounterBeginsAgain) {
  Machine machine{.hertz = kAcpiHertz, .mask = 0xFFFFFF};
  machine.now = (std::uint64_t{1} << 24) * kTscHertz / kAcpiHertz - kTscHertz / 200;
  expect_right(machine, 0.001);
}

struct Fake {
  std::uint64_t now = 0;
  std::uint32_t (*count)(std::uint64_t now) = nullptr;

  static Reading read(void* self) {
    auto& fake = *static_cast<Fake*>(self);
    fake.now += 1000;
    return {fake.now, fake.count(fake.now), fake.now + 100};
  }
};

// Each measurement ends, and soon.
TEST(Rate, IsNotFoundByACounterThatDoesNotCount) {
  const std::vector<std::uint32_t (*)(std::uint64_t)> counters{
      [](std::uint64_t) { return 0U; },                                            // gated
      [](std::uint64_t) { return 0xFFFFFFFFU; },                                   // not there
      [](std::uint64_t now) { return static_cast<std::uint32_t>(now >> 40); },     // too slow
      [](std::uint64_t now) { return static_cast<std::uint32_t>(now / 3); },       // too fast
      [](std::uint64_t now) { return static_cast<std::uint32_t>(-(now >> 10)); },  // backwards
      [](std::uint64_t now) {
        return static_cast<std::uint32_t>(now * now * 0x9E3779B1);
      },  // noise
      [](std::uint64_t now) {
        return now < 10'000'000 ? static_cast<std::uint32_t>(now >> 10) : 9766U;
      }};
  for (std::size_t i = 0; i < counters.size(); ++i) {
    for (const std::uint32_t mask : {0xFFFFU, 0xFFFFFFU, 0xFFFFFFFFU}) {
      static Fake fake;
      static std::uint32_t now_mask;
      now_mask = mask;
      fake = {0, counters[i]};
      const Counter counter{[](void*) {
                              Reading reading = Fake::read(&fake);
                              reading.count &= now_mask;
                              return reading;
                            },
                            nullptr, mask};
      const auto rate = measure_rate(counter, kChipHertz);
      EXPECT_FALSE(rate) << i << " " << mask;
      EXPECT_LT(fake.now, 100'000'000'000U) << i << " " << mask;
    }
  }
}

TEST(Rate, IsWhatCpuidTells) {
  EXPECT_EQ(nominal_rate({2, 216, 24'000'000, 0})->hertz, 2'592'000'000U);
  EXPECT_EQ(nominal_rate({2, 216, 24'000'000, 2500})->hertz, 2'592'000'000U);
  EXPECT_EQ(nominal_rate({2, 216, 0, 2600})->hertz, 2'600'000'000U);
  EXPECT_EQ(nominal_rate({0, 0, 0, 2600})->hertz, 2'600'000'000U);
  EXPECT_FALSE(nominal_rate({0, 0, 0, 0}));
  EXPECT_FALSE(nominal_rate({1, 1, 1, 1}));
}

TEST(TscOffset, IsNoneWhereTheCountersMayBeAlike) {
  TscOffset offset;
  offset.add(1000, 1700, 2000);
  EXPECT_EQ(offset.value(), 0U);
  offset.add(5000, 5001, 5600);
  EXPECT_EQ(offset.value(), 0U);
  EXPECT_EQ(TscOffset().value(), 0U);
}

TEST(TscOffset, IsThatOfTheShortestRound) {
  for (const std::uint64_t ahead : {1'000'000ULL, 18'446'744'073'709'000'000ULL, 1ULL << 63}) {
    TscOffset offset;
    offset.add(1000, 1900 + ahead, 9000);
    offset.add(20'000, 20'050 + ahead, 20'100);
    offset.add(30'000, 30'700 + ahead, 31'000);
    EXPECT_EQ(offset.value() + ahead, 0U) << ahead;
  }
}

TEST(TscOffset, LeavesNoTimeBelowZero) {
  EXPECT_EQ(counts_since(1000, 1500), 500U);
  EXPECT_EQ(counts_since(1000, 999), 0U);
  EXPECT_EQ(counts_since(0, UINT64_MAX), 0U);
  EXPECT_EQ(counts_since(UINT64_MAX - 9, 10), 20U);  // it wrapped
}

TEST(Scale, TurnsCountsIntoNanoseconds) {
  const auto scale = static_cast<std::uint32_t>((1'000'000'000ULL << kScaleShift) / kTscHertz);
  EXPECT_NEAR(static_cast<double>(scaled(kTscHertz, scale)), 1e9, 1e3);
  EXPECT_NEAR(static_cast<double>(scaled(kTscHertz * 1'000'000, scale)), 1e15, 1e9);
  const auto slowest = (1'000'000'000ULL << kScaleShift) / kLeastHertz;
  EXPECT_LE(slowest, UINT32_MAX);
}

TEST(ApicMode, IsWhatTheBaseRegisterSays) {
  EXPECT_EQ(apic_mode(0xFEE00900), ApicMode::xapic);
  EXPECT_EQ(apic_mode(0xFEE00D00), ApicMode::x2apic);
  EXPECT_EQ(apic_mode(0xFEE00100), ApicMode::disabled);
  EXPECT_EQ(apic_mode(0xFEE00500), ApicMode::invalid);
  EXPECT_EQ(x2apic_msr(0x20), 0x802U);   // the id
  EXPECT_EQ(x2apic_msr(0x300), 0x830U);  // the interrupt command
  EXPECT_EQ(x2apic_msr(0x3E0), 0x83EU);  // the timer's divider
}

}  // namespace
}  // namespace kmapper::kernel
