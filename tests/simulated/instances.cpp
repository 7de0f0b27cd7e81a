// The core, compiled once for each way of running threads.
#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/core/impl/vmalloc.hpp"
#include "simulated/computer.hpp"
#include "simulated/finding_threads.hpp"
#include "simulated/host_threads.hpp"
#include "simulated/posting_host_threads.hpp"
#include "simulated/posting_threads.hpp"
#include "simulated/remembering_threads.hpp"
#include "simulated/scheduled_threads.hpp"
#include "simulated/weak_threads.hpp"

namespace kmapper {

template class Mapper<simulated::Platform<simulated::HostThreads>>;
template class Mapper<simulated::Platform<simulated::ScheduledThreads>>;
template class Mapper<simulated::Platform<simulated::WeakThreads>>;
template class Mapper<simulated::Platform<simulated::PostingScheduledThreads>>;
template class Mapper<simulated::Platform<simulated::PostingWeakThreads>>;
template class Mapper<simulated::Platform<simulated::PostingHostThreads>>;
template class Mapper<simulated::Platform<simulated::RememberingHostThreads>>;
template class Mapper<simulated::Platform<simulated::RememberingScheduledThreads>>;
template class Mapper<simulated::Platform<simulated::FindingHostThreads>>;
template class Mapper<simulated::Platform<simulated::FindingScheduledThreads>>;
template class Mapper<simulated::Platform<simulated::FindingWeakThreads>>;
template class LocalMapper<simulated::Platform<simulated::HostThreads>>;
template class LocalMapper<simulated::Platform<simulated::ScheduledThreads>>;
template class VmapRange<simulated::Platform<simulated::HostThreads>>;
template class VmapRange<simulated::Platform<simulated::ScheduledThreads>>;
template class VmallocRange<simulated::Platform<simulated::HostThreads>>;
template class VmallocRange<simulated::Platform<simulated::ScheduledThreads>>;

}  // namespace kmapper
