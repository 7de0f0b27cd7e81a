// Threads of a machine whose window remembers the pages that lost their slots
// (kmapper/core/remember.hpp).
#pragma once

#include "simulated/host_threads.hpp"
#include "simulated/scheduled_threads.hpp"

namespace kmapper::simulated {

template <class Base>
class RememberingThreads : public Base {
 public:
  static constexpr bool kRemembers = true;
  using Base::Base;
};

using RememberingHostThreads = RememberingThreads<HostThreads>;
using RememberingScheduledThreads = RememberingThreads<ScheduledThreads>;

}  // namespace kmapper::simulated
