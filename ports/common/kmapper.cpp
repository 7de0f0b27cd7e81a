// The one source file that contains the core.
#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/core/impl/vmap.hpp"
#include "kmapper/core/local_mapping.hpp"
#include "kmapper/core/mapping.hpp"
#include "kmapper/core/reservation.hpp"
#include "platform.hpp"

template class kmapper::Mapper<port::Platform>;
template class kmapper::LocalMapper<port::Platform>;
template class kmapper::VmapRange<port::Platform>;
// For callers that use them: mappings that unmap themselves.
template class kmapper::Mapping<port::Platform>;
template class kmapper::Reservation<port::Platform>;
template class kmapper::LocalMapping<port::Platform>;
template class kmapper::LocalPair<port::Platform>;

namespace port {

constinit kmapper::Mapper<Platform> highmem{Platform{}};
constinit kmapper::LocalMapper<Platform> local_maps{Platform{}};
constinit kmapper::VmapRange<Platform> vmap_range{Platform{}};

}  // namespace port
