// What is said about objects at the end of the process.
#include "linux/line.hpp"
#include "linux/slab.hpp"
#include "linux/slab_checks.hpp"

namespace kmapper::linux_face {
namespace {

struct Leak {
  unsigned long count = 0;
  const Object* first = nullptr;
};

void report_leak(const Leak& leak) {
  const kmem_cache* const cache = leak.first->slab->cache;
  const bool has_name = cache != nullptr && cache->size != 0;
  Line line;
  line.add("leak: %lu object%s of %s still allocated, the first has %zu bytes at %p", leak.count,
           leak.count == 1 ? "" : "s", has_name ? cache->name.c_str() : "kmalloc", leak.first->size,
           static_cast<const void*>(leak.first->begin));
  line.add_call("allocated by", leak.first->allocated_by);
  line.add("; free %s before the program ends", leak.count == 1 ? "it" : "them");
  line.write();
}

}  // namespace

bool Slabs::report_leaks() {
  const std::lock_guard lock(mutex_);
  std::map<const void*, Leak> leaks;  // by the call that allocated
  for (const auto& [begin, slab] : all_) {
    for (const Object& object : slab.objects) {
      if (!object.is_allocated) continue;
      Leak& leak = leaks[object.allocated_by];
      if (leak.count++ == 0) leak.first = &object;
    }
  }
  for (const auto& [caller, leak] : leaks) report_leak(leak);
  return !leaks.empty();
}

void Slabs::expect_no_write_after_kfree() {
  const std::lock_guard lock(mutex_);
  for (const auto& [begin, slab] : all_) {
    for (const Object& object : slab.objects) {
      if (!object.is_allocated && slab.first != nullptr)
        expect_unchanged(object, slab.stride(), nullptr);
    }
  }
}

bool report_slab_leaks() {
  Slabs* const slabs = Slabs::find();
  return slabs != nullptr && !Slabs::are_the_parents() && slabs->report_leaks();
}

void expect_no_write_after_kfree() {
  if (Slabs* const slabs = Slabs::find(); slabs != nullptr && !Slabs::are_the_parents())
    slabs->expect_no_write_after_kfree();
}

void forget_slab_threads() { Slabs::forget_threads(); }

}  // namespace kmapper::linux_face
