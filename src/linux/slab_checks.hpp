// What is checked about objects, and how a mistake is named.
#pragma once

#include <cstdio>

#include "linux/slab.hpp"

namespace kmapper::linux_face {

/// Part of a report: `what`, and which object.
class About {
 public:
  About(const char* what, const Object& object) {
    std::snprintf(text_, sizeof text_, "%s: %zu bytes at %p", what, object.size,
                  static_cast<const void*>(object.begin));
  }
  About(const char* what, const Object& object, const char* where, std::size_t offset) {
    std::snprintf(text_, sizeof text_, "%s: %zu bytes at %p, %s %zu", what, object.size,
                  static_cast<const void*>(object.begin), where, offset);
  }
  [[nodiscard]] const char* text() const { return text_; }

 private:
  char text_[160];
};

/// Checks that nobody has written to a free object.
void expect_unchanged(const Object& object, std::size_t stride, const void* caller);
/// Checks that nobody has written behind an object.
void expect_no_overrun(const Object& object, std::size_t stride, const void* caller);

}  // namespace kmapper::linux_face
