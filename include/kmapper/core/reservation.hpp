// A claim on k slots, made before the first is used. A caller that must map a page while it holds
// another needs one: its second kmap() could sleep for ever, if all slots are pinned by callers
// that do the same.
#pragma once

#include <stdint.h>

#include "kmapper/core/library.hpp"
#include "kmapper/core/mapper.hpp"

namespace kmapper {

/// Clean slots that belong to one caller. Move-only; used by one thread at a time. The destructor
/// gives back the slots that are left.
template <class P>
class [[nodiscard]] Reservation {
 public:
  using Page = typename P::Page;

  Reservation() = default;
  Reservation(Reservation&& other) noexcept
      : mapper_(other.mapper_), chain_(library::exchange(other.chain_, {})) {}
  /// Gives back the slots that this reservation had left.
  Reservation& operator=(Reservation&& other) noexcept {
    Reservation taken(static_cast<Reservation&&>(other));
    mapper_ = library::exchange(taken.mapper_, mapper_);
    chain_ = library::exchange(taken.chain_, chain_);
    return *this;
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() {
    if (chain_.count != 0) mapper_->put_chain(chain_);
  }

  /// Maps the page without sleeping; kunmap() it as usual. Uses up a slot unless the page is mapped
  /// already. Errors: spent, too_many_users.
  [[nodiscard, gnu::always_inline]] Result<void*> kmap(Page page) {
    if (mapper_ == nullptr) return MapError::spent;
    Result<void*> result = mapper_->map_reserved(chain_, page);
    mapper_->noted(*result);
    return result;
  }

  /// How many slots are left.
  [[nodiscard]] uint32_t left() const { return chain_.count; }

 private:
  friend class Mapper<P>;
  Reservation(Mapper<P>& mapper, typename Mapper<P>::Chain chain)
      : mapper_(&mapper), chain_(chain) {}

  Mapper<P>* mapper_ = nullptr;
  typename Mapper<P>::Chain chain_{};
};

template <class P>
KMAPPER_REPORTS_ITS_CALLER Result<Reservation<P>> Mapper<P>::reserve(uint32_t slots,
                                                                     Limits<P> limits) {
  Result<Chain> chain = gather(slots, limits, __builtin_return_address(0));
  if (!chain) return chain.error();
  return Reservation<P>(*this, *chain);
}

template <class P>
[[gnu::always_inline]] inline MapError Mapper<P>::kmap_all(Span<PageAddress<P>> pages,
                                                           Limits<P> limits) {
  return map_rest(pages, 0, limits);
}

template <class P>
void Mapper<P>::kunmap_all(Span<const PageAddress<P>> pages) {
  for (const PageAddress<P>& it : pages) kunmap(it.page);
}

// Written without a loop, and without taking the array's address on the fast path, so that its
// pages and addresses stay in registers.
template <class P>
template <size_t kPages>
[[gnu::always_inline]] inline MapError Mapper<P>::kmap_all(PageAddress<P> (&pages)[kPages],
                                                           Limits<P> limits) {
  const auto hit_each = [&]<size_t... i>(library::Indices<i...>) __attribute__((always_inline)) {
    size_t mapped = 0;
    (void)((hit_into(pages[i]) && (++mapped, true)) && ...);
    return mapped;
  };
  const size_t mapped = hit_each(typename library::MakeIndices<kPages>::Type{});
  if (mapped == kPages) [[likely]]
    return MapError::none;
  PageAddress<P> rest[kPages];
  for (size_t i = 0; i < kPages; ++i) rest[i] = pages[i];
  const MapError error = map_rest(rest, mapped, limits);
  for (size_t i = 0; i < kPages; ++i) pages[i] = rest[i];
  return error;
}

template <class P>
template <size_t kPages>
[[gnu::always_inline]] inline void Mapper<P>::kunmap_all(const PageAddress<P> (&pages)[kPages]) {
  const auto drop_each = [&]<size_t... i>(library::Indices<i...>) __attribute__((always_inline)) {
    (kunmap(pages[i].page), ...);
  };
  drop_each(typename library::MakeIndices<kPages>::Type{});
}

}  // namespace kmapper
