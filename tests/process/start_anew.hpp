// The process in which a death test runs.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

namespace kmapper::process {

/// Makes death tests start this program again, so that the state of this process does not matter. A
/// program under an emulator cannot be started this way: there CTest, which gives each test a
/// process of its own, asks for a fork.
inline void start_death_tests_anew() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (std::getenv("GTEST_DEATH_TEST_STYLE") == nullptr)
    GTEST_FLAG_SET(death_test_style, "threadsafe");
}

}  // namespace kmapper::process
