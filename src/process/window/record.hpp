// What a slot maps, and where.
//
// To the core, a slot's address is that of its record: it hands out pointers to records as it hands
// out addresses elsewhere. The record says where the granule really is. So the size of a granule is
// chosen when the program runs, granules need not lie in the order of their slots, and the core
// needs to know of neither.
//
// The core publishes a slot before its granule is mapped; whoever comes first, with a pin in hand,
// maps it (File::fill), and others wait for that without spinning, however long it takes. `filled`
// says that `page` is there to be used. A pin on any other was a mistake (see Directory), or came
// too early.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "process/window/page.hpp"
#include "process/window/wide.hpp"

namespace kmapper::process {

class File;

struct alignas(64) Record {
  enum State : std::uint32_t {
    unused,    // out of use; it may still map something, unseen
    pending,   // has a page, which nobody has mapped yet
    filling,   // somebody is mapping it
    filled,    // it may be used, with a pin
    patched,   // the same; but it does not show the file: Arena::patch(), `outdated`
    taken,     // out of use; what it maps has to go
    emptying,  // out of use; somebody is unmapping it
  };

  // Release, when it is mapped: pairs with the acquire of who reads it with a pin. Waited for.
  std::atomic<std::uint32_t> state{};
  // Written while the slot is out of use; read with a pin in hand, or under it.
  Wide<Page> page{};
  // What File::fault_at() said when an access could not be carried out; 0: all is well. Set by who
  // faults, with a pin; cleared when the slot gets another page.
  std::atomic<int> fault{0};
  // Of a copy: so many bytes were read, written while filling; and it is shorter than it should be,
  // or too old, so that no hit may find it, cleared with `fault`. See copies.cpp.
  std::atomic<std::uint32_t> copied{0};
  std::atomic<bool> outdated{false};
  // Written while filling or emptying; `state` publishes it. Relaxed, all: atomic because
  // a signal handler looks through all records for an address.
  std::atomic<std::byte*> address{nullptr};
  // `address` is none of the slot's own, and has to be emptied. Release, when it becomes true:
  // pairs with Arena::patch_at_home(), which uses the others while they are filled.
  std::atomic<bool> at_home{false};
  std::atomic<File*> file{nullptr};
  bool occupied = false;  // the slot's own addresses map something

  [[nodiscard]] std::byte* data() const { return address.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_at_home() const { return at_home.load(std::memory_order_relaxed); }
  [[nodiscard]] File* owner() const { return file.load(std::memory_order_relaxed); }
  /// While filling.
  void place(std::byte* where, bool home, File* whose) {
    file.store(whose, std::memory_order_relaxed);
    address.store(where, std::memory_order_relaxed);
    at_home.store(home, std::memory_order_release);
  }
};
static_assert(sizeof(Record) == 64);

}  // namespace kmapper::process
