// The reports of kmapper/linux/highmem.h about mistakes: each mistake ends a process of its own,
// with a line that names it, the page and the call.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "highmem_driver.h"
#include "kmapper/linux/highmem.h"
#include "start_anew.hpp"

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // then the sanitizer's handler is next, and exits
#else
constexpr bool kSanitized = false;
#endif

bool by_fault(int status) {
  return kSanitized ? WIFSIGNALED(status) || WEXITSTATUS(status) != 0
                    : WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

bool by_abort(int status) {
  return kSanitized ? WIFSIGNALED(status) || WEXITSTATUS(status) != 0
                    : WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#ifdef __SANITIZE_ADDRESS__
constexpr const char* kOverwritten = "use-after-poison";  // found at once
#else
constexpr const char* kOverwritten =
    "a struct page was overwritten: page 0x1400.*; called from .*; allocated by ";
#endif

struct Mistake {
  const char* name;
  int (*make)();
  bool (*ends)(int status);
  const char* line;  // a regular expression
};

class HighmemMisuse : public testing::TestWithParam<Mistake> {
 protected:
  void SetUp() override { kmapper::process::start_death_tests_anew(); }
};

TEST_P(HighmemMisuse, IsNamed) {
  EXPECT_EXIT(std::exit(GetParam().make()), GetParam().ends,
              std::string("(kmapper|AddressSanitizer): ") + GetParam().line);
}

constexpr Mistake kMistakes[] = {
    {"UseAfterKunmap", use_after_kunmap, by_fault,
     "use after kunmap: read of page 0x1400 at .*, offset 0x7,.* at .*; last kmapped by .*; last "
     "kunmapped by "},
    {"WriteAfterKunmapLocal", write_after_kunmap_local, by_fault,
     "use after kunmap_local: write to page 0x1400 at .*; last unmapped locally by "},
    {"StaleAddress", use_of_a_stale_address_while_another_page_is_mapped, by_fault,
     "use after kunmap: read of page 0x1400 "},
    {"MissingKmapOfPageAddress", missing_kmap_of_page_address, by_fault,
     "missing kmap: read of 0x7,.* page_address.. had no address for page 0x1400; called from "},
    {"MissingKmapOfAComputedAddress", missing_kmap_of_a_computed_address, by_fault,
     "missing kmap: read of page 0x1400 "},
    {"StructPageUsedAsMemory", struct_page_used_as_memory, by_abort, kOverwritten},
    {"AccessBeyondThePage", access_beyond_the_page, by_fault,
     "access beyond the end of the page: read of page 0x1400 at .*, offset 0x1000"},
    {"AccessBeforeThePage", access_before_the_page, by_fault,
     "access before the beginning of the page: read of page 0x1401 at .*, offset -0x1"},
    {"AccessBetweenMappedPages", access_before_the_page_while_its_neighbour_is_mapped, by_fault,
     "access before the beginning of the page: read of page 0x1401 at .*, offset -0x1"},
    {"UseAfterFree", use_after_free, by_fault,
     "use after the page was freed: read of page 0x1400 .*; freed by "},
    {"KunmapTwice", kunmap_twice, by_abort,
     "kunmap of a page that is no longer kmapped: page 0x1400, high.*; called from .*; last "
     "kmapped by .*; last kunmapped by .*; look for a second kunmap"},
    {"KunmapOfWhatWasNeverKmapped", kunmap_of_what_was_never_kmapped, by_abort,
     "kunmap of a page that was never kmapped: page 0x1400, high"},
    {"KunmapOfTheWrongPage", kunmap_of_the_wrong_page, by_abort,
     "kunmap of a page that was never kmapped: page 0x1401, high"},
    {"KunmapOfAnAddress", kunmap_of_an_address, by_abort,
     "kunmap of something that is not an allocated page: page 0x1400.*an address in the page: pass "
     "its struct page"},
    {"KunmapOfALowPageTwice", kunmap_of_a_low_page_twice, by_abort,
     "kunmap of a page that is no longer kmapped: page 0x400, low"},
    {"KunmapLocalOutOfOrder", kunmap_local_out_of_order, by_abort,
     "kunmap_local out of order: page 0x1400, high.*; called from .*; the other call .*"},
    {"KunmapLocalTwice", kunmap_local_twice, by_abort,
     "kunmap_local of an address that this thread does not hold: page 0x1400"},
    {"KunmapLocalOfAStructPage", kunmap_local_of_a_struct_page, by_abort,
     "kunmap_local of an address that this thread does not hold.*a struct page: pass the address"},
    {"KunmapLocalOfAKmap", kunmap_local_of_a_kmap, by_abort,
     "kunmap_local of an address that this thread does not hold: page 0x1400.*kunmap what kmap "
     "returned"},
    {"KunmapLocalOfAKmapAtomic", kunmap_local_of_a_kmap_atomic, by_abort,
     "kunmap_local of a kmap_atomic: page 0x1400"},
    {"KmapLocalTooDeep", kmap_local_too_deep, by_abort,
     "more local mappings than a thread may have: page 0x1410"},
    {"KmapInAnAtomicSection", kmap_in_an_atomic_section, by_abort,
     "kmap, which may sleep, in a section that must not sleep: page 0x1400.*; the other call "},
    {"AllocationInAnAtomicSection", allocation_in_an_atomic_section, by_abort,
     "an allocation that may sleep in a section that must not sleep"},
    {"FreeWhileKmapped", free_while_kmapped, by_abort,
     "a page freed while it is mapped: page 0x1400.*; last kmapped by "},
    {"FreeTwice", free_twice, by_abort,
     "a free of a page that is not allocated: page 0x1400.*; freed by "},
    {"FreeWithAnotherOrder", free_with_another_order, by_abort,
     "a free that does not match its allocation: page 0x1400"},
    {"CopyBeyondThePage", copy_beyond_the_page, by_abort,
     "an operation beyond the end of its page: page 0x1400"},
    {"VirtToPageOfAKmap", virt_to_page_of_a_kmap, by_abort,
     "virt_to_page of an address outside low memory: page 0x1400"},
    {"UseOfWhatAnotherThreadUnmapped", use_of_what_another_thread_unmapped, by_fault,
     "use of another thread's local mapping: read of page 0x1400 "},
    {"ThreadThatEndsWithALocalMapping", thread_that_ends_with_a_local_mapping, by_abort,
     "a thread ends with a local mapping: page 0x1400.*; called from "},
};

INSTANTIATE_TEST_SUITE_P(, HighmemMisuse, testing::ValuesIn(kMistakes),
                         [](const auto& info) { return std::string(info.param.name); });

class HighmemNotice : public HighmemMisuse {};

TEST_F(HighmemNotice, GetFreePagesOfHighMemoryGivesNothing) {
  volatile gfp_t flags = GFP_HIGHUSER;  // not constant: the compiler refuses constant flags
  EXPECT_EXIT(std::exit(__get_free_pages(flags, 0) == 0 ? 0 : 1), testing::ExitedWithCode(0),
              "kmapper: __get_free_pages with __GFP_HIGHMEM gives nothing.*; called from ");
}

TEST_F(HighmemNotice, ASleepWhileHoldingAMappingIsTold) {
  const auto sleep = [] {
    setenv("KMAPPER_SLOTS", "2", 1);
    std::exit(kmap_that_sleeps_while_holding_another());
  };
  EXPECT_EXIT(sleep(), testing::ExitedWithCode(0),
              "kmapper: kmap sleeps because all slots are taken, while its caller holds one: "
              "page 0x1401");
}

bool has_protection_keys() {
#ifdef __x86_64__  // the library uses none in 32-bit programs
  return syscall(SYS_pkey_alloc, 0UL, 0UL) > 0;
#else
  return false;
#endif
}

TEST_F(HighmemNotice, UseOfWhatAnotherThreadMapsIsNamedWithProtectionKeys) {
  if (!has_protection_keys()) GTEST_SKIP() << "this CPU has no protection keys";
  EXPECT_EXIT(std::exit(use_of_what_another_thread_maps()), by_fault,
              "kmapper: use of another thread's local mapping: read of page 0x140[01] ");
}

TEST_F(HighmemNotice, AWrongSettingIsRefused) {
  const auto ask = [] {
    setenv("KMAPPER_HIGH_PAGES", "many", 1);
    (void)alloc_page(GFP_HIGHUSER);
  };
  EXPECT_EXIT(ask(), testing::ExitedWithCode(2),
              "kmapper: KMAPPER_HIGH_PAGES=many is not a number from 1 to ");
}

TEST_F(HighmemNotice, SettingsMakeTheMachine) {
  const auto ask = [] {
    setenv("KMAPPER_HIGH_PAGES", "3", 1);
    setenv("KMAPPER_LOW_PAGES", "1", 1);
    for (int i = 0; i < 4; ++i) {
      if (alloc_page(GFP_HIGHUSER) == nullptr) std::exit(1);
    }
    std::exit(alloc_page(GFP_HIGHUSER) == nullptr ? 0 : 2);
  };
  EXPECT_EXIT(ask(), testing::ExitedWithCode(0), "");
}

// The program's own handler is called next.
TEST_F(HighmemNotice, AFaultGoesToTheHandlerThatWasThere) {
  const auto fault = [] {
    signal(SIGSEGV, [](int) { _exit(77); });
    use_after_kunmap();
  };
  EXPECT_EXIT(fault(), testing::ExitedWithCode(77), "kmapper: use after kunmap: ");
}

}  // namespace
