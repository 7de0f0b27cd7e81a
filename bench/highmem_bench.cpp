// What the calls of kmapper/linux/highmem.h cost on this machine: with all mappings checked, and
// with a sample of them. Each way in a process of its own, because the first call settles it. The
// machine's own price stands beside them: two calls of mprotect() and an access, for one page.
//
// Prints a line for each row: name, value, unit, aim, separated by tabs; "-" is no aim.
#include "kmapper/linux/highmem.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Page = struct page;

constexpr int kRounds = 9;

/// Nanoseconds for one call of `operation(i)`: the median of some rounds.
template <class Operation>
double time_of(int count, Operation operation) {
  std::array<double, kRounds> times{};
  for (double& time : times) {
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) operation(static_cast<unsigned>(i));
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
    time = took.count() / count;
  }
  std::sort(times.begin(), times.end());
  return times[kRounds / 2];
}

void row(const std::string& name, double value, const char* aim) {
  std::printf("%s\t%.1f\tns\t%s\n", name.c_str(), value, aim);
}

/// Kernel code reads and writes what it maps.
void touch(void* address) {
  volatile char& byte = *static_cast<volatile char*>(address);
  byte = static_cast<char>(byte + 1);
}

void measure_the_system() {
  void* const page =
      mmap(nullptr, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const auto pair = [page](unsigned) {
    if (mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE) != 0) std::abort();
    touch(page);
    if (mprotect(page, PAGE_SIZE, PROT_NONE) != 0) std::abort();
  };
  row("mprotect, touch, mprotect: the system", time_of(50'000, pair), "-");
}

/// `aim`: of the pair on one page.
void measure(const std::string& mode, int count, const char* aim) {
  std::vector<Page*> pages(4000);
  for (Page*& page : pages) page = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
  const auto local_pair = [&pages](std::size_t of) {
    return [&pages, of](unsigned i) {
      void* const address = kmap_local_page(pages[i * 2654435761U % of]);
      touch(address);
      kunmap_local(address);
    };
  };
  row(mode + ": kmap_local pair, 1 page", time_of(count, local_pair(1)), aim);
  row(mode + ": kmap_local pair, 100 pages", time_of(count, local_pair(100)), "-");
  row(mode + ": kmap_local pair, 4,000 pages", time_of(count, local_pair(4000)), "-");
  const auto kmap_pair = [&pages](unsigned) {
    touch(kmap(pages[0]));
    kunmap(pages[0]);
  };
  row(mode + ": kmap pair, 1 page", time_of(count, kmap_pair), "-");
  std::array<char, 64> bytes{};
  const auto copy = [&](unsigned) { memcpy_to_page(pages[0], 8, bytes.data(), bytes.size()); };
  row(mode + ": memcpy_to_page of 64 bytes", time_of(count, copy), "-");
  const auto high = [](unsigned) { __free_page(alloc_page(GFP_HIGHUSER)); };
  row(mode + ": alloc_page and free, high", time_of(count / 2, high), "-");
  const auto low = [](unsigned) { __free_page(alloc_page(GFP_KERNEL)); };
  row(mode + ": alloc_page and free, low", time_of(count / 2, low), "-");
}

template <class Function>
void in_a_process_of_its_own(Function function) {
  const pid_t child = fork();
  if (child == 0) {
    function();
    (void)std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) std::exit(1);
}

}  // namespace

int main() {
  measure_the_system();
  (void)std::fflush(stdout);
  in_a_process_of_its_own([] { measure("checked", 20'000, "<= 2000"); });
  in_a_process_of_its_own([] {
    setenv("KMAPPER_CHECK", "sampled", 1);  // NOLINT(concurrency-mt-unsafe): one thread
    measure("sampled", 1'000'000, "<= 50");
  });
}
