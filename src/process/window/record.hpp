// What a slot maps, and where.
//
// The core takes the address of a slot's record for the slot's address, and returns pointers to
// records where it returns addresses on other platforms. The record holds the real address of the
// granule. So the size of a granule is chosen at run time, granules need not lie in the order of
// their slots, and the core knows neither.
//
// The core publishes a slot before its granule is mapped. The first thread that has pinned it maps
// it (File::fill), and others wait for that without spinning, however long it takes. In the state
// `filled` it may be used. In any other state the pin does not help, or not alone: drop it and take
// the slow path.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "process/fault/cause.hpp"

namespace kmapper::process {

/// Why an access failed: what File::fault_at() returned; 0: no access failed. Relaxed: the thread
/// that asks has made the access.
class Fault {
 public:
  [[nodiscard]] int load() const {
    const int value = value_.load(std::memory_order_relaxed);
    return value == kCutShortHere ? kCutShort : value;
  }
  void store(int fault) {
    // Linux's numbers are small.
    const bool is_small = fault >= 0 && fault < kCutShortHere;
    const int value = fault == kCutShort ? kCutShortHere : (is_small ? fault : EIO);
    value_.store(static_cast<std::uint8_t>(value), std::memory_order_relaxed);
  }

 private:
  static constexpr int kCutShortHere = UINT8_MAX;
  std::atomic<std::uint8_t> value_{0};
};

struct alignas(32) Record {
  enum State : std::uint32_t {
    unused,     // out of use; it may still map something, unseen
    pending,    // has a page, which is not mapped yet
    filling,    // one thread is mapping it, or reading the first of it
    filled,     // it may be used, with a pin
    partial,    // a copy of which only the units in `present` may be used
    widening,   // the same; one thread is reading more of it
    overtaken,  // one thread is reading it, but it is too old already: `outdated`
    patched,    // it may be used, but it does not show the file: Arena::patch(), `outdated`
    taken,      // out of use; what it maps must be unmapped
    emptying,   // out of use; one thread is unmapping it
  };

  /// What a slot's own addresses map. untouched: what the arena's range maps from the start.
  /// nothing: in a budget of copies, memory that is not populated; elsewhere inaccessible
  /// addresses.
  enum class Own : std::uint8_t { untouched, nothing, file, memory };

  // Release, when it is mapped: pairs with the acquire of a thread that reads it with a pin.
  // Threads wait for changes of it.
  std::atomic<std::uint32_t> state{};
  // For copies: see reading.cpp. `copied`: where the file ended when it was read, in bytes from the
  // granule's begin; the granule's size, if no read has found the end. `present`: the units that
  // were read, in the states partial, widening and filled, and perhaps in others; release: pairs
  // with the acquire of a thread that uses them.
  std::atomic<std::uint32_t> copied{0};
  std::atomic<std::uint32_t> present{0};
  // The number of the file that it shows. Written, as `address` is, while filling; `state`
  // publishes both. Relaxed; atomic only because a signal handler reads them.
  std::atomic<std::uint32_t> file{0};
  std::atomic<std::byte*> address{nullptr};
  // Set by the faulting thread, which has a pin; cleared when the slot gets another page.
  Fault fault{};
  // The copy is shorter than it should be, or too old, so that no hit may find it; cleared with
  // `fault`.
  std::atomic<bool> outdated{false};
  // `address` is not one of the slot's own, and must be emptied. Release, when it becomes true:
  // pairs with Arena::patch_at_home().
  std::atomic<bool> at_home{false};
  Own own = Own::untouched;  // written while filling or emptying
  // The copy has been written to, or may have been: its slot's DirtyCopy is in use. Relaxed: set
  // with a pin; cleared with `fault`.
  std::atomic<bool> was_written{false};

  /// Whether the slot's own addresses map, or populate, what has to be given up.
  [[nodiscard]] bool is_occupied() const { return own == Own::file || own == Own::memory; }
  [[nodiscard]] std::byte* data() const { return address.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_at_home() const { return at_home.load(std::memory_order_relaxed); }
  /// Whether a thread with a pin may use these units, after it has read this state. Inline: hits
  /// run it.
  [[nodiscard]] bool has_part(std::uint32_t now, std::uint32_t units) const {
    return now - partial <= widening - partial &&
           (units & ~present.load(std::memory_order_acquire)) == 0;
  }
  /// Whether the calling thread owns the record from now on: it was pending.
  [[nodiscard]] bool begin_filling() {
    std::uint32_t now = pending;
    // Acquire: pairs with the thread that ends the filling, and with the record's earlier users.
    return state.compare_exchange_strong(now, filling, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  /// Whether it is being read.
  [[nodiscard]] bool is_being_read() const {
    const std::uint32_t now = state.load(std::memory_order_relaxed);
    return now == filling || now == widening || now == overtaken;
  }
  /// Called while filling.
  void place(std::byte* where, bool home, std::uint32_t shown) {
    file.store(shown, std::memory_order_relaxed);
    address.store(where, std::memory_order_relaxed);
    at_home.store(home, std::memory_order_release);
  }
};
static_assert(sizeof(Record) == 32);

}  // namespace kmapper::process
