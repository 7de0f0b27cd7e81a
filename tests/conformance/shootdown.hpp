// A shootdown, as seen by a CPU that keeps running. Many kernels flush the TLB at each switch, so a
// CPU that leaves its thread between two looks at a slot has dropped the slot's last page, whatever
// invalidate() did. Here one CPU spins between its looks, while another CPU takes the slots,
// invalidates them and gives them their next pages.
//
// In every second round the looking CPU has its interrupts off for a while. A shootdown that needs
// its answer has to wait for it; one that does not wait returns too early, and the check sees it.
//
// Longer than usual: two CPUs in lockstep, and their two tables.
#pragma once

#include "conformance/cpus.hpp"
#include "conformance/sleeping.hpp"
#include "conformance/vmap.hpp"

namespace kmapper::conformance {

/// What all Stares share. A Stare gives up with kOther, kStale or kTooEarly; # stands for the CPU
/// that looks, and for the CPU that changes.
struct Flushed {
  static constexpr uint32_t kRounds = 30;  // for each pair of CPUs
  static constexpr const char* kOther = "CPU # sees another page than CPU # has just mapped";
  static constexpr const char* kStale =
      "CPU # did nothing but spin, and still had the last page when the flush had returned on CPU "
      "#: does the flush tell that CPU, and wait for it?";
  static constexpr const char* kTooEarly =
      "CPU # had interrupts off and the last page in its TLB when the flush returned on CPU #: the "
      "flush has to wait until every CPU has answered";
};

/// What a Stare looks at: the window's slots, or the vmap range's pages. flush() returns null, or
/// what is wrong.
template <Rig R>
struct WindowPages : Flushed {
  static uint32_t count(Subject<R>& it) { return it.slots(); }
  /// Gives the pages their tags.
  static void begin(Subject<R>& it, uint32_t pages) {
    for (uint32_t page = 0; page < pages; ++page) {
      it.map(0, page);
      it.rig.write(it.address(0), it.tag(page));
      it.unmap(0, 1);
    }
  }
  static bool shows(Subject<R>& it, uint32_t i, uint32_t page) {
    return it.shows(it.address(i), page);
  }
  static void map(Subject<R>& it, uint32_t i, uint32_t page) { it.map(i, page); }
  static void take(Subject<R>& it, uint32_t i) { (void)it.take(i); }
  static const char* flush(Subject<R>& it, uint32_t count, uint32_t /*looker*/) {
    it.flush(0, count);
    return nullptr;
  }
};

template <Rig R>
struct VmapPages : Flushed {
  static uint32_t count(Subject<R>& it) { return vmap_size(it); }
  static void begin(Subject<R>& it, uint32_t pages) { WindowPages<R>::begin(it, pages); }
  static bool shows(Subject<R>& it, uint32_t i, uint32_t page) {
    return it.shows(it.platform.vmap_address(it.rig.vmap_page(i)), page);
  }
  static void map(Subject<R>& it, uint32_t i, uint32_t page) {
    it.platform.write_vmap_pte(it.rig.vmap_page(i), it.page(page));
  }
  static void take(Subject<R>& it, uint32_t i) {
    (void)it.platform.take_vmap_pte(it.rig.vmap_page(i));
  }
  static const char* flush(Subject<R>& it, uint32_t /*count*/, uint32_t /*looker*/) {
    it.platform.flush_vmap();
    return nullptr;
  }
};

/// One pair of CPUs after the other: one CPU looks, and the other changes the mappings. Place i
/// shows page i, and then page i + 1.
template <Rig R, class Pages>
class Stare {
  using P = typename R::Platform;

 public:
  explicit Stare(Subject<R>& it) : it_(it) {
    const auto nothing = [](Subject<R>&, uint32_t&) {};
    uint32_t unused = 0;
    for (uint32_t cpu = 0; cpu < P::kMaxCpus; ++cpu) {
      if (it.run_on(cpu, +nothing, unused)) cpus_[cpu_count_++] = cpu;
    }
  }

