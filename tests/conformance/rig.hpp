// What the suite needs to know of the machine that it runs on: one class that a porter writes
// beside his platform. It takes a dozen lines where the kernel has what they call.
#pragma once

#include <concepts>
#include <cstdint>

#include "kmapper/core/local_map.hpp"
#include "kmapper/core/mapper.hpp"
#include "kmapper/core/platform.hpp"
#include "kmapper/core/vmap.hpp"

namespace kmapper::conformance {

/// What is at an address.
struct Seen {
  bool mapped;  // false: the access faulted. A rig that cannot survive a fault never says so
  std::uint32_t value;
};

/// What a thread, a CPU or an interrupt is to run.
using Function = void (*)(void* argument);

/// A rig must have these. All but print() may be called in any context.
template <class R>
concept Rig = Platform<typename R::Platform> &&
    requires(R& rig, std::uint32_t number, void* address, const char* text) {
  // The platform under test, as the core keeps it: by value.
  { rig.platform() } -> std::same_as<typename R::Platform>;
  // High pages, as many as pages() says, 3 or more, that nobody else uses and no slot maps. The
  // suite writes their first 4 bytes.
  { rig.pages() } -> std::same_as<std::uint32_t>;
  { rig.page(number) } -> std::same_as<typename R::Platform::Page>;
  // Slots that nobody else uses, as many as slots() says, 2 or more: empty, and in no TLB. Before
  // open() that is any; in a kernel that runs already, those of pages which the rig has pinned, and
  // whose PTEs it has taken. The suite leaves them empty.
  { rig.slots() } -> std::same_as<std::uint32_t>;
  { rig.slot(number) } -> std::same_as<SlotIndex>;
  // An access of 4 bytes, at an address that is a multiple of 4, on the CPU where the caller is.
  { rig.read(static_cast<const void*>(address)) } -> std::same_as<Seen>;
  { rig.write(address, number) } -> std::same_as<void>;
  // Whether read() survives where nothing is mapped, and says so.
  { R::kSurvivesFaults } -> std::convertible_to<bool>;
  // Shows a piece of text. A line comes in two pieces, before a check and after it, so that the
  // last line tells what the machine was at when it died. The caller may sleep.
  { rig.print(text) } -> std::same_as<void>;
};

/// Low pages exist: is_high() is false for one.
template <class R>
concept HasLowPage = requires(R& rig) {
  { rig.low_page() } -> std::same_as<typename R::Platform::Page>;
};

/// There are several CPUs. run_on() runs the function on one of them, in a context that may flush
/// (interrupts on, no lock held), with the caller waiting; false: there is no such CPU. Two threads
/// may call it at once, for two CPUs: both functions then run at the same time, and may spin until
/// the other has done something. Without it the suite takes the machine for one with one CPU.
template <class R>
concept HasCpus = requires(R& rig, std::uint32_t cpu, Function function, void* argument) {
  { rig.run_on(cpu, function, argument) } -> std::same_as<bool>;
};

/// There are threads. spawn() starts one, false: it cannot; yield() lets others run. Without them
/// sleep() and wake() are not looked at.
template <class R>
concept HasThreads = requires(R& rig, Function function, void* argument) {
  { rig.spawn(function, argument) } -> std::same_as<bool>;
  { rig.yield() } -> std::same_as<void>;
};

/// There are interrupts. interrupt() has one come, on the CPU where the caller is, which runs the
/// function, and returns after it.
template <class R>
concept HasInterrupts = requires(R& rig, Function function, void* argument) {
  { rig.interrupt(function, argument) } -> std::same_as<void>;
};

/// The window is open, and other users leave it alone. From the first call on, the suite uses no
/// slot() any more: they may go back to where they come from.
template <class R>
concept HasMapper = requires(R& rig) {
  { rig.mapper() } -> std::same_as<Mapper<typename R::Platform>&>;
};

/// There is vmap: pages of the range, 2 or more, on the terms of slot(); and the range itself,
/// open.
template <class R>
concept HasVmap = VmapPlatform<typename R::Platform> && requires(R& rig, std::uint32_t number) {
  { rig.vmap_pages() } -> std::same_as<std::uint32_t>;
  { rig.vmap_page(number) } -> std::same_as<VmapPage>;
  { rig.vmap_range() } -> std::same_as<VmapRange<typename R::Platform>&>;
};

}  // namespace kmapper::conformance
