// The interface between programs and the kernel. A system call is INT 0x80 with its number in eax
// and its arguments in edx, ecx, ebx and esi. The answer comes back in eax; all other registers are
// unchanged. An answer of kFirstError or above is a UserError, counted down from 2^32 - 1.
#pragma once

#include <cstdint>
#include <string_view>

namespace kmapper::kernel {

enum class Syscall : std::uint32_t {
  exit = 1,          // (code): does not return
  write = 2,         // (text, size): to the console
  map = 3,           // (pages): zeroed, readable and writable, contiguous; returns their address
  unmap = 4,         // (address, pages): each of them must be mapped
  read_process = 5,  // (pid, address, buffer, size): copies another process's memory
  pid = 6,           // (): returns this process's number
  yield = 7,         // ()
  sleep = 8,         // (ticks of 10 ms)
  file_info = 9,     // (index, FileInfo*)
  map_file = 10,     // (index): the whole file, read-only; returns its address
};

enum class UserError : std::uint32_t {
  none,
  no_such_call,
  bad_address,  // not in the process, or not writable
  bad_size,     // nothing, or more than possible
  out_of_memory,
  no_such_process,  // or it has ended
  no_such_file,
  kCount,
};

inline constexpr std::uint32_t kFirstError = 0xFFFFFF00;
[[nodiscard]] constexpr std::uint32_t to_answer(UserError error) {
  return error == UserError::none ? 0 : 0 - static_cast<std::uint32_t>(error);
}
[[nodiscard]] constexpr UserError error_of(std::uint32_t answer) {
  return answer < kFirstError ? UserError::none : static_cast<UserError>(0 - answer);
}

[[nodiscard]] constexpr std::string_view describe(UserError error) {
  switch (error) {
    case UserError::none:
      return "done";
    case UserError::no_such_call:
      return "no such system call";
    case UserError::bad_address:
      return "an address that is not the process's";
    case UserError::bad_size:
      return "a size that cannot be";
    case UserError::out_of_memory:
      return "out of memory";
    case UserError::no_such_process:
      return "no such process";
    case UserError::no_such_file:
      return "no such file";
    case UserError::kCount:
      break;
  }
  return "unknown error";
}

struct FileInfo {
  std::uint32_t size_low, size_high;  // in bytes
  std::uint32_t name_size;            // as much of the name as fits
  char name[116];
};

}  // namespace kmapper::kernel
