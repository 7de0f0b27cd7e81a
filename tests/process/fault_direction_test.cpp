// Whether a faulting access was a read or a write; and what happens if that is unknown.
#include "system/fault_direction.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"
#include "small_disk.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

/// The encodings of GCC and Clang, of 32 and of 16 bits.
constexpr bool kRiscvReads = [] {
  constexpr std::uint32_t kReads[] = {
      0x00052503,                        // lw a0, 0(a0)
      0x00054503,                        // lbu a0, 0(a0)
      0x00853787,                        // fld fa5, 8(a0)
      0x02056407,                        // vle32.v v8, (a0)
      0x1005252F,                        // lr.w a0, (a0)
      0x4108,                            // c.lw a0, 0(a0)
      0x6108,                            // c.ld a0, 0(a0)
      0x2108,                            // c.fld fa0, 0(a0)
      0x4502,     0x6502, 0x2502,        // c.lwsp, c.ldsp, c.fldsp
      0x8108,     0x8508, 0xFFFF8508U};  // c.lbu, c.lhu; what follows does not matter
  for (const std::uint32_t it : kReads) {
    if (system::riscv_direction(it) != system::Direction::read) return false;
  }
  return true;
}();
static_assert(kRiscvReads);

constexpr bool kRiscvWrites = [] {
  constexpr std::uint32_t kWrites[] = {0x00B52023,                  // sw a1, 0(a0)
                                       0x00B50023,                  // sb a1, 0(a0)
                                       0x00F53427,                  // fsd fa5, 8(a0)
                                       0x02056427,                  // vse32.v v8, (a0)
                                       0x18B5252F,                  // sc.w a0, a1, (a0)
                                       0x00B5202F,                  // amoadd.w zero, a1, (a0)
                                       0x40A5302F,                  // amoor.d zero, a0, (a0)
                                       0x0045200F,                  // cbo.zero (a0)
                                       0xC10C,                      // c.sw a1, 0(a0)
                                       0xE10C,                      // c.sd a1, 0(a0)
                                       0xA108,                      // c.fsd fa0, 0(a0)
                                       0xC02A,     0xE02A, 0xA02A,  // c.swsp, c.sdsp, c.fsdsp
                                       0x8908,     0x8D08};         // c.sb, c.sh
  for (const std::uint32_t it : kWrites) {
    if (system::riscv_direction(it) != system::Direction::write) return false;
  }
  return true;
}();
static_assert(kRiscvWrites);

static_assert(system::riscv_direction(0x00000013) == system::Direction::unknown);  // nop
static_assert(system::riscv_direction(0x0FF0000F) == system::Direction::unknown);  // fence
static_assert(system::riscv_direction(0x0001) == system::Direction::unknown);      // c.nop
static_assert(system::riscv_direction(0x0808) == system::Direction::unknown);      // c.addi4spn
static_assert(system::riscv_direction(0x9502) == system::Direction::unknown);      // c.jalr

volatile sig_atomic_t direction_seen = 0;

/// Stores the direction, and lets the access continue.
void on_sigbus(int /*number*/, siginfo_t* info, void* context) {
  direction_seen = static_cast<int>(system::direction_of(info, context));
  auto* const address = static_cast<std::byte*>(info->si_addr);
  (void)mmap(address - reinterpret_cast<std::uintptr_t>(address) % system::page_size(),
             system::page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0);
}

/// The direction of an access to a page that its file does not have.
template <class Access>
system::Direction direction_of_access(Access access) {
  const int seen = in_a_child([&] {
    struct sigaction action {};
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &action, nullptr);
    const ScratchFile file(static_cast<std::int64_t>(system::page_size()));
    void* const page = mmap(nullptr, system::page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
                            file.descriptor(), 0);
    if (page == MAP_FAILED || ftruncate64(file.descriptor(), 0) != 0) return 100;
    direction_seen = 101;
    access(static_cast<volatile std::uint32_t*>(page));
    return static_cast<int>(direction_seen);
  });
  return static_cast<system::Direction>(seen);
}

TEST(FaultDirection, OfAReadIsToldOnThisMachine) {
  EXPECT_EQ(direction_of_access([](volatile std::uint32_t* at) { (void)*at; }),
            system::Direction::read);
}

TEST(FaultDirection, OfAWriteIsToldOnThisMachine) {
  EXPECT_EQ(direction_of_access([](volatile std::uint32_t* at) { *at = 1; }),
            system::Direction::write);
}

TEST(FaultDirection, OfAWriteOfAByteIsToldOnThisMachine) {
  EXPECT_EQ(direction_of_access([](volatile std::uint32_t* at) {
              *reinterpret_cast<volatile std::uint8_t*>(at) = 1;
            }),
            system::Direction::write);
}

