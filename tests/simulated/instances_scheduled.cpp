// The core, compiled for threads that a scheduler runs one at a time.
#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/core/impl/vmalloc.hpp"
#include "simulated/computer.hpp"
#include "simulated/finding_threads.hpp"
#include "simulated/posting_threads.hpp"
#include "simulated/remembering_threads.hpp"
#include "simulated/scheduled_threads.hpp"

namespace kmapper {

template class Mapper<simulated::Platform<simulated::ScheduledThreads>>;
template class Mapper<simulated::Platform<simulated::PostingScheduledThreads>>;
template class Mapper<simulated::Platform<simulated::RememberingScheduledThreads>>;
template class Mapper<simulated::Platform<simulated::FindingScheduledThreads>>;
template class LocalMapper<simulated::Platform<simulated::ScheduledThreads>>;
template class VmapRange<simulated::Platform<simulated::ScheduledThreads>>;
template class VmallocRange<simulated::Platform<simulated::ScheduledThreads>>;

}  // namespace kmapper
