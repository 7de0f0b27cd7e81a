// Typical uses of the library: each scenario is a short program.
#pragma once

#include <span>

#include "steps.hpp"

namespace kmapper::injection {

struct Scenario {
  const char* name;
  void (*run)(Steps& step);
};

[[nodiscard]] std::span<const Scenario> scenarios();

}  // namespace kmapper::injection
