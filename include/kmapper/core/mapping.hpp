// A mapping that unmaps itself.
#pragma once

#include <stdint.h>

#include "kmapper/core/library.hpp"
#include "kmapper/core/mapper.hpp"

namespace kmapper {

/// Holds one kmap() of a page, and gives it back in its destructor. Move-only; may be passed to
/// another thread. In checked builds it carries the generation of its mapping. So it notices when
/// other code has already given that mapping back, even if the slot maps another page by now.
template <class P>
class [[nodiscard]] Mapping {
 public:
  using Page = typename P::Page;

  // Always inline where the mapper may report something, so that the call site is the user's.

  /// Maps the page; may sleep, as kmap() does.
  [[gnu::always_inline]] Mapping(Mapper<P>& mapper, Page page)
      : Mapping(&mapper, page, mapper.kmap(page)) {}

  /// Maps the page without sleeping. The result is false where try_kmap() returns null.
  [[gnu::always_inline]] static Mapping try_map(Mapper<P>& mapper, Page page) {
    return Mapping(&mapper, page, mapper.try_kmap(page));
  }

  Mapping(Mapping&& other) noexcept
      : mapper_(other.mapper_),
        page_(other.page_),
        address_(library::exchange(other.address_, nullptr)),
        generation_(other.generation_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    Mapping taken(static_cast<Mapping&&>(other));
    mapper_ = library::exchange(taken.mapper_, mapper_);
    page_ = library::exchange(taken.page_, page_);
    address_ = library::exchange(taken.address_, address_);
    generation_ = library::exchange(taken.generation_, generation_);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  [[gnu::always_inline]] ~Mapping() {
    if (address_ != nullptr && is_held()) mapper_->kunmap(page_);
  }

  /// The page's address. In checked builds, reports a mapping that other code has unmapped.
  [[nodiscard, gnu::always_inline]] void* address() const {
    if (address_ != nullptr) is_held();
    return address_;
  }
  [[nodiscard]] Page page() const { return page_; }
  explicit operator bool() const { return address_ != nullptr; }

  /// Call it before the mapping goes to another thread: see Mapper::hand_over().
  void hand_over() const { mapper_->hand_over(page_); }

 private:
  struct Unknown {};
  using Generation = typename library::Choose<P::kChecked, uint32_t, Unknown>::Type;

  Mapping(Mapper<P>* mapper, Page page, void* address)
      : mapper_(mapper), page_(page), address_(address) {
    if constexpr (P::kChecked) {
      if (address != nullptr) generation_ = mapper->generation_of(address);
    }
  }

  /// Always true in a release build. A checked build reports a mapping that is no longer held.
  [[gnu::always_inline]] bool is_held() const {
    if constexpr (P::kChecked) return mapper_->check_held(page_, address_, generation_);
    return true;
  }

  Mapper<P>* mapper_;
  Page page_;
  void* address_;
  [[no_unique_address]] Generation generation_{};
};

}  // namespace kmapper
