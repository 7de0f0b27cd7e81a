// The core, compiled for real threads.
#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/core/impl/vmalloc.hpp"
#include "simulated/computer.hpp"
#include "simulated/finding_threads.hpp"
#include "simulated/host_threads.hpp"
#include "simulated/posting_host_threads.hpp"
#include "simulated/remembering_threads.hpp"

namespace kmapper {

template class Mapper<simulated::Platform<simulated::HostThreads>>;
template class Mapper<simulated::Platform<simulated::PostingHostThreads>>;
template class Mapper<simulated::Platform<simulated::RememberingHostThreads>>;
template class Mapper<simulated::Platform<simulated::FindingHostThreads>>;
template class LocalMapper<simulated::Platform<simulated::HostThreads>>;
template class VmapRange<simulated::Platform<simulated::HostThreads>>;
template class VmallocRange<simulated::Platform<simulated::HostThreads>>;

}  // namespace kmapper
