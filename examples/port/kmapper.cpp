// The one source that has the core in it.
#include "core/local_map.hpp"
#include "core/mapper_impl.hpp"
#include "core/vmap.hpp"
#include "kmapper/local_mapping.hpp"
#include "kmapper/mapping.hpp"
#include "kmapper/reservation.hpp"
#include "platform.hpp"

template class kmapper::Mapper<port::Platform>;
template class kmapper::LocalMapper<port::Platform>;
template class kmapper::VmapRange<port::Platform>;
// For those who use them: what unmaps by itself.
template class kmapper::Mapping<port::Platform>;
template class kmapper::Reservation<port::Platform>;
template class kmapper::LocalMapping<port::Platform>;
template class kmapper::LocalPair<port::Platform>;

namespace port {

constinit kmapper::Mapper<Platform> highmem{Platform{}};
constinit kmapper::LocalMapper<Platform> local_maps{Platform{}};
constinit kmapper::VmapRange<Platform> vmap_range{Platform{}};

}  // namespace port
