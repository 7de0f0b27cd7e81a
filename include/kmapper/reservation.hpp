// A claim on k slots, made before the first is used. Needed by whoever must map a page while
// holding another: kmap() of the second could sleep for ever, if all slots are pinned by callers
// that do the same.
#pragma once

#include <cstdint>
#include <utility>

#include "kmapper/mapper.hpp"

namespace kmapper {

/// Slots of its own, clean and in hand. Move-only; one thread at a time. Gives back what it did not
/// use.
template <class P>
class [[nodiscard]] Reservation {
 public:
  using Page = typename P::Page;

  Reservation() = default;
  Reservation(Reservation&& other) noexcept
      : mapper_(other.mapper_), chain_(std::exchange(other.chain_, {})) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(mapper_, other.mapper_);
    std::swap(chain_, other.chain_);
    return *this;
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() {
    if (chain_.count != 0) mapper_->put_chain(chain_);
  }

  /// Maps the page without sleeping; kunmap() it as usual. Uses a slot up unless the page is mapped
  /// already. Errors: spent, too_many_users.
  [[nodiscard]] Result<void*> kmap(Page page) {
    Result<void*> result = mapper_->map_reserved(chain_, page);
    mapper_->noted(*result);
    return result;
  }

  /// Slots not used yet.
  [[nodiscard]] std::uint32_t left() const { return chain_.count; }

 private:
  friend class Mapper<P>;
  Reservation(Mapper<P>& mapper, typename Mapper<P>::Chain chain)
      : mapper_(&mapper), chain_(chain) {}

  Mapper<P>* mapper_ = nullptr;
  typename Mapper<P>::Chain chain_{};
};

template <class P>
Result<Reservation<P>> Mapper<P>::reserve(std::uint32_t slots, Limits<P> limits) {
  Result<Chain> chain = gather(slots, limits);
  if (!chain) return chain.error();
  return Reservation<P>(*this, *chain);
}

template <class P>
[[gnu::always_inline]] inline MapError Mapper<P>::kmap_all(std::span<PageAddress<P>> pages,
                                                           Limits<P> limits) {
  std::size_t mapped = 0;
  for (; mapped < pages.size(); ++mapped) {
    PageAddress<P>& it = pages[mapped];
    it.address = platform_.is_high(it.page) ? hit(it.page) : platform_.direct_address(it.page);
    if (it.address == nullptr) [[unlikely]]
      return map_all_slow(pages, mapped, limits);
    noted(it.address);
  }
  return MapError::none;
}

}  // namespace kmapper
