// Local mappings that unmap themselves at the end of their block. Blocks nest, so the order is
// always right. The mapping to unmap is the one on top; only a checked build verifies that.
#pragma once

#include <stddef.h>

#include "kmapper/core/local_map.hpp"

namespace kmapper {

/// One page, mapped by kmap_local().
template <class P>
class [[nodiscard]] LocalMapping {
 public:
  LocalMapping(LocalMapper<P>& mapper, typename P::Page page)
      : mapper_(mapper), address_(static_cast<unsigned char*>(mapper.kmap_local(page))) {}
  LocalMapping(const LocalMapping&) = delete;
  LocalMapping& operator=(const LocalMapping&) = delete;
  ~LocalMapping() {
    if (!mapper_.platform_.is_local(address_)) return;
    if constexpr (P::kChecked) {
      mapper_.kunmap_local(address_);
    } else {
      mapper_.template unmap_last<1>();
    }
  }

  /// The page's first byte. Null only after a report.
  [[nodiscard]] unsigned char* address() const { return address_; }

 private:
  LocalMapper<P>& mapper_;
  unsigned char* const address_;
};

/// Two pages that are known to be high, for a copy. Does in one step what two LocalMappings do.
template <class P>
class [[nodiscard]] LocalPair {
 public:
  LocalPair(LocalMapper<P>& mapper, typename P::Page first, typename P::Page second)
      : mapper_(mapper), addresses_(mapper.map_two(first, second)) {}
  LocalPair(const LocalPair&) = delete;
  LocalPair& operator=(const LocalPair&) = delete;
  ~LocalPair() {
    if (addresses_.second == nullptr) return;
    if constexpr (P::kChecked) {
      mapper_.kunmap_local(addresses_.second);
      mapper_.kunmap_local(addresses_.first);
    } else {
      mapper_.template unmap_last<2>();
    }
  }

  /// The pages' first bytes. Null only after a report.
  [[nodiscard]] unsigned char* first() const {
    return static_cast<unsigned char*>(addresses_.first);
  }
  [[nodiscard]] unsigned char* second() const {
    return static_cast<unsigned char*>(addresses_.second);
  }

 private:
  LocalMapper<P>& mapper_;
  const typename LocalMapper<P>::Addresses addresses_;
};

}  // namespace kmapper
