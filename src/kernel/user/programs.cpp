#include "kernel/user/programs.hpp"

#include <algorithm>

namespace kmapper::kernel {

// The addresses of the files in programs.S.
#define KMAPPER_PROGRAM(name) \
  extern "C" const unsigned char program_##name##_begin[], program_##name##_end[]
KMAPPER_PROGRAM(sha256);
KMAPPER_PROGRAM(fill);
KMAPPER_PROGRAM(peek);
KMAPPER_PROGRAM(trespass);
KMAPPER_PROGRAM(spin);
#undef KMAPPER_PROGRAM

namespace {

constexpr Program kPrograms[] = {
    {"sha256", "INDEX: the SHA-256 of a file", program_sha256_begin, program_sha256_end},
    {"fill", "[PAGES [TICKS]]: takes all memory, or so many pages, writes it, waits, verifies it",
     program_fill_begin, program_fill_end},
    {"peek",
     "PID ADDRESS [SIZE [TIMES]]: shows another process's memory, or reads it so many times",
     program_peek_begin, program_peek_end},
    {"trespass", "WHAT [ADDRESS]: does what a process must not do", program_trespass_begin,
     program_trespass_end},
    {"spin", "[ROUNDS]: computes, so many times a million steps", program_spin_begin,
     program_spin_end},
};

}  // namespace

std::span<const Program> programs() { return kPrograms; }

const Program* find_program(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kPrograms), std::end(kPrograms),
                   [name](const Program& program) { return program.name == name; });
  return found != std::end(kPrograms) ? found : nullptr;
}

}  // namespace kmapper::kernel
