// What stands behind the public handles, for those parts of the library that are not their members.
#pragma once

#include <memory>

#include "kmapper/process.hpp"

namespace kmapper::process {

struct Internals {
  [[nodiscard]] static const std::shared_ptr<Arena>& arena_of(const Budget& budget) {
    return budget.arena_;
  }
  /// Null: the window has been moved from.
  [[nodiscard]] static File* file_of(const FileWindow& window) { return window.file_.get(); }
};

}  // namespace kmapper::process