  Verdict run() {
    if (cpu_count_ < 2) return skipped(kOneCpu);
    Pages::begin(it_, Pages::count(it_) + 1);
    {
      const Thread<R, Stare> looker(it_, &Stare::look_on_each, *this);
      if (!looker.started()) return failed(kNoThread);
      for (uint32_t pair = 0; pair < pairs() && !is_over(); ++pair) {
        Part part{this, pair};
        if (!it_.run_on(changer(pair), &Stare::change, part)) give_up(kGone, pair);
      }
    }
    return wrong_ == nullptr ? passed() : failed(wrong_, looker(wrong_pair_), changer(wrong_pair_));
  }

 private:
  struct Part {
    Stare* self;
    uint32_t pair;
  };
  // Each round has four steps: the changer maps, the looker looks, the changer changes, the looker
  // looks again. step_ counts the steps that are done.
  static constexpr uint32_t kSteps = 4;
  static constexpr uint32_t kRounds = Pages::kRounds;
  static constexpr uint32_t kTurnsWithInterruptsOff = 2000;

  static constexpr const char* kGone = "run_on() of CPU # or # succeeded once, then failed";
  static constexpr const char* kDeaf =
      "run_on() runs on CPU # with interrupts off: no flush can reach it";
  static constexpr const char* kNobodyCame =
      "CPUs # and # did not meet in 20 s: does invalidate() end while a CPU spins with interrupts "
      "on?";

  /// Each CPU looks while its two neighbours change: it is not enough that some CPUs are told.
  [[nodiscard]] uint32_t pairs() const { return cpu_count_ * (cpu_count_ > 2 ? 2 : 1); }
  [[nodiscard]] uint32_t looker(uint32_t pair) const { return cpus_[pair % cpu_count_]; }
  [[nodiscard]] uint32_t changer(uint32_t pair) const {
    const uint32_t away = pair < cpu_count_ ? 1 : cpu_count_ - 1;
    return cpus_[(pair + away) % cpu_count_];
  }
  /// The number of places that change at once.
  [[nodiscard]] uint32_t places(uint32_t round) const {
    constexpr uint32_t kSizes[] = {1, 2, 8, 9, 16, kLargestBatch};
    const uint32_t size = kSizes[round / 2 % 6];
    return size < Pages::count(it_) ? size : Pages::count(it_);
  }

  [[nodiscard]] bool is_over() const { return over_.load(memory_order_acquire) != 0; }
  void give_up(const char* why, uint32_t pair) {
    uint32_t nobody = 0;
    if (!giving_up_.compare_exchange_strong(nobody, 1, memory_order_acq_rel, memory_order_acquire))
      return;
    wrong_ = why;
    wrong_pair_ = pair;
    over_.store(1, memory_order_release);
  }
  void did(uint32_t step) { step_.store(step, memory_order_release); }
  [[nodiscard]] bool has_done(uint32_t step) const {
    return step_.load(memory_order_acquire) == step;
  }
  /// Spins until that step. False: the check is over.
  bool await(uint32_t step, uint32_t pair) {
    const uint64_t deadline = it_.platform.now() + kPatience;
    while (!has_done(step)) {
      if (is_over()) return false;
      if (it_.platform.now() >= deadline) give_up(kNobodyCame, pair);
      it_.platform.relax();
    }
    return true;
  }

  /// Looks at so many places, which should show the pages from `page` on.
  void look(uint32_t places, uint32_t page, const char* otherwise, uint32_t pair) {
    for (uint32_t i = 0; i < places; ++i) {
      if (!Pages::shows(it_, i, page + i)) give_up(otherwise, pair);
    }
  }

