// Flushes that interrupt nobody. A CPU that has emptied page-table entries posts that, and goes on.
// Every other CPU drops its whole TLB when it comes by: at a slow miss of its own, a context
// switch, a timer tick, an interrupt. An address gets its next page when all awake CPUs have come
// by. Only a thread that cannot wait for that has the late CPUs interrupted.
//
// Posts are counted. A CPU that drops its TLB notes the count that it read before. So a post has
// passed when no awake CPU's note is older. Posts pass in their order.
//
//   bits of state_:  31 ... kCpus: the number of posts | kCpus - 1 ... 0: the awake CPUs
//
// One word holds the count and the set of awake CPUs. A post changes the count and reads the set in
// one instruction. A CPU that goes idle leaves the set, and the posts do not wait for it. A CPU
// that wakes enters the set and reads the count in one instruction. If there was a post since it
// last dropped its TLB, it drops its TLB before it does anything else. So either the poster sees
// the CPU awake, or the CPU sees the post: the changes of one word have one order, and each is a
// read-modify-write. A thread that acquires one comes after all that were released before it.
//
// Published: LATR (Kumar and others, ASPLOS 2018) posts flushes to other CPUs; Linux's tlb_gen
// counts them. Cost: a post is one atomic operation; to ask whether it has passed is one load, and
// one more for each awake CPU. The count comes round after 2^(32 - kCpus) posts. It is assumed that
// every awake CPU comes by before half of that many, and that every idle one wakes before.
//
// Longer than usual: why each order of memory is enough is said where the order is chosen.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/library.hpp"
#include "kmapper/core/slot.hpp"

namespace kmapper {

/// Whether a platform posts its flushes instead of waiting for other CPUs: it has posted_flushes().
template <class P>
inline constexpr bool kPostsFlushes = requires(P p) {
  p.posted_flushes();
};

/// The posts of one machine with up to kCpus CPUs. Where a function takes the caller's CPU,
/// interrupts are off, so that the caller stays there. All functions: any context; none sleeps.
template <size_t kCpus, template <class> class AtomicOf>
class PostedFlushes {
 public:
  static_assert(kCpus <= 16, "a number needs 16 bits of the word");

  /// How many posts there were, in the high bits; the low kCpus bits are 0.
  using Number = uint32_t;
  struct Posted {
    Number number;
    uint32_t awake;  // CPUs, a bit each

    /// Whether no CPU but the caller's is awake. The caller's is.
    [[nodiscard]] bool is_alone() const { return (awake & (awake - 1)) == 0; }
  };

  /// Posts that the caller has emptied page-table entries. Interrupts off. Drops nothing: the
  /// caller's CPU owes the drop as the others do.
  [[nodiscard]] Posted post() {
    // Release: pairs with latest() and leave_idle(): a CPU that sees this post and then drops its
    // TLB walks the emptied entries. Acquire: pairs with enter_idle(), for is_alone(), and with
    // latest_surely(). Sequentially consistent, with leave_user(): either late() sees the CPU back
    // from ring 3, or the CPU sees the post.
    const uint32_t before = state_.fetch_add(kOne, memory_order_seq_cst);
    return {(before & ~kAwake) + kOne, before & kAwake};
  }
  /// The number of the last post. Ordered after what its poster did before, and before a drop of
  /// the TLB that the caller makes next.
  [[nodiscard]] Number latest() const { return state_.load(memory_order_acquire) & ~kAwake; }
  /// The same for a wait, and a later post comes after what the caller did before.
  [[nodiscard]] Number latest_surely() {
    // Release: pairs with post().
    return state_.fetch_add(0, memory_order_release) & ~kAwake;
  }

