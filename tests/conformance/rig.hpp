// What the suite needs to know of the machine: one class that a porter writes beside the platform.
// It takes a dozen lines if the kernel has what they call.
#pragma once

#include <stdint.h>

#include "kmapper/core/local_map.hpp"
#include "kmapper/core/mapper.hpp"
#include "kmapper/core/platform.hpp"
#include "kmapper/core/vmalloc.hpp"

namespace kmapper::conformance {

/// The contents of an address.
struct Seen {
  bool mapped;  // false: the access faulted. A rig that cannot survive a fault never returns it
  uint32_t value;
};

/// A function for a thread, a CPU or an interrupt to run.
using Function = void (*)(void* argument);

/// A rig must have these. All but print() may be called in any context.
template <class R>
concept Rig = Platform<typename R::Platform> &&
    requires(R& rig, uint32_t number, void* address, const char* text) {
  // The platform under test, as the core keeps it: by value.
  { rig.platform() } -> SameAs<typename R::Platform>;
  // High pages: pages() many, at least 3, unused and mapped by no slot. The suite writes their
  // first 4 bytes.
  { rig.pages() } -> SameAs<uint32_t>;
  { rig.page(number) } -> SameAs<typename R::Platform::Page>;
  // Unused slots: slots() many, at least 2, empty, and in no TLB. Before open() all slots are; in a
  // running kernel, take the slots of pages that the rig has pinned, and take their PTEs. The suite
  // leaves them empty.
  { rig.slots() } -> SameAs<uint32_t>;
  { rig.slot(number) } -> SameAs<SlotIndex>;
  // An access of 4 bytes, at an address that is a multiple of 4, on the caller's CPU.
  { rig.read(static_cast<const void*>(address)) } -> SameAs<Seen>;
  { rig.write(address, number) } -> SameAs<void>;
  // Whether read() survives an access where nothing is mapped, and reports it.
  bool{R::kSurvivesFaults};
  // Shows a piece of text. A line comes in two pieces, before a check and after it, so that the
  // last line names the check in which the machine died. The caller may sleep.
  { rig.print(text) } -> SameAs<void>;
};

/// Low pages exist: is_high() is false for one.
template <class R>
concept HasLowPage = requires(R& rig) {
  { rig.low_page() } -> SameAs<typename R::Platform::Page>;
};

/// There are several CPUs. run_on() runs the function on one of them, in a context that may flush
/// (interrupts on, no lock held), while the caller waits; false: there is no such CPU. Two threads
/// may call it at once, for two CPUs: both functions then run at the same time, and one may spin
/// until the other has done something. Without run_on() the suite assumes one CPU.
template <class R>
concept HasCpus = requires(R& rig, uint32_t cpu, Function function, void* argument) {
  { rig.run_on(cpu, function, argument) } -> SameAs<bool>;
};

/// There are threads. spawn() starts one, false: it cannot; yield() lets other threads run. Without
/// threads, sleep() and wake() are not checked.
template <class R>
concept HasThreads = requires(R& rig, Function function, void* argument) {
  { rig.spawn(function, argument) } -> SameAs<bool>;
  { rig.yield() } -> SameAs<void>;
};

/// There are interrupts. interrupt() raises one on the caller's CPU, whose handler runs the
/// function, and returns after it.
template <class R>
concept HasInterrupts = requires(R& rig, Function function, void* argument) {
  { rig.interrupt(function, argument) } -> SameAs<void>;
};

/// The window is open, and no other thread uses it. From the first call of mapper() on, the suite
/// uses no slot() any more: the rig may give the slots back.
template <class R>
concept HasMapper = requires(R& rig) {
  { rig.mapper() } -> SameAs<Mapper<typename R::Platform>&>;
};

/// There is vmap: at least 2 pages of the range, under the same terms as slot(); and the range
/// itself, open.
template <class R>
concept HasVmap = VmapPlatform<typename R::Platform> && requires(R& rig, uint32_t number) {
  { rig.vmap_pages() } -> SameAs<uint32_t>;
  { rig.vmap_page(number) } -> SameAs<VmapPage>;
  static_cast<VmapRange<typename R::Platform>&>(rig.vmap_range());
};

/// There is vmalloc: the range is one that allocates.
template <class R>
concept HasVmalloc = HasVmap<R> && VmallocPlatform<typename R::Platform> && requires(R& rig) {
  { rig.vmap_range() } -> SameAs<VmallocRange<typename R::Platform>&>;
};

}  // namespace kmapper::conformance
