// peek PID ADDRESS [SIZE [TIMES]]: shows another process's memory, sixteen bytes a line; or reads
// it so many times, while the process exists, and shows nothing.
#include <algorithm>

#include "kernel/user/programs/system.hpp"

namespace kmapper::program {
namespace {

constexpr std::uint32_t kMostBytes = 16 * 1024;
constexpr std::uint32_t kBytesOfLine = 16;

// Not on the stack: a system call must be able to write into the program's data, too.
unsigned char bytes[kMostBytes];

void show(std::uint32_t address, std::uint32_t begin, std::uint32_t end) {
  std::array<char, 3 * kBytesOfLine> line{};
  std::size_t size = 0;
  for (std::uint32_t i = begin; i < end; ++i, size += 3) {
    (void)kernel::format_to({line.data() + size, 3}, " {:02x}", bytes[i]);
  }
  say("{:08x} {}\n", address, std::string_view(line.data(), size));
}

}  // namespace

std::uint32_t run(std::string_view arguments) {
  if (arguments.empty()) {
    say("peek needs a process's number and an address: peek PID ADDRESS [SIZE [TIMES]]\n");
    return 2;
  }
  const std::uint32_t pid = next_number(arguments, 0);
  const std::uint32_t address = next_number(arguments, 0);
  const std::uint32_t size = std::min(next_number(arguments, kBytesOfLine), kMostBytes);
  const std::uint32_t times = next_number(arguments, 0);
  UserError error = UserError::none;
  for (std::uint32_t i = 0; i < std::max(times, 1U) && error == UserError::none; ++i) {
    error = kernel::error_of(call(Syscall::read_process, pid, address, address_of(bytes), size));
  }
  if (error != UserError::none) {
    say("peek: {} bytes at {:08x} of process {}: {}\n", size, address, pid,
        kernel::describe(error));
    return 1;
  }
  for (std::uint32_t i = 0; i < size && times == 0; i += kBytesOfLine)
    show(address + i, i, std::min(size, i + kBytesOfLine));
  return 0;
}

}  // namespace kmapper::program
