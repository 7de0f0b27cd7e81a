// The core, compiled for threads with a weak memory.
#include "kmapper/core/impl/mapper.hpp"
#include "simulated/computer.hpp"
#include "simulated/finding_threads.hpp"
#include "simulated/posting_threads.hpp"
#include "simulated/weak_threads.hpp"

namespace kmapper {

template class Mapper<simulated::Platform<simulated::WeakThreads>>;
template class Mapper<simulated::Platform<simulated::PostingWeakThreads>>;
template class Mapper<simulated::Platform<simulated::FindingWeakThreads>>;

}  // namespace kmapper
