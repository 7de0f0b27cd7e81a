// A table of a window: an array with an entry for each slot, say. It is a part of the mapper, as
// large as P::kMaxSlots needs it; or, where P::kTablesOutside says so, it lies behind the mapper,
// as large as the window that is opened.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/library.hpp"

namespace kmapper {

/// Whether a window's tables lie in memory that Mapper::in_zeros() was given, and its slots come
/// into use little by little: for windows of up to 2^32 - 2 slots. True only for a platform that
/// has a true constant kTablesOutside.
template <class P>
inline constexpr bool kTablesOutside = [] {
  if constexpr (requires { P::kTablesOutside; }) return bool{P::kTablesOutside};
  return false;
}();

template <class P, class T, size_t kMost>
using Table =
    typename library::Choose<kTablesOutside<P>, T*, T[kTablesOutside<P> ? 1 : kMost]>::Type;

struct NothingBeside {};
template <class P>
struct ChooseBeside {
  using Type = NothingBeside;
};
template <class P>
requires requires { typename P::Beside; }
struct ChooseBeside<P> {
  static_assert(kTablesOutside<P>);
  using Type = typename P::Beside;
};
/// What a platform keeps of each slot on the slot's own cache line, where kTablesOutside:
/// P::Beside, if it has that type. Zeros must be a valid new one. Mapper::beside() finds it.
template <class P>
using BesideOf = typename ChooseBeside<P>::Type;

namespace library {

/// The bytes that `count` entries of a table take, up to where the next table begins.
template <class T>
[[nodiscard]] constexpr size_t table_bytes(size_t count) {
  constexpr size_t kLine = 64;
  return (count * sizeof(T) + kLine - 1) / kLine * kLine;
}

/// Places a table at `memory`, which goes on to where the next table begins.
template <class T>
[[nodiscard]] T* place_table(char*& memory, size_t count) {
  T* const table = reinterpret_cast<T*>(memory);
  memory += table_bytes<T>(count);
  return table;
}

}  // namespace library
}  // namespace kmapper
