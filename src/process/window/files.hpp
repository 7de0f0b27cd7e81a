// The files of an arena, by their numbers.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "process/window/page.hpp"

namespace kmapper::process {

class File;

class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files();

  /// Gives the file a number. Throws std::system_error when kMostFiles have one, std::bad_alloc.
  [[nodiscard]] std::uint32_t add(File& file);
  /// Takes the number back. A signal handler may have found the file before: wait_for_handlers().
  void remove(std::uint32_t number) noexcept;
  /// The file with this number; null: none has it. Any context. The caller keeps the file
  /// meanwhile: by a mapping of it, the lock of keep(), or the handlers' lock.
  [[nodiscard]] File* at(std::uint32_t number) const {
    if (number == 0 || number >= end()) return nullptr;
    return place(number).load(std::memory_order_acquire);  // pairs with add()
  }
  /// All numbers that have been given are below this. Any context.
  [[nodiscard]] std::uint32_t end() const { return end_.load(std::memory_order_acquire); }
  /// While the lock lives, no file is added or removed.
  [[nodiscard]] std::unique_lock<std::mutex> keep() { return std::unique_lock(mutex_); }
  /// Calls visit(file) for each, with that lock.
  template <class Visitor>
  void for_each(Visitor visit) {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t number = 1; number < end(); ++number) {
      if (File* const file = at(number); file != nullptr) visit(*file);
    }
  }
  /// The memory that the numbers take up now, in bytes.
  [[nodiscard]] std::size_t bytes() const;

 private:
  using Place = std::atomic<File*>;
  static constexpr std::uint32_t kOfBlock = 4096;
  static constexpr std::uint32_t kBlocks = (kMostFiles + kOfBlock) / kOfBlock;
  using Block = std::array<Place, kOfBlock>;

  [[nodiscard]] Place& place(std::uint32_t number) const {
    return (*blocks_[number / kOfBlock])[number % kOfBlock];
  }

  std::mutex mutex_;  // guards changes
  // A block is made before the first of its numbers is given: end_ publishes it.
  std::array<std::unique_ptr<Block>, kBlocks> blocks_;
  std::atomic<std::uint32_t> end_{1};  // release: pairs with end()
  std::vector<std::uint32_t> free_;    // numbers that were taken back
};

}  // namespace kmapper::process
