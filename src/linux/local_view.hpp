// The views in which threads map high pages for themselves: kmap_local_page(). Each thread has one
// of its own, so what one thread unmaps is inaccessible although another has it mapped, and an
// address names its thread. A thread that ends leaves its view to a later thread.
//
// Where the CPU has protection keys, the pages that the thread mapped last stay mapped, each under
// a key of its own. Then mapping and unmapping one of them needs no system call, and another thread
// that accesses it faults, unless it has a page of its own open under the same key. So that this is
// rare among threads with few mappings, views begin with different keys. A signal handler begins
// without access to any key.
#pragma once

#include <atomic>
#include <utility>

#include "linux/machine.hpp"

namespace kmapper::linux_face {

class LocalView {
 public:
  /// A view that is now the calling thread's.
  [[nodiscard]] static LocalView& take();
  /// Null: the address is in none. May be called in a signal handler.
  [[nodiscard]] static LocalView* find(const void* address);
  /// Makes a page accessible for the thread that has the view, or inaccessible.
  void open(unsigned long pfn);
  void close(unsigned long pfn);
  /// Whether the thread that has the view may access the page. May be called in a signal handler.
  [[nodiscard]] bool is_open(unsigned long pfn) const;
  /// All pages are closed.
  void give_back() { is_taken_.store(false, std::memory_order_release); }

  [[nodiscard]] const View& view() const { return view_; }
  /// The thread that has it, or had it last.
  [[nodiscard]] int thread() const { return thread_.load(std::memory_order_relaxed); }

 private:
  /// A page that is mapped under a key.
  struct Keyed {
    unsigned long pfn;  // 0: none
    bool is_open;
  };

  explicit LocalView(Machine& machine);
  [[nodiscard]] bool try_to_take();
  [[nodiscard]] const Keyed* keyed_page(unsigned long pfn) const;
  [[nodiscard]] Keyed* keyed_page(unsigned long pfn) {
    return const_cast<Keyed*>(std::as_const(*this).keyed_page(pfn));
  }
  [[nodiscard]] int key_of(const Keyed* keyed) const { return keys_[keyed - keyed_]; }

  static std::atomic<LocalView*> first_;  // release and acquire: a view in the list is whole

  LocalView* next_ = nullptr;         // the list only grows, at its beginning
  std::atomic<bool> is_taken_{true};  // release and acquire: the threads' uses of the view
  std::atomic<int> thread_{0};
  View view_;
  const ProtectionKeys& keys_;
  Keyed keyed_[ProtectionKeys::kMost] = {};  // by the number of the key
  unsigned turn_;                            // the key that is taken next
};

}  // namespace kmapper::linux_face
