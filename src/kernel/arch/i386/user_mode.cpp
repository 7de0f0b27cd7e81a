#include "arch/user_mode.hpp"

#include "kernel/mm/layout.hpp"

namespace kmapper::kernel {
namespace {

// An instruction that may fault, and where to continue then.
struct Fixup {
  std::uint32_t eip, go_on;
};
extern "C" {
extern const Fixup fixups_begin[], fixups_end[];
}

// While an object exists, this CPU may access user pages (SDM 3A 4.6.1). The flag belongs to the
// thread: a trap saves and clears it.
class UserPagesOpen {
 public:
  UserPagesOpen() {
    if (smap_) asm volatile("stac" ::: "memory");
  }
  ~UserPagesOpen() {
    if (smap_) asm volatile("clac" ::: "memory");
  }
  UserPagesOpen(const UserPagesOpen&) = delete;
  UserPagesOpen& operator=(const UserPagesOpen&) = delete;

 private:
  bool smap_ = user_protections().smap;
};

}  // namespace

// One instruction, so that its registers hold the remaining bytes when it faults.
std::size_t copy_with_user(void* to, const void* from, std::size_t size) {
  const UserPagesOpen while_copying;
  asm volatile(
      "1: rep movsb\n"
      "2:\n\t"
      ".pushsection .fixups, \"a\"\n\t"
      ".long 1b, 2b\n\t"
      ".popsection"
      : "+D"(to), "+S"(from), "+c"(size)
      :
      : "memory");
  return size;
}

std::uint32_t find_fixup(std::uint32_t eip, VirtAddr address) {
  if (address >= kDirectMapBase) return 0;
  for (const Fixup* fixup = fixups_begin; fixup != fixups_end; ++fixup) {
    if (fixup->eip == eip) return fixup->go_on;
  }
  return 0;
}

}  // namespace kmapper::kernel
