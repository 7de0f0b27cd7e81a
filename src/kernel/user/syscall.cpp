#include "kernel/user/syscall.hpp"

#include <algorithm>
#include <array>

#include "kernel/lib/print.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/user/files.hpp"
#include "kernel/user/process.hpp"
#include "kernel/user/user_copy.hpp"

namespace kmapper::kernel {
namespace {

std::uint32_t answer(const Result<UserAddr, UserError>& address) {
  return address ? to_number(*address) : to_answer(address.error());
}

// Replaces control characters, so that a program cannot move the cursor or begin a line that the
// kernel has not begun.
void make_printable(std::span<char> text) {
  for (char& c : text) {
    if ((c < ' ' && c != '\n') || c == 0x7F) c = '?';
  }
}

std::uint32_t write(UserAddr text, std::uint32_t size) {
  constexpr std::uint32_t kMostSize = 4096;
  if (size > kMostSize) return to_answer(UserError::bad_size);
  std::array<char, 256> piece;  // as much as print() writes in one piece
  while (size > 0) {
    const auto part = std::min(size, static_cast<std::uint32_t>(piece.size()));
    if (!copy_from_user(piece.data(), text, part)) return to_answer(UserError::bad_address);
    make_printable({piece.data(), part});
    print("{}", std::string_view(piece.data(), part));
    text = text + part;
    size -= part;
  }
  return 0;
}

std::uint32_t map(std::uint32_t pages) {
  const Locked guard(this_process().mutex());
  return answer(this_process().space().map(pages));
}

std::uint32_t unmap(UserAddr address, std::uint32_t pages) {
  const Locked guard(this_process().mutex());
  return to_answer(this_process().space().unmap(address, pages));
}

// In pieces, so that a process that is told to end does so soon.
std::uint32_t sleep(std::uint32_t ticks) {
  constexpr std::uint32_t kPiece = 10;
  while (ticks > 0 && !this_process().is_told_to_end()) {
    const std::uint32_t part = std::min(ticks, kPiece);
    thread_sleep(part);
    ticks -= part;
  }
  return 0;
}

std::uint32_t file_info(std::uint32_t index, UserAddr to) {
  const File* const file = find_file(index);
  if (file == nullptr) return to_answer(UserError::no_such_file);
  FileInfo info{};
  info.size_low = static_cast<std::uint32_t>(file->size);
  info.size_high = static_cast<std::uint32_t>(file->size >> 32);
  info.name_size = static_cast<std::uint32_t>(std::min(file->name.size(), sizeof info.name));
  std::copy_n(file->name.begin(), info.name_size, info.name);
  return copy_to_user(to, &info, sizeof info) ? 0 : to_answer(UserError::bad_address);
}

std::uint32_t map_file(std::uint32_t index) {
  const File* const file = find_file(index);
  if (file == nullptr) return to_answer(UserError::no_such_file);
  if (file->pages.pages() == 0) return to_answer(UserError::bad_size);
  const Locked guard(this_process().mutex());
  return answer(this_process().space().map_shared(file->pages));
}

}  // namespace

std::uint32_t syscall(std::uint32_t number, const SyscallArguments& arguments) {
  const auto& [first, second, third, fourth] = arguments;
  switch (static_cast<Syscall>(number)) {
    case Syscall::exit:
      process_exit(first);
    case Syscall::write:
      return write(UserAddr{first}, second);
    case Syscall::map:
      return map(first);
    case Syscall::unmap:
      return unmap(UserAddr{first}, second);
    case Syscall::read_process:
      return to_answer(process_read(Pid{first}, UserAddr{second}, UserAddr{third}, fourth));
    case Syscall::pid:
      return to_number(this_process().pid());
    case Syscall::yield:
      thread_yield();
      return 0;
    case Syscall::sleep:
      return sleep(first);
    case Syscall::file_info:
      return file_info(first, UserAddr{second});
    case Syscall::map_file:
      return map_file(first);
  }
  return to_answer(UserError::no_such_call);
}

}  // namespace kmapper::kernel
