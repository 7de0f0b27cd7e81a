// In which process a death test runs.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

namespace kmapper::process {

/// Has death tests start this program anew, so that it does not matter what earlier tests have made
/// of this process. A program that an emulator runs cannot be started so: there CTest, which gives
/// each test a process of its own, asks for a fork.
inline void start_death_tests_anew() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (std::getenv("GTEST_DEATH_TEST_STYLE") == nullptr)
    GTEST_FLAG_SET(death_test_style, "threadsafe");
}

}  // namespace kmapper::process