TEST(FaultOfUnknownDirection, InAFullDiskIsAnErrorOfItsMappingAndEnds) {
  constexpr int kSkipped = 77;
  const int ended = in_a_child([] {
    alarm(20);  // a write that is taken for a read is repeated for ever
    const SmallDisk disk;
    if (!disk.is_there()) return kSkipped;
    system::pretend_no_direction.store(true, std::memory_order_relaxed);
    const auto page = static_cast<std::int64_t>(system::page_size());
    const std::int64_t pages = 2 * SmallDisk::kSize / page;
    const int file = disk.open_file(pages * page);
    FileWindow window(file, Access::read_write,
                      Budget({.bytes = 4 * pages * page, .granule = page}));
    std::vector<Mapping> held;
    std::int64_t full = 0;
    for (std::int64_t i = 0; i < pages; ++i) {
      Expected<Mapping> mapping = window.map(i * page, 1);
      if (!mapping) return 1;
      mapping->writable()[0] = std::byte{1};
      full += mapping->fault() == std::errc::no_space_on_device ? 1 : 0;
      held.push_back(std::move(*mapping));
    }
    for (const Mapping& mapping : held) {
      if (mapping.bytes()[0] != std::byte{1}) return 2;
    }
    close(file);
    return full == pages / 2 ? 0 : 3;
  });
  if (ended == kSkipped) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(ended, 0);
}

/// From now on the page can be read, and a write is a SIGBUS, as with a hole on a full disk. False:
/// this system has no userfaultfd for it.
bool refuse_writes(std::byte* page) {
  const auto descriptor =
      static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
  uffdio_register where{};
  where.range = {reinterpret_cast<std::uintptr_t>(page), system::page_size()};
  where.mode = UFFDIO_REGISTER_MODE_WP;
  uffdio_writeprotect how{};
  how.range = where.range;
  how.mode = UFFDIO_WRITEPROTECT_MODE_WP;
  return ioctl(descriptor, UFFDIO_API, &api) == 0 &&
         ioctl(descriptor, UFFDIO_REGISTER, &where) == 0 &&
         ioctl(descriptor, UFFDIO_WRITEPROTECT, &how) == 0;
}

TEST(FaultOfUnknownDirection, InAPageThatCanOnlyBeReadEnds) {
  constexpr int kSkipped = 77;
  const int ended = in_a_child([] {
    alarm(20);  // a write that is taken for a read is repeated for ever
    system::pretend_no_direction.store(true, std::memory_order_relaxed);
    const auto page = static_cast<std::int64_t>(system::page_size());
    const ScratchFile file(16 * page);
    FileWindow window(file.descriptor(), Access::read_write,
                      Budget({.bytes = 16 * page, .granule = page, .placement = Placement::slots}));
    const Expected<Mapping> mapping = window.map(8 * page, page);
    if (!mapping || !shows(mapping->bytes(), 8 * page)) return 1;
    if (!refuse_writes(mapping->data())) return kSkipped;
    mapping->writable()[0] = std::byte{1};
    if (mapping->bytes()[0] != std::byte{1}) return 2;
    return mapping->fault() == std::errc::io_error ? 0 : 3;
  });
  if (ended == kSkipped) GTEST_SKIP() << "no userfaultfd here that refuses writes";
  EXPECT_EQ(ended, 0);
}

TEST(FaultOfUnknownDirection, InAFileThatIsCutIsAnErrorOfItsMapping) {
  EXPECT_EQ(in_a_child([] {
              alarm(20);
              system::pretend_no_direction.store(true, std::memory_order_relaxed);
              const auto page = static_cast<std::int64_t>(system::page_size());
              const ScratchFile file(16 * page);
              FileWindow window(file.descriptor(), Access::read_write,
                                Budget({.bytes = 16 * page, .granule = page}));
              const Expected<Mapping> read = window.map(8 * page, 1);
              const Expected<Mapping> written = window.map(9 * page, 1);
              if (!read || !written || ftruncate64(file.descriptor(), 0) != 0) return 1;
              if (read->bytes()[0] != std::byte{0}) return 2;
              written->writable()[0] = std::byte{1};
              if (written->bytes()[0] != std::byte{1}) return 3;
              for (const Mapping* it : {&*read, &*written}) {
                if (it->fault() != WindowErrc::cut_short) return 4;
              }
              return 0;
            }),
            0);
}

// Such an access is wrong whatever the page shows, and would be repeated for ever.
TEST(MisalignedAccess, ToAMappingIsNoneOfTheWindowsFaults) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has a handler of its own";
#endif
  constexpr int kPassedOn = 3;
  const int ended = in_a_child([] {
    const auto page = static_cast<std::int64_t>(system::page_size());
    const ScratchFile file(16 * page);
    FileWindow window(file.descriptor(), Access::read_write,
                      Budget({.bytes = 16 * page, .granule = page}));
    const Expected<Mapping> mapping = window.map(0, 16);
    if (!mapping) return 1;
    siginfo_t info{};
    info.si_signo = SIGBUS;
    info.si_code = BUS_ADRALN;
    info.si_addr = mapping->data() + 1;
    if (syscall(SYS_rt_sigqueueinfo, getpid(), SIGBUS, &info) != 0) return 2;
    struct sigaction now {};
    sigaction(SIGBUS, nullptr, &now);
    return now.sa_handler == SIG_DFL ? kPassedOn : 4;
  });
  // The signal was the system's before, so the system ends the process, at once or when the access
  // is repeated.
  EXPECT_TRUE(ended == -SIGBUS || ended == kPassedOn) << ended;
}

}  // namespace
}  // namespace kmapper::process
