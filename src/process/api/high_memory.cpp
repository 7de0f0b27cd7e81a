#include "kmapper/process/high_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>
#include <system_error>

#include "process/api/available_memory.hpp"
#include "process/api/internals.hpp"
#include "process/file/file.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {
namespace {

constexpr std::size_t kBits = 64;

/// What is left to other processes, and what may be taken until the next check.
constexpr std::int64_t kLeftToOthers = std::int64_t{16} << 20;
constexpr std::int64_t kAtOnce = std::int64_t{16} << 20;

system::Descriptor new_memory_file() {
  const int number = memfd_create("kmapper high memory", MFD_CLOEXEC);
  if (number < 0) throw std::system_error(errno, std::system_category(), "high memory");
  return system::Descriptor(number);
}

}  // namespace

HighMemory::HighMemory(const Budget& budget, Commit commit)
    : page_size_(budget.granule()),
      commit_(commit),
      window_(Internals::window_of(
          std::make_unique<File>(new_memory_file(), "high memory", Access::read_write,
                                 Internals::arena_of(budget), File::Kind::high_memory))) {}

Expected<HighPage> HighMemory::allocate() noexcept {
  const File& file = *Internals::file_of(window_);
  if (file.is_left()) return file.error(WindowErrc::forked);
  const std::lock_guard lock(mutex_);
  while (hint_ < free_.size() && free_[hint_] == 0) ++hint_;
  if (hint_ == free_.size()) {
    if (Error error = grow_by_half()) return error;
  }
  const HighPage page{hint_ * kBits + static_cast<std::size_t>(std::countr_zero(free_[hint_]))};
  if (commit_ == Commit::when_allocated) {
    if (Error error = take_memory(page)) return error;
  }
  free_[hint_] &= free_[hint_] - 1;
  ++allocated_;
  return page;
}

Error HighMemory::take_memory(HighPage page) noexcept {
  File& file = *Internals::file_of(window_);
  const auto no_memory = [&] {
    return file.page_error({ENOMEM, std::system_category()}, static_cast<std::uint64_t>(page),
                           "neither the machine nor its control group has much left");
  };
  if (seen_ < page_size_) {
    try {
      seen_ = std::min(available_memory() - kLeftToOthers, kAtOnce);
    } catch (const std::bad_alloc&) {
      return no_memory();
    }
    if (seen_ < page_size_) return no_memory();
  }
  const int number = file.take_blocks(offset_of(page), page_size_);
  if (number != 0) {
    return file.page_error({number, std::system_category()}, static_cast<std::uint64_t>(page),
                           nullptr);
  }
  seen_ -= page_size_;
  return {};
}

Error HighMemory::adopt(const std::vector<std::uint64_t>& pages) noexcept {
  const std::lock_guard lock(mutex_);
  const std::uint64_t last = pages.empty() ? 0 : pages.back();
  const auto words = static_cast<std::size_t>(last / kBits + 1);
  try {
    free_.assign(words, ~std::uint64_t{0});
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  // What is cut off, or punched out, is zeros from then on.
  const std::int64_t end = static_cast<std::int64_t>(last + 1) * page_size_;
  if (end < window_.size()) {
    if (Error error = window_.resize(end)) return error;
  }
  if (Error error = window_.resize(static_cast<std::int64_t>(words * kBits) * page_size_))
    return error;
  std::uint64_t free = 0;  // the first page that may be
  for (const std::uint64_t it : pages) {
    if (it > free) {
      const std::int64_t begin = static_cast<std::int64_t>(free) * page_size_;
      const std::int64_t length = static_cast<std::int64_t>(it - free) * page_size_;
      if (Error error = window_.discard(begin, length)) return error;
    }
    free = it + 1;
    free_[static_cast<std::size_t>(it / kBits)] &= ~(std::uint64_t{1} << (it % kBits));
  }
  allocated_ = static_cast<std::int64_t>(pages.size());
  return {};
}

Expected<HighPage> HighMemory::allocate_run(std::uint64_t pages) noexcept {
  const std::lock_guard lock(mutex_);
  std::uint64_t run = 0;
  for (std::uint64_t page = 0;; ++page) {
    while (page / kBits >= free_.size()) {
      if (Error error = grow_by_half()) return error;
    }
    run = is_allocated(HighPage{page}) ? 0 : run + 1;
    if (run != pages) continue;
    for (std::uint64_t it = page + 1 - pages; it <= page; ++it)
      free_[static_cast<std::size_t>(it / kBits)] &= ~(std::uint64_t{1} << (it % kBits));
    allocated_ += static_cast<std::int64_t>(pages);
    return HighPage{page + 1 - pages};
  }
}

bool HighMemory::has(HighPage page) const noexcept {
  const std::lock_guard lock(mutex_);
  return is_allocated(page);
}

/// Makes the file longer by half. The file takes up no memory where it is not written.
Error HighMemory::grow_by_half() noexcept {
  const std::size_t words = free_.size() + free_.size() / 2 + 1;
  const auto pages = static_cast<std::int64_t>(words * kBits);
  const File& file = *Internals::file_of(window_);
  if (pages > INT64_MAX / page_size_)
    return file.size_error({EFBIG, std::system_category()}, INT64_MAX);
  try {
    free_.reserve(words);
  } catch (const std::bad_alloc&) {
    return file.size_error({ENOMEM, std::system_category()}, pages * page_size_);
  }
  if (Error error = window_.resize(pages * page_size_)) return error;
  free_.resize(words, ~std::uint64_t{0});
  return {};
}

Error HighMemory::free(HighPage page) noexcept {
  const File& file = *Internals::file_of(window_);
  const auto number = static_cast<std::uint64_t>(page);
  if (file.is_left()) return file.page_error(WindowErrc::forked, number, nullptr);
  const std::lock_guard lock(mutex_);
  if (!is_allocated(page))
    return file.page_error(WindowErrc::invalid_range, number, "not allocated");
  if (Error error = window_.discard(offset_of(page), page_size_)) return error;
  const auto word = static_cast<std::size_t>(number / kBits);
  free_[word] |= std::uint64_t{1} << (number % kBits);
  if (word < hint_) hint_ = word;
  --allocated_;
  return {};
}

bool HighMemory::is_allocated(HighPage page) const noexcept {
  const auto number = static_cast<std::uint64_t>(page);
  if (number / kBits >= free_.size()) return false;
  const std::uint64_t word = free_[static_cast<std::size_t>(number / kBits)];
  return (word >> (number % kBits)) % 2 == 0;
}

Expected<Mapping> HighMemory::map(HighPage page) noexcept {
  const std::int64_t offset = offset_of(page);
  if (offset < 0) [[unlikely]]
    return beyond(page);
  return window_.map(offset, page_size_);
}

Expected<Mapping> HighMemory::map(HighPage page, const Patience& patience) noexcept {
  const std::int64_t offset = offset_of(page);
  if (offset < 0) return beyond(page);
  return window_.map(offset, page_size_, patience);
}

Expected<Mapping> HighMemory::try_map(HighPage page) noexcept {
  const std::int64_t offset = offset_of(page);
  if (offset < 0) return beyond(page);
  return window_.try_map(offset, page_size_);
}

Error HighMemory::beyond(HighPage page) const noexcept {
  return Internals::file_of(window_)->page_error(WindowErrc::beyond_end,
                                                 static_cast<std::uint64_t>(page), nullptr);
}

std::int64_t HighMemory::allocated() const noexcept {
  if (Internals::file_of(window_)->is_left()) return 0;  // the mutex may stay locked for ever
  const std::lock_guard lock(mutex_);
  return allocated_;
}

}  // namespace kmapper::process
