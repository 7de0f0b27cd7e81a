#include "linux/protection_keys.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace kmapper::linux_face {

#if defined(__x86_64__) && defined(SYS_pkey_alloc)

namespace {

constexpr unsigned long kNoAccess = 1;  // PKEY_DISABLE_ACCESS

}  // namespace

ProtectionKeys::ProtectionKeys() {
  for (std::atomic<int>& place : keys_) {
    int there = place.load(std::memory_order_relaxed);
    if (there != 0) continue;
    const long key = syscall(SYS_pkey_alloc, 0UL, kNoAccess);
    if (key <= 0) return;
    if (place.compare_exchange_strong(there, static_cast<int>(key), std::memory_order_relaxed))
      count_.fetch_add(1, std::memory_order_release);
    else
      syscall(SYS_pkey_free, key);
  }
}

int ProtectionKeys::open(std::byte* begin, std::size_t size, int key) {
  return syscall(SYS_pkey_mprotect, begin, size, PROT_READ | PROT_WRITE, key) == 0 ? 0 : errno;
}

#else

ProtectionKeys::ProtectionKeys() = default;
int ProtectionKeys::open(std::byte* /*begin*/, std::size_t /*size*/, int /*key*/) { return ENOSYS; }

#endif

void ProtectionKeys::deny_all() const {
  for (unsigned i = 0; i < count(); ++i) deny((*this)[i]);
}

}  // namespace kmapper::linux_face
