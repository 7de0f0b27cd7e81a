// What the Linux-named interface keeps for each thread: its local mappings, last in first out.
#pragma once

#include "linux/machine.hpp"

namespace kmapper::linux_face {

class Thread {
 public:
  struct Local {
    unsigned long pfn;
    const void* address;  // of the page
    bool is_atomic;
    const void* caller;
  };
  static constexpr unsigned kMost = 16;

  ~Thread();  // reports what the thread leaves behind
  [[nodiscard]] static Thread& current();
  /// Null: the thread has made no call yet. For signal handlers.
  [[nodiscard]] static const Thread* find();

  /// Maps the page for the call that returns to `caller`.
  [[nodiscard]] void* map(const page* page, bool is_atomic, const void* caller);
  void unmap(const void* address, bool is_atomic, const void* caller);
  /// Checks that the thread may sleep: `what`, which may sleep, is a mistake in a kmap_atomic()
  /// section.
  void expect_may_sleep(const char* what, unsigned long pfn, const void* caller) const;

  long slots =
      0;  // taken by this thread, less those it gave back: other threads may give them back
  // The high page for which page_address() last returned no address, and the call that asked.
  unsigned long without_address = 0;
  const void* without_address_for = nullptr;

 private:
  Thread();

  Local locals_[kMost];
  unsigned depth_ = 0;
  unsigned atomics_ = 0;
};

/// The page's pfn. If the page is not allocated, reports the call as a mistake. The caller holds
/// the mutex.
[[nodiscard]] unsigned long expect_allocated(Machine& machine, const page* page, const char* call,
                                             const void* caller);

}  // namespace kmapper::linux_face
