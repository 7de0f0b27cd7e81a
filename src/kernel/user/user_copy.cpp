#include "kernel/user/user_copy.hpp"

#include "arch/user_mode.hpp"

namespace kmapper::kernel {
namespace {

void* to_pointer(UserAddr address) { return kernel::to_pointer(VirtAddr{to_number(address)}); }

}  // namespace

bool copy_from_user(void* to, UserAddr from, std::size_t size) {
  return is_user_range(from, size) && copy_with_user(to, to_pointer(from), size) == 0;
}

bool copy_to_user(UserAddr to, const void* from, std::size_t size) {
  return is_user_range(to, size) && copy_with_user(to_pointer(to), from, size) == 0;
}

}  // namespace kmapper::kernel
