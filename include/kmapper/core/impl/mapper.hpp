// All of Mapper that is not inline. Include it in one source file of a platform and instantiate it
// there: `template class kmapper::Mapper<MyPlatform>;`.
#pragma once

#include "kmapper/core/impl/evict.hpp"
#include "kmapper/core/impl/map_slow.hpp"
#include "kmapper/core/impl/misuse.hpp"
#include "kmapper/core/impl/observe.hpp"
#include "kmapper/core/impl/post.hpp"
#include "kmapper/core/impl/remember.hpp"
#include "kmapper/core/impl/reserve.hpp"
#include "kmapper/core/impl/scavenge.hpp"
#include "kmapper/core/impl/sleep.hpp"
#include "kmapper/core/mapper.hpp"
