// What kmap costs in instructions, where the emulator counts them (run.sh --icount, one CPU): each
// figure is the mean of 10,000 rounds, without the loop around them. A round includes one load from
// the page.
#include "platform.hpp"
#include "program.hpp"

namespace port {
namespace {

constexpr uint32_t kRounds = 10'000;

/// The instructions of one round, in hundredths.
template <class Round>
[[gnu::noinline]] uint32_t measure(Round round) {
  const uint32_t begin = machine::instructions();
  for (uint32_t i = 0; i < kRounds; ++i) {
    asm volatile("" : "+r"(i));  // keeps the empty loop
    round(i);
  }
  return (machine::instructions() - begin) / (kRounds / 100);
}

void touch(const void* address) { (void)*static_cast<const volatile uint32_t*>(address); }

void show(const char* what, uint32_t hundredths) {
  print(what, " ", hundredths / 100, ".");
  print(hundredths / 10 % 10);
  print(hundredths % 10);
  print("\n");
}

}  // namespace

bool program() {
  highmem.open(Platform::kMaxSlots);
  Page* const page = high_memory.take();
  const uint32_t loop = measure([](uint32_t) {});
  const uint32_t hit = measure([page](uint32_t) {
    touch(highmem.kmap(page));
    highmem.kunmap(page);
  });
  const uint32_t miss = measure([](uint32_t i) {
    touch(highmem.kmap(high_page(i + 1)));
    highmem.kunmap(high_page(i + 1));
  });
  const uint32_t local = measure([page](uint32_t) {
    void* const address = local_maps.kmap_local(page);
    touch(address);
    local_maps.kunmap_local(address);
  });
  show("hit", hit - loop);
  show("miss", miss - loop);
  show("local", local - loop);
  return highmem.stats().misses >= kRounds;
}

}  // namespace port
