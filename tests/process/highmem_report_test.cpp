// The call site in the reports of kmapper/linux/highmem.h.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "linux/report.hpp"

namespace kmapper::linux_face {
namespace {

/// Returns its return address.
[[gnu::noinline]] const void* report_who_calls() {
  const void* const caller = __builtin_return_address(0);
  report({.what = "a call", .pfn = 0, .caller = caller, .advice = "look at its place"});
  return caller;
}

// Otherwise addr2line would give the line after the call.
TEST(HighmemReport, APlaceIsWithinTheInstructionOfTheCall) {
  testing::internal::CaptureStderr();
  const void* const caller = report_who_calls();
  const std::string said = testing::internal::GetCapturedStderr();
  const std::size_t called = said.find("called from ");
  ASSERT_NE(called, std::string::npos) << said;
  const std::size_t at = said.find(" 0x", called);
  ASSERT_NE(at, std::string::npos) << said;
  const std::uintptr_t offset = std::strtoull(&said[at], nullptr, 16);

  Dl_info info{};
  ASSERT_NE(dladdr(caller, &info), 0);
  std::uintptr_t end = reinterpret_cast<std::uintptr_t>(caller);
#ifdef __arm__
  end &= ~std::uintptr_t{1};  // the bit marks the caller as Thumb code
#endif
  end -= reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  constexpr std::uintptr_t kShortestCall = 2;
  EXPECT_LT(offset, end);
  EXPECT_GE(offset, end - kShortestCall);
}

}  // namespace
}  // namespace kmapper::linux_face
