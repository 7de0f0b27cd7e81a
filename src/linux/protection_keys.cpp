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
  while (count_ < kMost) {
    const long key = syscall(SYS_pkey_alloc, 0UL, kNoAccess);
    if (key <= 0) return;
    keys_[count_++] = static_cast<int>(key);
  }
}

ProtectionKeys::~ProtectionKeys() {
  for (unsigned i = 0; i < count_; ++i) syscall(SYS_pkey_free, keys_[i]);
}

int ProtectionKeys::open(std::byte* begin, std::size_t size, int key) {
  return syscall(SYS_pkey_mprotect, begin, size, PROT_READ | PROT_WRITE, key) == 0 ? 0 : errno;
}

#else

ProtectionKeys::ProtectionKeys() = default;
ProtectionKeys::~ProtectionKeys() = default;
int ProtectionKeys::open(std::byte* /*begin*/, std::size_t /*size*/, int /*key*/) { return ENOSYS; }

#endif

void ProtectionKeys::deny_all() const {
  for (unsigned i = 0; i < count_; ++i) deny(keys_[i]);
}

}  // namespace kmapper::linux_face
