// A check, its verdict, and what the checks share.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conformance/rig.hpp"

namespace kmapper::conformance {

/// The result of a check. Each # in the text stands for a number.
struct Verdict {
  enum class Kind : uint8_t { passed, failed, skipped };
  Kind kind = Kind::passed;
  const char* why = "";
  uint32_t numbers[2] = {};
};
[[nodiscard]] constexpr Verdict passed() { return {}; }
[[nodiscard]] constexpr Verdict failed(const char* why, uint32_t first = 0, uint32_t second = 0) {
  return {Verdict::Kind::failed, why, {first, second}};
}
[[nodiscard]] constexpr Verdict skipped(const char* why) {
  return {Verdict::Kind::skipped, why, {}};
}
[[nodiscard]] constexpr bool has_failed(const Verdict& verdict) {
  return verdict.kind == Verdict::Kind::failed;
}

struct Tally {
  uint32_t passed = 0;
  uint32_t failed = 0;
  uint32_t skipped = 0;
};

/// The platform, with the operations of the checks.
template <Rig R>
class Subject {
 public:
  using P = typename R::Platform;
  using Page = typename P::Page;
  template <class T>
  using Atomic = typename P::template Atomic<T>;

  /// As many slots at a time, and one more page: more than a batch holds.
  static constexpr uint32_t kMostSlots = 32;
  static_assert(kMostSlots > kLargestBatch);

  explicit Subject(R& rig) : rig(rig), platform(rig.platform()) {}

  R& rig;
  P platform;

  [[nodiscard]] uint32_t slots() const {
    const uint32_t wanted = rig.pages() - 1 < kMostSlots ? rig.pages() - 1 : kMostSlots;
    return rig.slots() < wanted ? rig.slots() : wanted;
  }
  /// A page other than those that a check is using: its number may be any.
  [[nodiscard]] Page page(uint32_t number) const { return rig.page(number % rig.pages()); }
  [[nodiscard]] void* address(uint32_t slot) const { return platform.address(rig.slot(slot)); }
  /// The first bytes of the page.
  [[nodiscard]] static constexpr uint32_t tag(uint32_t page) {
    return 0xA5000000U + page * 0x10001U;
  }

  void map(uint32_t slot, uint32_t page) {
    const typename P::InterruptsOff off(platform);
    platform.write_pte(rig.slot(slot), this->page(page));
  }
  /// Empties the slot. Returns whether it was accessed.
  bool take(uint32_t slot) {
    const typename P::InterruptsOff off(platform);
    return platform.take_pte(rig.slot(slot));
  }
  /// Flushes the slots from `first` on, in one batch if it is not too large: a port has no room for
  /// more.
  void flush(uint32_t first, uint32_t count) {
    SlotIndex batch[kLargestBatch];
    while (count != 0) {
      uint32_t size = 0;
      for (; size < count && size < kLargestBatch; ++size) batch[size] = rig.slot(first++);
      flush_slots(platform, Span<const SlotIndex>(batch, size));
      count -= size;
    }
  }
  /// One by one: another check tests batches.
  void unmap(uint32_t first, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      (void)take(first + i);
      flush(first + i, 1);
    }
  }
  /// False for null, which a failed kmap returns: to read it would end the machine.
  [[nodiscard]] bool shows(const void* address, uint32_t page) {
    if (address == nullptr) return false;
    const Seen seen = rig.read(address);
    return seen.mapped && seen.value == tag(page);
  }
  /// Slot i maps page i, which gets its tag.
  void map_with_tags(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      map(i, i);
      rig.write(address(i), tag(i));
    }
  }

  // --- If the rig has them ---

  /// Calls the function with (subject, argument) on that CPU. False: there is no such CPU.
  template <class T>
  bool run_on(uint32_t cpu, void (*function)(Subject&, T&), T& argument) {
    struct Call {
      Subject* self;
      void (*function)(Subject&, T&);
      T* argument;
    } call{this, function, &argument};
    const Function run = [](void* it) {
      auto& call = *static_cast<Call*>(it);
      call.function(*call.self, *call.argument);
    };
    if constexpr (HasCpus<R>) {
      return rig.run_on(cpu, run, &call);
    } else {
      if (cpu == 0) run(&call);
      return cpu == 0;
    }
  }

  /// Lets other threads run until the condition is true.
  template <class Condition>
  void wait_for(Condition condition) {
    while (!condition()) {
      if constexpr (HasThreads<R>) rig.yield();
    }
  }
};

/// A thread that runs function(subject, argument). The thread that made it waits for its end.
template <Rig R, class T>
class Thread {
 public:
  Thread(Subject<R>& subject, void (*function)(Subject<R>&, T&), T& argument)
      : subject_(subject), function_(function), argument_(argument) {
    started_ = subject.rig.spawn(
        [](void* it) {
          auto& self = *static_cast<Thread*>(it);
          self.function_(self.subject_, self.argument_);
          // Release: pairs with the destructor's acquire, so that the maker sees the thread's
          // writes.
          self.done_.store(1, memory_order_release);
        },
        this);
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() {
    if (started_) subject_.wait_for([this] { return done_.load(memory_order_acquire) != 0; });
  }
  [[nodiscard]] bool started() const { return started_; }

 private:
  Subject<R>& subject_;
  void (*function_)(Subject<R>&, T&);
  T& argument_;
  bool started_ = false;
  typename Subject<R>::template Atomic<uint32_t> done_{0};
};

inline constexpr const char* kNoThread = "the rig could start no thread";
inline constexpr const char* kNoThreads = "the rig has no threads";
inline constexpr const char* kOneCpu = "the rig has one CPU";

/// One check: its requirement, which begins with the platform's function under test; and what stays
/// unknown if it is skipped (null: nothing, the check does not apply).
template <Rig R>
struct Check {
  const char* name;
  Verdict (*run)(Subject<R>&);
  const char* open = nullptr;
};

/// The name of a check of the whole flush: it tests invalidate(), or what a platform has that posts
/// its flushes.
template <Rig R>
constexpr const char* name_of_flush(const char* synchronous, const char* posted) {
  return kPostsFlushes<typename R::Platform> ? posted : synchronous;
}

}  // namespace kmapper::conformance
