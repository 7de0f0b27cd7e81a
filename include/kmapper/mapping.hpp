// A mapping that unmaps itself.
#pragma once

#include <utility>

#include "kmapper/mapper.hpp"

namespace kmapper {

/// Holds one kmap() of a page, and gives it back when it dies. Move-only; may be handed to another
/// thread.
template <class P>
class [[nodiscard]] Mapping {
 public:
  using Page = typename P::Page;

  /// Maps the page; may sleep, as kmap() does.
  Mapping(Mapper<P>& mapper, Page page) : Mapping(&mapper, page, mapper.kmap(page)) {}

  /// Maps the page without sleeping; the result is false where try_kmap() would be null.
  static Mapping try_map(Mapper<P>& mapper, Page page) {
    return Mapping(&mapper, page, mapper.try_kmap(page));
  }

  Mapping(Mapping&& other) noexcept
      : mapper_(other.mapper_),
        page_(other.page_),
        address_(std::exchange(other.address_, nullptr)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    Mapping(std::move(other)).swap(*this);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (address_ != nullptr) mapper_->kunmap(page_);
  }

  /// Where the page is. In checked builds reports a mapping that somebody else has unmapped.
  [[nodiscard]] void* address() const {
    if constexpr (P::kChecked) {
      if (address_ != nullptr && !mapper_->is_held(page_, address_))
        mapper_->report_use_after_kunmap(page_, address_, __builtin_return_address(0));
    }
    return address_;
  }
  [[nodiscard]] Page page() const { return page_; }
  explicit operator bool() const { return address_ != nullptr; }

  /// Before the mapping goes to another thread: see Mapper::hand_over().
  void hand_over() const { mapper_->hand_over(page_); }

  void swap(Mapping& other) noexcept {
    std::swap(mapper_, other.mapper_);
    std::swap(page_, other.page_);
    std::swap(address_, other.address_);
  }

 private:
  Mapping(Mapper<P>* mapper, Page page, void* address)
      : mapper_(mapper), page_(page), address_(address) {}

  Mapper<P>* mapper_;
  Page page_;
  void* address_;
};

}  // namespace kmapper
