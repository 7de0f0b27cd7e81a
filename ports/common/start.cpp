// From kernel_main() to the program, in a thread of its own, on all CPUs.
#include "pages.hpp"
#include "print.hpp"
#include "program.hpp"
#include "threads.hpp"

namespace port {

Zone low_memory;
Zone high_memory;

uint32_t high_page_count() {
  const uint64_t size = machine::ram_size();
  if (size <= machine::kDirectSize) return 0;
  return static_cast<uint32_t>((size - machine::kDirectSize) / kPageSize);
}

void open_memory() {
  const uint32_t all = kFirstHighPage + high_page_count();
  for (uint32_t i = 0; i < all; ++i) pages[i].virtual_.store(0, kmapper::memory_order_relaxed);
  const auto after = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pages + all));
  const uint64_t low =
      machine::ram_size() < machine::kDirectSize ? machine::ram_size() : machine::kDirectSize;
  low_memory.open((after - machine::kDirect + kPageSize - 1) / kPageSize,
                  static_cast<uint32_t>(low / kPageSize));
  high_memory.open(kFirstHighPage, all);
}

namespace {

void run(void* /*nothing*/) {
  const bool passed = program();
  print(passed ? "PASS\n" : "FAIL\n");
  machine::end(passed ? 0 : 1);
}

}  // namespace

extern "C" [[noreturn]] void kernel_main() {
  open_memory();
  print(static_cast<uint32_t>(machine::ram_size() >> 20), " MiB, ", high_page_count(),
        " high pages, ", machine::cpus(), " CPUs\n");
  start_thread(&run, nullptr);
  machine::start_cpus([] { run_threads(); });
  run_threads();
}

}  // namespace port
