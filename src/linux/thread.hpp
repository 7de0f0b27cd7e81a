// What the Linux-named interface keeps for each thread: its local mappings, last in first out, and
// the sections in which it must not sleep.
#pragma once

#include "linux/machine.hpp"

namespace kmapper::linux_face {

class LocalView;

class Thread {
 public:
  struct Local {
    unsigned long pfn;
    const void* address;  // of the page
    bool is_atomic;
    bool is_in_view;  // of the thread; else the address is always accessible
    const void* caller;
  };
  static constexpr unsigned kMostHigh = 16;
  static constexpr unsigned kMost = 64;  // with low pages, which need no slot in a kernel

  ~Thread();  // reports what the thread leaves behind
  void expect_nothing_left() const;
  [[nodiscard]] static Thread& current();
  /// Null: the thread has made no call yet. For signal handlers.
  [[nodiscard]] static Thread* find();

  /// Maps the page for the call that returns to `caller`.
  [[nodiscard]] void* map(const page* page, bool is_atomic, const void* caller);
  void unmap(const void* address, bool is_atomic, const void* caller);
  /// The call that made a local mapping of the page, which the thread still has; null: none.
  [[nodiscard]] const void* mapped_by(unsigned long pfn) const;
  /// Whether the thread has a local mapping at an address.
  [[nodiscard]] bool has_mapped(const void* address) const;
  /// Checks that `count` more local mappings are possible.
  void expect_room(unsigned count, unsigned long pfn, const void* caller) const;

  void begin_section(const void* caller) {
    if (preempts_++ == 0) preempt_by_ = caller;
  }
  void end_section(const void* caller);
  [[nodiscard]] unsigned sections() const { return preempts_ + atomics_; }
  /// Whether it is in a section of kmap_atomic().
  [[nodiscard]] bool is_atomic() const { return atomics_ != 0; }
  /// Checks that the thread may sleep: `what`, which may sleep, is a mistake in a section that must
  /// not.
  void expect_may_sleep(const char* what, unsigned long pfn, const void* caller) const {
    if (sections() != 0) [[unlikely]]
      must_not_sleep(what, pfn, caller);
  }
  /// Whether this mapping, or this page that is freed, is one that is checked.
  [[nodiscard]] bool is_checked_now();

  const int id;
  unsigned pagefaults_off = 0;
  // The high page for which page_address() last returned no address, and the call that asked.
  unsigned long without_address = 0;
  const void* without_address_for = nullptr;
  // The call that now accesses the caller's memory, in the library; null: none does.
  const void* accesses_for = nullptr;

 private:
  Thread();
  [[nodiscard]] bool is_open(unsigned long pfn) const;
  [[noreturn]] void must_not_sleep(const char* what, unsigned long pfn, const void* caller) const;
  [[noreturn]] void wrong_unmap(const void* address, bool is_atomic, const void* caller) const;
  void end_last(const void* caller);

  Local locals_[kMost];
  unsigned depth_ = 0;
  unsigned preempts_ = 0;             // sections of preempt_disable()
  unsigned atomics_ = 0;              // sections of kmap_atomic()
  const void* preempt_by_ = nullptr;  // the call that began the outermost of these
  unsigned high_ = 0;                 // local mappings of high pages
  LocalView* view_ = nullptr;
  unsigned long until_checked_ = 1;
  std::uint32_t random_;
};

/// Whether the process has no other thread, which could end what this one would sleep for.
[[nodiscard]] bool is_only_thread();

}  // namespace kmapper::linux_face