  /// The caller's CPU comes by: drops its TLB by drop_all(), and notes that.
  template <class DropAll>
  void drop(uint32_t cpu, DropAll drop_all) {
    const Number seen = latest();
    drop_all();
    note(cpu, seen);
  }
  /// Whether the caller's CPU has dropped all that was posted before this post. Then it may drop
  /// the entries of this post alone, one by one, and note(number).
  [[nodiscard]] bool is_next(uint32_t cpu, Number number) const {
    return own(cpu) + kOne == number;
  }
  /// Notes that the TLB of the caller's CPU holds nothing that was posted until then.
  void note(uint32_t cpu, Number number) {
    // Release: pairs with late(). The drop comes before the next page at the address.
    cpus_[cpu].dropped.store(number, memory_order_release);
  }
  /// The other CPUs that are awake now, a bit each. A hint.
  [[nodiscard]] uint32_t others(uint32_t cpu) const {
    return state_.load(memory_order_relaxed) & kAwake & ~bit(cpu);
  }
  /// Whether there are so many posts, or more, that the caller's CPU has not dropped.
  [[nodiscard]] bool is_behind(uint32_t cpu, uint32_t posts) const {
    // Relaxed: drop() reads the number again. The awake CPUs in the low bits do not matter.
    return state_.load(memory_order_relaxed) - own(cpu) >= posts * kOne;
  }

  /// The awake CPUs that may still use what was posted until then, a bit each. 0: it has passed.
  [[nodiscard]] uint32_t late(Number number) const {
    // Acquire: pairs with enter_idle(). Any state since the post will do, and the caller has the
    // number from one: a CPU that enters the set later sees the post, and drops its TLB first.
    const uint32_t state = state_.load(memory_order_acquire);
    if (is_before(state & ~kAwake, number)) return 0;  // it is so old that the count came round
    uint32_t late = 0;
    uint32_t awake = state & kAwake;
    for (uint32_t cpu = 0; awake != 0; ++cpu, awake >>= 1) {
      if ((awake & 1) != 0 && is_late(cpu, number)) late |= bit(cpu);
    }
    return late;
  }
  [[nodiscard]] bool has_passed(Number number) const { return late(number) == 0; }

  /// The caller's CPU uses no translation that was or will be posted until leave_idle(). It is
  /// awake now.
  void enter_idle(uint32_t cpu) {
    // Release: pairs with late() and post(): what the CPU did comes before the next page at an
    // address.
    state_.fetch_sub(bit(cpu), memory_order_release);
  }
  /// The caller's CPU is awake again. Drops its TLB if there was a post that it has not dropped.
  /// Before anything else that the CPU does. It has idled for less than half of the count: its tick
  /// wakes it often enough.
  template <class DropAll>
  void leave_idle(uint32_t cpu, DropAll drop_all) {
    // Acquire: pairs with post().
    const uint32_t before = state_.fetch_add(bit(cpu), memory_order_acquire);
    if (own(cpu) == (before & ~kAwake)) return;
    drop_all();
    note(cpu, before & ~kAwake);
  }
  /// The same for a CPU that may have idled for any time, or is awake for the first time. The
  /// number that it noted last may look like one that is still to come. So it notes a new one
  /// before it enters the set, and drops its TLB in any case. The new one lets only posts pass that
  /// came before the CPU entered the set. The CPU drops these before it uses a translation.
  template <class DropAll>
  void leave_long_idle(uint32_t cpu, DropAll drop_all) {
    note(cpu, latest());
    // Release: pairs with late(), which sees the new note of a CPU that it sees awake. Acquire: as
    // in leave_idle().
    const uint32_t before = state_.fetch_add(bit(cpu), memory_order_acq_rel);
    drop_all();
    note(cpu, before & ~kAwake);
  }
  /// The same for a CPU that runs a user program, and so uses no window address either: at the
  /// return to user mode, and first thing in the kernel again. Only the caller's CPU writes its
  /// mark, so system calls of several CPUs do not disturb each other. The CPU is away for less than
  /// half of the count: its tick calls leave_user() often enough. Optional.
  void enter_user(uint32_t cpu) {
    // Release: pairs with late(): what the CPU did comes before the next page at an address.
    cpus_[cpu].in_user.store(1, memory_order_release);
  }
  template <class DropAll>
  void leave_user(uint32_t cpu, DropAll drop_all) {
    // Sequentially consistent, both, with post() and late(): either late() sees the CPU back, or
    // the CPU sees the post.
    cpus_[cpu].in_user.exchange(0, memory_order_seq_cst);
    const Number seen = state_.load(memory_order_seq_cst) & ~kAwake;
    if (own(cpu) == seen) return;
    drop_all();
    note(cpu, seen);
  }
  /// The awake CPUs, a bit each. Ordered after what the caller wrote before.
  [[nodiscard]] uint32_t awake() { return state_.fetch_add(0, memory_order_seq_cst) & kAwake; }

