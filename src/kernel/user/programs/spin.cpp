// spin ROUNDS: computes, so many times a million steps, and nothing else.
#include "kernel/user/programs/system.hpp"

namespace kmapper::program {

std::uint32_t run(std::string_view arguments) {
  const std::uint32_t rounds = next_number(arguments, 1);
  std::uint32_t value = 1;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (std::uint32_t i = 0; i < 1'000'000; ++i) {
      value = value * 1'664'525 + 1'013'904'223;
      asm volatile("" : "+r"(value));  // no code: each step is done
    }
  }
  return value == 0 ? 1 : 0;
}

}  // namespace kmapper::program
