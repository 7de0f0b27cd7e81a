// Memory and address space straight from the kernel.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

namespace kmapper::process {

/// A range of addresses that is this object's own.
class AddressRange {
 public:
  AddressRange() = default;
  AddressRange(std::byte* begin, std::size_t size) : begin_(begin), size_(size) {}
  AddressRange(AddressRange&& other) noexcept
      : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AddressRange& operator=(AddressRange&& other) noexcept {
    AddressRange old(std::move(other));
    std::swap(begin_, old.begin_);
    std::swap(size_, old.size_);
    return *this;
  }
  AddressRange(const AddressRange&) = delete;
  AddressRange& operator=(const AddressRange&) = delete;
  ~AddressRange() {
    if (begin_ != nullptr) munmap(begin_, size_);
  }

  [[nodiscard]] std::byte* begin() const { return begin_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool contains(const void* address) const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(address) - begin_) < size_;
  }

 private:
  std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

/// Zeros that take up no memory until they are written. Throws std::bad_alloc.
[[nodiscard]] inline AddressRange allocate_zeros(std::size_t size) {
  void* const begin = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED) throw std::bad_alloc();
  return {static_cast<std::byte*>(begin), size};
}

/// An array of T, all zeros, which must be what a new T is. Takes up memory where it is used.
template <class T>
class ZeroArray {
 public:
  explicit ZeroArray(std::size_t count) : memory_(allocate_zeros(count * sizeof(T))) {}
  [[nodiscard]] T& operator[](std::size_t i) const { return data()[i]; }
  [[nodiscard]] T* data() const { return reinterpret_cast<T*>(memory_.begin()); }
  [[nodiscard]] std::size_t bytes() const { return memory_.size(); }

 private:
  AddressRange memory_;
};

}  // namespace kmapper::process