  // --- Numbers of 15 bits, for cells that have no room for more ---

  [[nodiscard]] static uint32_t shorten(Number number) { return number / kOne & kShort; }
  /// The last post with this short number. If the count has come round, it is a later post than the
  /// one that was meant: waiting for it is needless, and never too short.
  [[nodiscard]] Number lengthen(uint32_t shortened) const {
    const Number now = latest();
    return now - ((now / kOne - shortened) & kShort) * kOne;
  }

 private:
  static constexpr uint32_t kOne = 1U << kCpus;
  static constexpr uint32_t kAwake = kOne - 1;
  static constexpr uint32_t kShort = 0x7FFF;

  [[nodiscard]] static constexpr bool is_before(Number number, Number other) {
    return static_cast<int32_t>(number - other) < 0;
  }
  [[nodiscard]] static constexpr uint32_t bit(uint32_t cpu) { return 1U << cpu; }
  [[nodiscard]] bool is_late(uint32_t cpu, Number number) const {
    // Sequentially consistent: pairs with enter_user() and leave_user().
    if (cpus_[cpu].in_user.load(memory_order_seq_cst) != 0) return false;
    // Acquire: pairs with note().
    return is_before(cpus_[cpu].dropped.load(memory_order_acquire), number);
  }
  // Acquire: pairs with note(), which another thread may have called that was on this CPU before.
  // The note after is_next() speaks for its drop, too.
  [[nodiscard]] Number own(uint32_t cpu) const {
    return cpus_[cpu].dropped.load(memory_order_acquire);
  }

  struct alignas(64) PerCpu {
    AtomicOf<Number> dropped{};
    AtomicOf<uint32_t> in_user{};  // not 0: it runs a user program
  };
  PerCpu cpus_[kCpus]{};
  alignas(64) AtomicOf<uint32_t> state_{};
};

/// Returns when the post has passed. The late CPUs are interrupted, the caller's among them. Needs
/// may_flush(). Where no CPU is late, it costs a few loads.
template <class P>
void wait_for_post(P& platform, uint32_t number) {
  for (;;) {
    const uint32_t late = platform.posted_flushes().late(number);
    if (late == 0) return;
    platform.call(late);
  }
}

/// Drops all that was unmapped before the call from every TLB, and returns when that is done: what
/// flush_vmap() is on a platform that posts. Needs may_flush().
template <class P>
void flush_everything(P& platform) {
  uint32_t number = 0;
  {
    const typename P::InterruptsOff off(platform);
    number = platform.posted_flushes().post().number;
  }
  wait_for_post(platform, number);
}

/// Drops slots from every TLB, and returns when that is done. Their PTEs were taken before. Needs
/// may_flush(). At most kLargestBatch slots. On any platform: for tests and for ports.
template <class P>
void flush_slots(P& platform, Span<const SlotIndex> slots) {
  if constexpr (kPostsFlushes<P>) {
    auto& flushes = platform.posted_flushes();
    uint32_t number = 0;
    {
      const typename P::InterruptsOff same_cpu(platform);
      const uint32_t cpu = platform.cpu();
      number = flushes.post().number;
      if (flushes.is_next(cpu, number)) {
        for (const SlotIndex slot : slots) platform.drop(slot);
        flushes.note(cpu, number);
      }
    }
    wait_for_post(platform, number);
  } else {
    platform.invalidate(slots);
  }
}

}  // namespace kmapper