  static void look_on_each(Subject<R>& it, Stare& self) {
    for (uint32_t pair = 0; pair < self.pairs() && !self.is_over(); ++pair) {
      Part part{&self, pair};
      if (!it.run_on(self.looker(pair), &Stare::look_on, part)) self.give_up(kGone, pair);
    }
  }
  static void look_on(Subject<R>& it, Part& part) {
    Stare& self = *part.self;
    if (!it.platform.may_flush()) return self.give_up(kDeaf, part.pair);
    for (uint32_t round = 0; round < kRounds; ++round) {
      const uint32_t first = (part.pair * kRounds + round) * kSteps;
      const uint32_t places = self.places(round);
      if (!self.await(first + 1, part.pair)) return;
      if (round % 2 == 0) {
        self.look(places, 0, Pages::kOther, part.pair);
        self.did(first + 2);
      } else {
        self.look_with_interrupts_off(places, first, part.pair);
      }
      if (!self.await(first + 3, part.pair)) return;
      self.look(places, 1, Pages::kStale, part.pair);
      self.did(first + 4);
    }
  }
  void look_with_interrupts_off(uint32_t places, uint32_t first, uint32_t pair) {
    const typename P::InterruptsOff off(it_.platform);
    look(places, 0, Pages::kOther, pair);
    did(first + 2);
    for (uint32_t turn = 0; turn < kTurnsWithInterruptsOff; ++turn) {
      if (has_done(first + 3)) return look(places, 1, Pages::kTooEarly, pair);
      it_.platform.relax();
    }
  }

  static void change(Subject<R>& it, Part& part) {
    Stare& self = *part.self;
    for (uint32_t round = 0; round < kRounds; ++round) {
      const uint32_t first = (part.pair * kRounds + round) * kSteps;
      const uint32_t places = self.places(round);
      self.change_to(0, places);
      self.did(first + 1);
      bool goes_on = self.await(first + 2, part.pair);
      self.take(places, part.pair);
      if (goes_on) {
        self.change_to(1, places);
        self.did(first + 3);
        goes_on = self.await(first + 4, part.pair);
        self.take(places, part.pair);
      }
      if (!goes_on) return;
    }
    (void)it;
  }
  void change_to(uint32_t page, uint32_t places) {
    for (uint32_t i = 0; i < places; ++i) Pages::map(it_, i, page + i);
  }
  void take(uint32_t places, uint32_t pair) {
    for (uint32_t i = 0; i < places; ++i) Pages::take(it_, i);
    const char* const wrong = Pages::flush(it_, places, looker(pair));
    if (wrong != nullptr) give_up(wrong, pair);
  }

  Subject<R>& it_;
  uint32_t cpus_[P::kMaxCpus] = {};
  uint32_t cpu_count_ = 0;
  const char* wrong_ = nullptr;  // written by the thread that gives up; read after over_
  uint32_t wrong_pair_ = 0;
  // Acquire and release: what one CPU did comes before what the other does next.
  typename Subject<R>::template Atomic<uint32_t> step_{0};
  typename Subject<R>::template Atomic<uint32_t> giving_up_{0};
  typename Subject<R>::template Atomic<uint32_t> over_{0};
};

template <Rig R, class Pages>
Verdict a_cpu_that_spins_is_told(Subject<R>& it) {
  if constexpr (HasThreads<R> && HasCpus<R>) {
    return Stare<R, Pages>(it).run();
  } else {
    return skipped(HasCpus<R> ? kNoThreads : kOneCpu);
  }
}

template <Rig R>
inline constexpr Check<R> kShootdownChecks[] = {
    {name_of_flush<R>("invalidate: a CPU that does nothing but spin is told, and waited for",
                      "call: a CPU that does nothing but spin forgets a slot's last page"),
     &a_cpu_that_spins_is_told<R, WindowPages<R>>,
     "whether there is a TLB shootdown at all, it reaches every CPU, and invalidate() waits for "
     "it"},
};
template <Rig R>
inline constexpr Check<R> kVmapShootdownChecks[] = {
    {"flush_vmap: a CPU that does nothing but spin is told, and waited for",
     &a_cpu_that_spins_is_told<R, VmapPages<R>>,
     "whether flush_vmap() reaches every CPU, and waits for it"},
};

}  // namespace kmapper::conformance
