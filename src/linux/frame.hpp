// What the machine knows about a page.
#pragma once

#include <atomic>
#include <cstdint>

namespace kmapper::linux_face {

/// A call: its return address, and the thread. Relaxed: it is only for reports. Zeros: none.
struct Call {
  std::atomic<const void*> caller;
  std::atomic<int> thread;

  void set(const void* by, int in_thread) {
    caller.store(by, std::memory_order_relaxed);
    thread.store(in_thread, std::memory_order_relaxed);
  }
  [[nodiscard]] const void* get() const { return caller.load(std::memory_order_relaxed); }
};

/// Zeros: a page that has never been allocated. A correct program frees a page after its last use,
/// so the counts need no order: a report about a wrong program may see any of them.
struct Frame {
  std::atomic<bool> is_allocated;   // release and acquire: the fields of the struct page
  std::atomic<std::int32_t> count;  // of get_page(); only of the first page of an allocation
  std::atomic<std::uint32_t> locals;
  std::atomic<std::uint32_t> vmaps;

  // Change when the page is allocated or freed, and are the caller's own in between.
  bool is_head;  // the first page of an allocation
  bool is_compound;
  bool is_library;  // allocated by the library for itself
  bool has_memory;  // the memory file has memory for it
  std::uint8_t order;
  std::uint16_t exact_pages;  // of an allocation by alloc_pages_exact(); 0: by another call

  // Guarded by the machine's mutex.
  std::uint32_t kmaps;
  bool was_kmapped;  // since it was allocated
  bool is_kmapped_in_plain_view;

  // The last such calls. They outlive the page's freeing, and the next allocation.
  Call allocated, freed, kmapped, kunmapped, locally_mapped, locally_unmapped, locked;
};

}  // namespace kmapper::linux_face
