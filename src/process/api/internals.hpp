// The objects behind the public handles, for parts of the library that are not their members.
#pragma once

#include <memory>
#include <utility>

#include "kmapper/process/process.hpp"
#include "process/file/file.hpp"

namespace kmapper::process {

struct Internals {
  [[nodiscard]] static const std::shared_ptr<Arena>& arena_of(const Budget& budget) {
    return budget.arena_;
  }
  [[nodiscard]] static FileWindow window_of(std::unique_ptr<File> file) {
    return FileWindow(std::move(file));
  }
  /// Null: the window has been moved from.
  [[nodiscard]] static File* file_of(const FileWindow& window) { return window.file_.get(); }
};

}  // namespace kmapper::process
