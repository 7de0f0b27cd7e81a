#include "kernel/user/describe_user_address.hpp"

#include "kernel/lib/format.hpp"
#include "kernel/mm/describe_address.hpp"
#include "kernel/mm/layout.hpp"

namespace kmapper::kernel {
namespace {

std::string_view describe_unmapped(UserAddr address) {
  if (address < kProgramBegin) return "a null pointer";
  if (address < kProgramEnd) return "no part of the program";
  if (address < kMapEnd) return "nothing that the process has mapped";
  if (address < kStackBegin) return "the guard below the process's stack";
  return "the guard between the process's stack and the kernel";
}

std::string_view describe_access(Access access) {
  switch (access) {
    case Access::execute:
      return "to be read and executed";
    case Access::read:
      return "to be read";
    case Access::write:
      return "to be read and written";
  }
  return "";
}

}  // namespace

std::string_view describe_user_address(std::span<char> buffer, const AddressSpace& space,
                                       VirtAddr address) {
  if (address >= kDirectMapBase) {
    char what[200];
    return format_to(buffer, "the kernel's: {}", describe_address(what, address));
  }
  const UserAddr in_process{to_number(address)};
  const std::optional<UserPage> page = space.find(in_process);
  if (!page) return describe_unmapped(in_process);
  return format_to(buffer, "the process's, page {}{}, {}", page_to_pfn(page->page),
                   page->owned ? "" : " of a file", describe_access(page->access));
}

}  // namespace kmapper::kernel
