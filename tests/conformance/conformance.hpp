// The suite checks on your machine whether a platform keeps the contracts of
// kmapper/core/platform.hpp. Give it a rig (rig.hpp), call run(), and read the output: a line for
// each check, which begins with the platform's function under test.
//
//     MyRig rig;
//     const kmapper::conformance::Tally tally = kmapper::conformance::run(rig);
//     ... tally.failed == 0 ...
//
// It needs the core and the freestanding headers of C++20, and nothing else. Include it in one
// source that does not also include kmapper/core/impl/mapper.hpp. README.md says more.
#pragma once

#include "conformance/check.hpp"
#include "conformance/context.hpp"
#include "conformance/core.hpp"
#include "conformance/cpus.hpp"
#include "conformance/dropping.hpp"
#include "conformance/local.hpp"
#include "conformance/pages.hpp"
#include "conformance/posting.hpp"
#include "conformance/preemption.hpp"
#include "conformance/shootdown.hpp"
#include "conformance/sleeping.hpp"
#include "conformance/vmalloc.hpp"
#include "conformance/vmap.hpp"
#include "conformance/watching.hpp"
#include "conformance/window.hpp"

namespace kmapper::conformance {

/// Writes text into a buffer that never overflows: text that does not fit is left out.
class Text {
 public:
  void add(char character) {
    if (size_ + 1 < sizeof text_) text_[size_++] = character;
  }
  void add(const char* text) {
    for (; *text != 0; ++text) add(*text);
  }
  void add(uint32_t number) {
    if (number >= 10) add(number / 10);
    add(static_cast<char>('0' + number % 10));
  }
  [[nodiscard]] const char* end() {
    text_[size_] = 0;
    return text_;
  }

 private:
  char text_[256];
  size_t size_ = 0;
};

/// The running suite.
template <Rig R>
class Suite {
 public:
  explicit Suite(R& rig) : subject_(rig) {}

  Tally run() {
    group(kPageChecks<R>);
    group(kContextChecks<R>);
    group(kWatchingChecks<R>);
    if constexpr (HasThreads<R>) {
      group(kSleepingChecks<R>);
    } else {
      absent("sleep, wake", kNoThreads, "whether a sleep ends, and whether a wake is ever lost");
    }
    group(kCpuNumberChecks<R>);
    if constexpr (kPostsFlushes<typename R::Platform>) group(kComingByChecks<R>);
    group(kMappingChecks<R>);
    group(kSharedTableChecks<R>);
    if constexpr (kPostsFlushes<typename R::Platform>) group(kDropChecks<R>);
    group(kWindowChecks<R>);
    group(kCpuChecks<R>);
    group(kPreemptionChecks<R>);
    group(kShootdownChecks<R>);
    if constexpr (LocalPlatform<typename R::Platform>) group(kLocalChecks<R>);
    if constexpr (HasVmap<R>) {
      group(kVmapChecks<R>);
      group(kVmapShootdownChecks<R>);
      if constexpr (HasVmalloc<R>) group(kVmallocChecks<R>);
    } else if constexpr (VmapPlatform<typename R::Platform>) {
      absent("vmap", "the rig has no vmap_range()", "all that vmap needs of the platform");
    }
    if constexpr (HasMapper<R>) {
      group(kCoreChecks<R>);
    } else {
      absent("kmap", "the rig has no mapper()", "whether the core runs on this platform");
    }
    say_what_is_open();
    Text text;
    text.add(tally_.passed);
    text.add(" checks passed, ");
    text.add(tally_.failed);
    text.add(" failed, ");
    text.add(tally_.skipped);
    text.add(" skipped\n");
    subject_.rig.print(text.end());
    return tally_;
  }

 private:
  /// Runs the checks in turn. Checks after a failure depend on what failed: they would fail too, or
  /// end the machine.
  template <size_t kCount>
  void group(const Check<R> (&checks)[kCount]) {
    for (const Check<R>& check : checks) {
      subject_.rig.print(check.name);
      const bool has_ground = tally_.failed == 0;
      const Verdict verdict =
          has_ground ? check.run(subject_) : skipped("it builds on what failed above");
      say(verdict);
      if (has_ground && verdict.kind == Verdict::Kind::skipped) note_open(verdict.why, check.open);
    }
  }
  /// The same for checks that need means that this rig lacks.
  void absent(const char* name, const char* why, const char* open) {
    subject_.rig.print(name);
    say(skipped(why));
    note_open(why, open);
  }

  /// A platform of one CPU need not support others.
  void note_open(const char* why, const char* open) {
    if (why == kOneCpu && R::Platform::kMaxCpus == 1) return;
    if (open != nullptr && open_count_ < kMostOpen) open_[open_count_++] = {why, open};
  }
  /// Lists what could not be checked on this kernel. A failure says enough by itself.
  void say_what_is_open() {
    if (open_count_ == 0 || tally_.failed != 0) return;
    subject_.rig.print("not checked on this kernel:\n");
    for (uint32_t i = 0; i < open_count_; ++i) {
      Text text;
      const char* const pieces[] = {"  ", open_[i].what, " (", open_[i].why, ")\n"};
      for (const char* const piece : pieces) text.add(piece);
      subject_.rig.print(text.end());
    }
  }

  void say(const Verdict& verdict) {
    Text text;
    switch (verdict.kind) {
      case Verdict::Kind::passed:
        ++tally_.passed;
        text.add(": ok");
        break;
      case Verdict::Kind::failed:
        ++tally_.failed;
        text.add(": NOT OK: ");
        break;
      case Verdict::Kind::skipped:
        ++tally_.skipped;
        text.add(": skipped: ");
        break;
    }
    size_t next = 0;
    for (const char* at = verdict.why; *at != 0; ++at) {
      if (*at == '#') {
        text.add(verdict.numbers[next++]);
      } else {
        text.add(*at);
      }
    }
    text.add('\n');
    subject_.rig.print(text.end());
  }

  struct Open {
    const char* why;
    const char* what;
  };
  static constexpr uint32_t kMostOpen = 32;

  Subject<R> subject_;
  Tally tally_;
  Open open_[kMostOpen] = {};
  uint32_t open_count_ = 0;
};

/// Runs all checks that the rig has the means for. Call it once, in a thread that may sleep, while
/// no other thread uses what the rig offers.
template <Rig R>
Tally run(R& rig) {
  return Suite<R>(rig).run();
}

}  // namespace kmapper::conformance
