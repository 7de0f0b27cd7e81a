// A user's first program: reads a file's last page through the window, writes to it, and syncs it
// to the disk.
#include <kmapper/process/process.hpp>

#include <cstdio>

int main(int, char** arguments) try {
  using namespace kmapper::process;
  const Budget budget({.bytes = 1 << 20});
  FileWindow file(arguments[1], Access::read_write, budget);
  Expected<Mapping> page = file.map(file.size() - 4096, 4096);
  if (!page) return std::puts(page.error().message().c_str());
  std::printf("%.5s\n", reinterpret_cast<const char*>(page->bytes().data()));
  page->writable()[0] = std::byte{'J'};
  return file.sync() ? 1 : 0;
} catch (const std::system_error& error) {
  return std::puts(error.what());
}
