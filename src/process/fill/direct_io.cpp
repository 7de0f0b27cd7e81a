#include "process/fill/direct_io.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "system/memory.hpp"
#include "system/page_size.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {
namespace {

int open_direct(int descriptor, Access access) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const int mode = access == Access::read_only ? O_RDONLY : O_RDWR;
  return system::uninterrupted(
      [&] { return open(path.c_str(), mode | O_DIRECT | O_CLOEXEC | O_NOCTTY); });
}

}  // namespace

DirectIo::DirectIo(int descriptor, const std::string& name, Access access)
    : direct_(open_direct(descriptor, access)) {
  int number = direct_.number() < 0 ? errno : 0;
  if (number == 0) {  // some file systems refuse it only now
    const system::AddressRange page = system::allocate_zeros(system::page_size());
    const auto read = [&] { return pread64(direct_.number(), page.begin(), page.size(), 0); };
    if (system::uninterrupted(read) < 0) number = errno;
  }
  if (number == 0) return;
  throw std::system_error(number, std::system_category(),
                          name + ": cannot be read without the page cache (Options::direct)");
}

bool DirectIo::are_aligned(std::span<const iovec> pieces, std::int64_t offset) {
  const auto is_aligned = [](std::uintptr_t value) { return value % system::page_size() == 0; };
  return is_aligned(static_cast<std::uintptr_t>(offset)) &&
         std::all_of(pieces.begin(), pieces.end(), [&](const iovec& it) {
           return is_aligned(reinterpret_cast<std::uintptr_t>(it.iov_base)) &&
                  is_aligned(it.iov_len);
         });
}

}  // namespace kmapper::process
