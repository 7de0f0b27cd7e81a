#include "linux/slab_checks.hpp"

#include "linux/report.hpp"
#include "linux/slab_bytes.hpp"

namespace kmapper::linux_face {

void expect_unchanged(const Object& object, std::size_t stride, const void* caller) {
  allow(object.begin, stride);
  const std::size_t same = equal_bytes(object.begin, stride, kFreed);
  if (same == stride) return;
  const About about(object.freed_by != nullptr ? "a write after kfree"
                                               : "a write to what kmalloc has not handed out",
                    object, "to offset", same);
  stop({.what = about.text(),
        .caller = object.freed_by != nullptr ? object.freed_by : caller,
        .advice =
            "the first call freed it, the other allocated it: kfree an object after its last use",
        .other = object.allocated_by});
}

void expect_no_overrun(const Object& object, std::size_t stride, const void* caller) {
  const std::size_t tail = stride - object.size;
  allow(object.begin, stride);
  const std::size_t same = equal_bytes(object.begin + object.size, tail, kTail);
  if (same == tail) return;
  const About about("a write beyond the end of an object", object, "to offset", object.size + same);
  stop({.what = about.text(),
        .caller = caller,
        .advice = "found by the first call, the other allocated it: stay within its size",
        .other = object.allocated_by});
}

}  // namespace kmapper::linux_face
