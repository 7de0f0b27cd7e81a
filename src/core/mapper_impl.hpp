// All of Mapper that is not inline. Include it in one source file of a platform and instantiate
// there: `template class kmapper::Mapper<MyPlatform>;`.
#pragma once

#include "core/evict.hpp"
#include "core/map_slow.hpp"
#include "core/misuse.hpp"
#include "core/observe.hpp"
#include "core/reserve.hpp"
#include "core/scavenge.hpp"
#include "core/sleep.hpp"
#include "kmapper/mapper.hpp"
