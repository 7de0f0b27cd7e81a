// A process goes through 1 TiB within a budget of 1 MiB. Then the file is truncated under a
// mapping: an error, where plain mmap() would end the process by SIGBUS.
//
//     c++ -std=c++20 bounded.cpp -o bounded -lkmapper
//     ./bounded
#include <sys/mman.h>
#include <unistd.h>
#include <kmapper/process/process.hpp>

#include <cstdio>

int main() {
  using namespace kmapper::process;
  const int descriptor = memfd_create("data", 0);
  if (ftruncate(descriptor, std::int64_t{1} << 40) != 0) return 1;  // all holes
  // Not copies, which would show the file as it was.
  const Budget budget({.bytes = 1 << 20, .placement = Placement::slots});
  FileWindow file(descriptor, Access::read_only, budget);
  int sum = 0;
  for (std::int64_t offset = 0; offset < file.size(); offset += 1 << 30) {
    const Expected<Mapping> part = file.map(offset, 4096);
    if (!part) return 1;  // part.error().message() says why
    sum += std::to_integer<int>(part->bytes()[0]);
  }
  const bool within = budget.stats().mapped <= 1 << 20;
  std::printf("1 TiB: sum %d, %s the budget\n", sum, within ? "within" : "beyond");

  const Expected<Mapping> page = file.map(0, 4096);
  if (!page || ftruncate(descriptor, 0) != 0) return 1;      // as another process might
  const int byte = std::to_integer<int>(page->bytes()[10]);  // zero, since there is no file
  std::printf("truncated: %d, %s\n", byte, page->fault().message().c_str());
  return page->bad() ? 0 : 1;
}
