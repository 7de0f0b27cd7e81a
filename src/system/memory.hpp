// Memory and address space straight from the kernel.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <system_error>
#include <utility>

#include "system/page_size.hpp"
#include "system/system_call.hpp"

namespace kmapper::system {

/// A range of addresses that this object owns.
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

/// Whether some of a range of pages is locked in memory, for example by mlockall(), which can also
/// lock what is mapped later.
[[nodiscard]] inline bool is_locked(std::byte* begin, std::size_t size) {
  return msync(begin, size, MS_INVALIDATE) != 0 && errno == EBUSY;
}

/// mmap() with MAP_FIXED over memory that the caller owns. If the process locks its memory and has
/// reached its limit (RLIMIT_MEMLOCK), the kernel counts both the old mapping and the new one. Then
/// the old one is unlocked first. Returns an errno, or 0.
[[nodiscard]] inline int map_over(std::byte* address, std::size_t size, int protection, int flags,
                                  int descriptor, std::int64_t offset) {
  const auto map = [&] {
    return uninterrupted([&] {
             return mmap64(address, size, protection, flags | MAP_FIXED, descriptor, offset);
           }) != MAP_FAILED;
  };
  if (map()) return 0;
  if (errno != EAGAIN) return errno;
  return munlock(address, size) == 0 && map() ? 0 : errno;
}

/// Of addresses that are inaccessible until something is mapped there.
constexpr int kReserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/// Reserves addresses, inaccessible ones unless the caller asks for others; MAP_FAILED, and errno:
/// there are none.
[[nodiscard]] inline void* reserve(std::size_t size, int protection = PROT_NONE) {
  return mmap(nullptr, size, protection, kReserved, -1, 0);
}

/// The same, where the first address is `remainder` modulo `alignment`, a power of two. Empty, and
/// errno: there are none.
[[nodiscard]] inline AddressRange reserve_at(std::size_t size, std::size_t alignment,
                                             std::size_t remainder, int protection = PROT_NONE) {
  const std::size_t slack = alignment;
  void* const begin = reserve(size + slack, protection);
  if (begin == MAP_FAILED) return {};
  const auto at = reinterpret_cast<std::uintptr_t>(begin);
  const std::size_t before = (remainder - at) & (alignment - 1);
  auto* const first = static_cast<std::byte*>(begin) + before;
  if (before != 0) munmap(begin, before);
  if (before != slack) munmap(first + size, slack - before);
  return {first, size};
}

/// Whole pages of zeros that occupy no memory until they are written. Throws std::bad_alloc, or
/// std::system_error if something else runs out (EAGAIN: the process may not lock that much).
[[nodiscard]] inline AddressRange allocate_zeros(std::size_t size) {
  size = (size + page_size() - 1) & ~(page_size() - 1);
  void* const begin = reserve(size, PROT_READ | PROT_WRITE);
  if (begin == MAP_FAILED && errno == ENOMEM) throw std::bad_alloc();
  if (begin == MAP_FAILED)
    throw std::system_error(errno, std::system_category(), "memory for the window");
  return {static_cast<std::byte*>(begin), size};
}

/// Lets a large table that fills from its begin on lie in the kernel's large pages (2 MiB on most
/// machines). The first 2 MiB keep small pages, so that a table of which little is used occupies
/// little memory.
inline void use_large_pages(std::byte* begin, std::size_t size) {
  constexpr std::size_t kLargePage = std::size_t{2} << 20;
  constexpr std::size_t kLarge = std::size_t{16} << 20;
  if (size < kLarge) return;
  const std::size_t into_page = reinterpret_cast<std::uintptr_t>(begin) % page_size();
  const std::size_t before = kLargePage - into_page;
  madvise(begin + before, size - before, MADV_HUGEPAGE);
}

/// An array of T, all zeros; zeros must be a valid new T. Occupies memory only where it is used.
template <class T>
class ZeroArray {
 public:
  explicit ZeroArray(std::size_t count) : memory_(allocate_zeros(count * sizeof(T))) {}
  [[nodiscard]] T& operator[](std::size_t i) const { return data()[i]; }
  [[nodiscard]] T* data() const { return reinterpret_cast<T*>(memory_.begin()); }
  /// How much memory it may come to occupy, in bytes.
  [[nodiscard]] std::size_t bytes() const { return memory_.size(); }

 private:
  AddressRange memory_;
};

}  // namespace kmapper::system
