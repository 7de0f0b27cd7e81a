// A claim on k slots, made before the first is used. A caller that must map a page while it holds
// another needs one: its second kmap() could sleep for ever, if all slots are pinned by callers
// that do the same.
#pragma once

#include <cstdint>
#include <utility>

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
      : mapper_(other.mapper_), chain_(std::exchange(other.chain_, {})) {}
  /// Gives back the slots that this reservation had left.
  Reservation& operator=(Reservation&& other) noexcept {
    Reservation taken(std::move(other));
    std::swap(mapper_, taken.mapper_);
    std::swap(chain_, taken.chain_);
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
    Result<void*> result = mapper_->map_reserved(chain_, page);
    mapper_->noted(*result);
    return result;
  }

  /// How many slots are left.
  [[nodiscard]] std::uint32_t left() const { return chain_.count; }

 private:
  friend class Mapper<P>;
  Reservation(Mapper<P>& mapper, typename Mapper<P>::Chain chain)
      : mapper_(&mapper), chain_(chain) {}

  Mapper<P>* mapper_ = nullptr;
  typename Mapper<P>::Chain chain_{};
};

template <class P>
[[gnu::noinline]] Result<Reservation<P>> Mapper<P>::reserve(std::uint32_t slots, Limits<P> limits) {
  Result<Chain> chain = gather(slots, limits, __builtin_return_address(0));
  if (!chain) return chain.error();
  return Reservation<P>(*this, *chain);
}

template <class P>
[[gnu::always_inline]] inline MapError Mapper<P>::kmap_all(std::span<PageAddress<P>> pages,
                                                           Limits<P> limits) {
  return map_rest(pages, 0, limits);
}

template <class P>
void Mapper<P>::kunmap_all(std::span<const PageAddress<P>> pages) {
  for (const PageAddress<P>& it : pages) kunmap(it.page);
}

// Written without a loop, and without taking the array's address on the fast path, so that its
// pages and addresses stay in registers.
template <class P>
template <std::size_t kPages>
[[gnu::always_inline]] inline MapError Mapper<P>::kmap_all(PageAddress<P> (&pages)[kPages],
                                                           Limits<P> limits) {
  const auto hit_each = [&]<std::size_t... i>(std::index_sequence<i...>)
      __attribute__((always_inline)) {
    std::size_t mapped = 0;
    (void)((hit_into(pages[i]) && (++mapped, true)) && ...);
    return mapped;
  };
  const std::size_t mapped = hit_each(std::make_index_sequence<kPages>{});
  if (mapped == kPages) [[likely]]
    return MapError::none;
  PageAddress<P> rest[kPages];
  for (std::size_t i = 0; i < kPages; ++i) rest[i] = pages[i];
  const MapError error = map_rest(rest, mapped, limits);
  for (std::size_t i = 0; i < kPages; ++i) pages[i] = rest[i];
  return error;
}

template <class P>
template <std::size_t kPages>
[[gnu::always_inline]] inline void Mapper<P>::kunmap_all(const PageAddress<P> (&pages)[kPages]) {
  const auto drop_each = [&]<std::size_t... i>(std::index_sequence<i...>)
      __attribute__((always_inline)) {
    (kunmap(pages[i].page), ...);
  };
  drop_each(std::make_index_sequence<kPages>{});
}

}  // namespace kmapper
