// A 32-bit process reads a file at 100 GiB, where it has no more than 4 GiB of addresses.
//
//     truncate -s 101G big
//     printf 'These bytes lie at 100 GiB.' | dd of=big bs=1 seek=100G conv=notrunc status=none
//     flags="-m32 -idirafter /usr/include/x86_64-linux-gnu -std=c++20"
//     c++ $flags address_space.cpp -o address_space -lkmapper
//     ./address_space big
//
// This needs libkmapper-dev for i386, and g++-multilib or g++-12-multilib (for g++ 12). With
// g++-12-multilib alone, the compiler finds <asm/errno.h> only by -idirafter.
#include <kmapper/process/process.hpp>

#include <cstdio>
#include <system_error>

namespace {

int fail(const char* message) {
  std::fprintf(stderr, "%s\n", message);
  return 1;
}

}  // namespace

int main(int count, char** arguments) try {
  using namespace kmapper::process;
  if (count != 2) return fail("usage: address_space FILE");
  const Budget budget({.bytes = 16 << 20});  // of addresses, for all files together
  FileWindow file(arguments[1], Access::read_only, budget);
  const Expected<Mapping> part = file.map(std::int64_t{100} << 30, 27);
  if (!part) return fail(part.error().message().c_str());
  std::printf("%.27s\n", reinterpret_cast<const char*>(part->data()));
  return 0;  // the mapping ends here; its granule stays mapped for the next map() of it
} catch (const std::system_error& error) {  // of the constructors
  return fail(error.what());
}
