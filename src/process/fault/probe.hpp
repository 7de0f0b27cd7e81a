// Asking the kernel whether an access would fault, without making it.
//
// MADV_POPULATE_READ and MADV_POPULATE_WRITE would tell, but kernels before 5.14 do not have them,
// and emulators ignore them. So futex() is asked (futex(2)). A wait reads the word. A wake-up by
// FUTEX_WAKE_OP changes a second word atomically. Where the access would fault, they return EFAULT.
// No thread waits on these words, and no value changes. May be called in a signal handler.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace kmapper::process {

/// Whether a read of the page would succeed.
[[nodiscard]] inline bool is_readable(std::byte* page) noexcept {
  const timespec at_once{};
  return syscall(SYS_futex, page, FUTEX_WAIT_PRIVATE, 0, &at_once, nullptr, 0) == 0 ||
         errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR;
}

/// Whether a write to the page would succeed.
[[nodiscard]] inline bool is_writable(std::byte* page) noexcept {
  std::uint32_t untouched = 0;
  constexpr int kOrNothing = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);
  return syscall(SYS_futex, &untouched, FUTEX_WAKE_OP_PRIVATE, 0, 0L, page, kOrNothing) != -1;
}

}  // namespace kmapper::process
