// highmem_cache: a cache in front of a slow source of pages, in RAM that a 32-bit process cannot
// address. The program fills the cache, reads pages as real programs do, some much more often than
// others, and checks every byte that the cache returns.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>

#include "../common/command_line.hpp"
#include "page_cache.hpp"

namespace kmapper::examples {
namespace {

using process::Budget;
using process::Mapping;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kPage = 4096;

constexpr const char* kHelp =
    "usage: highmem_cache [OPTION...]\n"
    "\n"
    "Keeps pages of 4096 bytes in RAM, more than a process has addresses for, and reads them at "
    "random: a page that\n"
    "the cache does not have is computed again, and replaces the least recently used page. Each "
    "page that the\n"
    "cache does have is compared with what it must be, byte by byte, and all pages once more at "
    "the end.\n"
    "\n"
    "  --cache SIZE   the size of the cache, 64K to 64G (default: 256M)\n"
    "  --data SIZE    the size of the data to read from, 64K to 1024G (default: a quarter more "
    "than the cache)\n"
    "  --reads N      the number of reads (default: half as many as there are pages)\n"
    "  --memory SIZE  the most of the cache that is mapped at once, 256K to 2G (default: 64M)\n"
    "\n"
    "Exit codes: 0 all pages were right; 1 failed; 2 wrong usage.\n";

/// The slow source. A page's contents follow from its number.
class Source {
 public:
  explicit Source(std::uint64_t number) : next_(number * 0x9E3779B97F4A7C15U) {}

  std::uint64_t next() {
    next_ ^= next_ << 13;
    next_ ^= next_ >> 7;
    next_ ^= next_ << 17;
    return next_ += 0x9E3779B97F4A7C15U;
  }

 private:
  std::uint64_t next_;
};

/// Throws if the system could not provide the page's memory, or has lost it.
void check(const Mapping& page, std::uint64_t number) {
  if (!page.bad()) return;
  throw std::runtime_error("page " + std::to_string(number) + ": " + page.fault().message());
}

void fill(const Mapping& page, std::uint64_t number) {
  Source source(number);
  for (std::size_t i = 0; i < page.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = source.next();
    std::memcpy(page.data() + i, &word, sizeof word);
  }
  check(page, number);
}

void verify(const Mapping& page, std::uint64_t number) {
  Source source(number);
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < page.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, page.data() + i, sizeof word);
    wrong |= word ^ source.next();
  }
  check(page, number);
  if (wrong != 0)
    throw std::runtime_error("page " + std::to_string(number) + " is not what was put there");
}

/// Reads a page through the cache: finds it there, or inserts it.
void read(PageCache& cache, std::uint64_t number) {
  if (const Mapping page = cache.find(number)) return verify(page, number);
  fill(cache.insert(number), number);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Calls part(), and returns the seconds that it took.
template <class Part>
double timed(Part part) {
  const auto begin = std::chrono::steady_clock::now();
  part();
  return seconds_since(begin);
}

/// How much memory the machine has left, in bytes.
std::int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("MemAvailable:")) return std::stoll(line.substr(13)) * 1024;
  }
  return INT64_MAX;
}

/// Prefers the first pages: of n pages, the first n / 16 get half of the reads.
std::uint64_t choose(std::mt19937_64& random, std::uint64_t pages) {
  const double uniform = std::uniform_real_distribution<>()(random);
  return static_cast<std::uint64_t>(std::pow(uniform, 4) * static_cast<double>(pages));
}

void report(const PageCache& cache, const Budget& budget) {
  const process::Stats window = budget.stats();
  std::printf("window    %s mapped, of %s; %llu hits, %llu misses\n",
              show_size(window.mapped).c_str(), show_size(window.budget).c_str(),
              static_cast<unsigned long long>(window.hits),
              static_cast<unsigned long long>(window.misses));
  std::printf("process   of %zu bits: keeps %s, its RSS is %s (at most %s), its addresses %s\n",
              8 * sizeof(void*), show_size(cache.size() * kPage).c_str(),
              show_size(status_of_process("VmRSS")).c_str(),
              show_size(status_of_process("VmHWM")).c_str(),
              show_size(status_of_process("VmSize")).c_str());
}

int highmem_cache(int count, char** words) {
  const CommandLine line({"--cache", "--data", "--reads", "--memory"}, count, words);
  if (line.wants_help()) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (!line.rest().empty()) throw Misuse("unexpected argument " + line.rest()[0] + "; see --help");
  const std::int64_t kept =
      parse_size("--cache", line.value("--cache", "256M"), 64 << 10, 65536 * kMiB) / kPage;
  const std::int64_t pages =
      parse_size("--data", line.value("--data", std::to_string(kept * kPage / 4 * 5)), 64 << 10,
                 1048576 * kMiB) /
      kPage;
  const std::int64_t reads =
      parse_size("--reads", line.value("--reads", std::to_string(pages / 2)), 0, INT64_MAX);
  const std::int64_t memory =
      parse_size("--memory", line.value("--memory", "64M"), 256 << 10, 2048 * kMiB);
  if (kept * kPage > available_memory())
    throw std::runtime_error("--cache " + show_size(kept * kPage) + ": the system has " +
                             show_size(available_memory()) + " of memory left");

  const Budget budget({.bytes = memory, .granule = kPage});
  PageCache cache(static_cast<std::uint32_t>(kept), budget);
  const auto filled = static_cast<std::uint64_t>(std::min(kept, pages));
  // Starts with the pages that are read least: the cache must find out which are read most.
  double seconds = timed([&] {
    for (std::uint64_t i = 1; i <= filled; ++i) read(cache, static_cast<std::uint64_t>(pages) - i);
  });
  std::printf("filled    %llu pages of %lld bytes, %s, in %.1f s\n",
              static_cast<unsigned long long>(filled), static_cast<long long>(kPage),
              show_size(static_cast<std::int64_t>(filled) * kPage).c_str(), seconds);

  const CacheCounts before = cache.counts();
  std::mt19937_64 random(1);
  seconds = timed([&] {
    for (std::int64_t i = 0; i < reads; ++i)
      read(cache, choose(random, static_cast<std::uint64_t>(pages)));
  });
  const CacheCounts counts = cache.counts();
  const std::uint64_t hits = counts.hits - before.hits;
  std::printf(
      "read      %lld of %lld pages: %llu hits (%.1f %%), %llu misses, %llu evictions, in %.1f s\n",
      static_cast<long long>(reads), static_cast<long long>(pages),
      static_cast<unsigned long long>(hits),
      reads > 0 ? 100 * static_cast<double>(hits) / static_cast<double>(reads) : 0,
      static_cast<unsigned long long>(counts.misses - before.misses),
      static_cast<unsigned long long>(counts.evictions), seconds);

  seconds = timed([&] {
    cache.for_each([](std::uint64_t number, const Mapping& page) { verify(page, number); });
  });
  std::printf("verified  %u pages, all that it keeps, in %.1f s\n", cache.size(), seconds);
  report(cache, budget);
  return 0;
}

}  // namespace
}  // namespace kmapper::examples

int main(int count, char** words) {
  return kmapper::examples::run("highmem_cache", kmapper::examples::highmem_cache, count, words);
}
