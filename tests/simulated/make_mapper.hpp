// Makes a mapper on the heap, with its tables where they lie outside of it.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "kmapper/core/mapper.hpp"

namespace kmapper::simulated {

struct FreeMapper {
  template <class P>
  void operator()(Mapper<P>* mapper) const {
    if constexpr (kTablesOutside<P>) {
      mapper->~Mapper();
      ::operator delete (mapper, std::align_val_t{alignof(Mapper<P>)});
    } else {
      delete mapper;
    }
  }
};

template <class P>
using MapperPointer = std::unique_ptr<Mapper<P>, FreeMapper>;

/// For a window of so many slots. The caller opens it.
template <class P>
[[nodiscard]] MapperPointer<P> make_mapper(P platform, std::uint32_t slots) {
  if constexpr (kTablesOutside<P>) {
    const std::size_t bytes = Mapper<P>::bytes_for(slots);
    void* const memory = ::operator new (bytes, std::align_val_t{alignof(Mapper<P>)});
    std::memset(memory, 0, bytes);
    return MapperPointer<P>(&Mapper<P>::in_zeros(memory, platform, slots));
  } else {
    return MapperPointer<P>(new Mapper<P>(platform));
  }
}

}  // namespace kmapper::simulated
