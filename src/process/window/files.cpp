#include "process/window/files.hpp"

#include <cerrno>
#include <string>
#include <system_error>

namespace kmapper::process {

Files::~Files() = default;

std::uint32_t Files::add(File& file) {
  const std::lock_guard lock(mutex_);
  std::uint32_t number = end_.load(std::memory_order_relaxed);
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else if (number > kMostFiles) {
    throw std::system_error(EMFILE, std::system_category(),
                            std::to_string(kMostFiles) + " files are open with one budget");
  } else {
    std::unique_ptr<Block>& block = blocks_[number / kOfBlock];
    if (block == nullptr) block = std::make_unique<Block>();
    // Room for all numbers, so that remove() need not allocate.
    if (free_.capacity() < number) free_.reserve(std::size_t{2} * number);
    end_.store(number + 1, std::memory_order_release);
  }
  place(number).store(&file, std::memory_order_release);
  return number;
}

void Files::remove(std::uint32_t number) noexcept {
  const std::lock_guard lock(mutex_);
  place(number).store(nullptr, std::memory_order_relaxed);
  free_.push_back(number);
}

std::size_t Files::bytes() const {
  const std::size_t blocks = end() / kOfBlock + 1;
  return blocks * sizeof(Block) + std::size_t{2} * end() * sizeof(std::uint32_t);
}

}  // namespace kmapper::process
