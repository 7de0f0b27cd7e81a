#include "tests/kernel/self_test/program_run.hpp"

#include "arch/clock.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"

namespace kmapper::kernel {
namespace {

constinit std::array<char, 16'384> run_text{};

}  // namespace

ProgramRun::ProgramRun(std::string_view program, std::string_view arguments) {
  const PrintCapture capture(run_text);
  const auto process = process_start(*find_program(program), arguments);
  error_ = process.error();
  if (process) end_ = process_wait(**process);
  text_ = capture.text();
}

HeldMemory::HeldMemory(std::uint32_t pages) {
  constexpr std::uint32_t kForever = 1'000'000;  // ticks: it is told to end before
  char arguments[32];
  const auto process =
      process_start(*find_program("fill"), format_to(arguments, "{} {}", pages, kForever));
  if (!process) return;
  process_ = *process;
  // The last words are written last.
  const UserAddr last = kFirst + (pages * kPageSize - sizeof(std::uint32_t));
  const std::uint64_t patience_ends = now_ns() + 20'000'000'000;
  while (!held_ && !process_->has_ended() && now_ns() < patience_ends) {
    thread_sleep(1);
    for (std::uint32_t i = 0; i < sizeof(std::uint32_t); ++i) held_ |= byte(last + i) != 0;
  }
}

HeldMemory::~HeldMemory() {
  if (process_ == nullptr) return;
  (void)process_tell_to_end(process_->pid());
  (void)process_wait(*process_);
}

unsigned char HeldMemory::byte(UserAddr address) const {
  const Locked guard(process_->mutex());
  const std::optional<UserPage> mapped = process_->space().find(address);
  unsigned char byte = 0;
  if (mapped) memcpy_from_page(&byte, mapped->page, to_number(address) % kPageSize, 1);
  return byte;
}

}  // namespace kmapper::kernel
