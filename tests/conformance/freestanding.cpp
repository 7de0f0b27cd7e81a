// The smallest platform that satisfies the seam, and the whole core compiled over it, for a machine
// without an operating system. It is compiled, never linked or run; what the object may ask of its
// surroundings is what is declared here as platform_..., and compile_freestanding.sh looks that it
// asks for nothing else.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/local_map.hpp"
#include "core/mapper_impl.hpp"
#include "core/vmap.hpp"
#include "kmapper/local_mapping.hpp"
#include "kmapper/mapping.hpp"
#include "kmapper/reservation.hpp"

extern "C" {
void* platform_address(std::uint32_t slot);
void* platform_direct_address(std::uint32_t page);
std::atomic<std::uint32_t>* platform_page_virtual(std::uint32_t page);
void platform_write_pte(std::uint32_t slot, std::uint32_t page);
bool platform_take_pte(std::uint32_t slot);
void platform_invalidate(const kmapper::SlotIndex* slots, std::size_t count);
kmapper::LocalStack<std::uint64_t, std::atomic>* platform_local_stack();
std::uint64_t* platform_local_pte(std::uint32_t slot);
void* platform_local_address(std::uint32_t slot);
std::uint64_t platform_pte(std::uint32_t page);
void platform_drop(void* address);
std::atomic<std::uint64_t>* platform_vmap_pte(std::uint32_t page);
void* platform_vmap_address(std::uint32_t page);
void platform_drop_all();
bool platform_interrupts(bool enable);
void platform_lock(std::atomic<std::uint32_t>* lock);
void platform_unlock(std::atomic<std::uint32_t>* lock);
void platform_sleep(std::atomic<std::uint32_t>* lock, std::uint64_t deadline_ns);
void platform_wake(std::uint32_t thread);
std::uint32_t platform_thread();
std::uint64_t platform_now();
std::uint64_t platform_age(std::uint32_t stamp);
void platform_count(kmapper::Event event, std::uint64_t n);
std::uint64_t platform_counted(kmapper::Event event);
void platform_report(kmapper::Misuse what, std::uint32_t page);
}

namespace bare {

using kmapper::LocalSlot;
using kmapper::SlotIndex;
using kmapper::to_number;
using kmapper::VmapPage;

class Bare {
 public:
  using Page = std::uint32_t;
  using Stamp = std::uint32_t;
  template <class T>
  using Atomic = std::atomic<T>;

  static constexpr std::size_t kMaxSlots = 1024;
  static constexpr std::size_t kMaxCpus = 4;
  static constexpr std::size_t kPageSize = 4096;
  static constexpr bool kHardwareSetsAccessed = true;
  static constexpr bool kChecked = KMAPPER_CHECKED != 0;
  static constexpr bool kStrict = KMAPPER_CHECKED != 0;

  class Lock {
   public:
    void lock() { platform_lock(&word_); }
    void unlock() { platform_unlock(&word_); }

   private:
    friend class Bare;
    std::atomic<std::uint32_t> word_{0};
  };
  class InterruptsOff {
   public:
    explicit InterruptsOff(Bare& /*platform*/) : were_on_(platform_interrupts(false)) {}
    ~InterruptsOff() { platform_interrupts(were_on_); }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

   private:
    bool were_on_;
  };
  struct Sleeper {
    explicit Sleeper(Bare& /*platform*/) : thread(platform_thread()) {}
    std::uint32_t thread;
  };

  static bool is_high(Page page) { return page >= 0x1000; }
  static void* direct_address(Page page) { return platform_direct_address(page); }
  static bool is_direct(const void* address) { return address < platform_address(0); }
  static Atomic<std::uint32_t>& page_virtual(Page page) { return *platform_page_virtual(page); }

  static void* address(SlotIndex slot) { return platform_address(to_number(slot)); }
  static void write_pte(SlotIndex slot, Page page) { platform_write_pte(to_number(slot), page); }
  static bool take_pte(SlotIndex slot) { return platform_take_pte(to_number(slot)); }
  static void invalidate(std::span<const SlotIndex> slots) {
    platform_invalidate(slots.data(), slots.size());
  }

  using LocalPte = std::uint64_t;
  using LocalStack = kmapper::LocalStack<LocalPte, std::atomic>;
  static LocalStack& local_stack() { return *platform_local_stack(); }
  static LocalSlot first_local_slot() { return LocalSlot{0}; }
  static void* local_address(LocalSlot slot) { return platform_local_address(to_number(slot)); }
  static bool is_local(const void* address) { return address >= platform_local_address(0); }
  static void write_local_pte(LocalSlot slot, Page page) {
    *platform_local_pte(to_number(slot)) = platform_pte(page);
  }
  static void clear_local_pte(LocalSlot slot) { (void)take_local_pte(slot); }
  static LocalPte take_local_pte(LocalSlot slot) {
    const LocalPte pte = *platform_local_pte(to_number(slot));
    *platform_local_pte(to_number(slot)) = 0;
    platform_drop(local_address(slot));
    return pte;
  }
  static void put_local_pte(LocalSlot slot, LocalPte pte) {
    *platform_local_pte(to_number(slot)) = pte;
  }
  static Page local_page(LocalSlot slot) {
    return static_cast<Page>(*platform_local_pte(to_number(slot)) >> 12);
  }
  static void note_call_site(const void*& call_site) { call_site = __builtin_return_address(0); }

  static constexpr std::size_t kMaxVmapPages = 1024;
  static void* vmap_address(VmapPage at) { return platform_vmap_address(to_number(at)); }
  static void write_vmap_pte(VmapPage at, Page page) {
    platform_vmap_pte(to_number(at))->store(platform_pte(page));
  }
  static bool take_vmap_pte(VmapPage at) {
    return (platform_vmap_pte(to_number(at))->exchange(0) & 0x20) != 0;
  }
  static void flush_vmap() { platform_drop_all(); }

  static std::uint32_t cpu() { return 0; }
  static bool may_sleep() { return true; }
  static bool may_flush() { return true; }
  static void relax() { asm volatile("pause"); }
  static void sleep(Lock& lock, Sleeper& /*self*/, std::uint64_t deadline_ns) {
    platform_sleep(&lock.word_, deadline_ns);
  }
  static void wake(Sleeper& sleeper) { platform_wake(sleeper.thread); }

  static Stamp stamp() { return platform_thread(); }
  static bool same_holder(Stamp one, Stamp other) { return one == other; }
  static std::uint64_t age_ns(Stamp stamp) { return platform_age(stamp); }
  static std::uint64_t now() { return platform_now(); }
  static void count(kmapper::Event event, std::uint64_t n = 1) { platform_count(event, n); }
  static std::uint64_t counted(kmapper::Event event) { return platform_counted(event); }
  static void report(const kmapper::MisuseReport<Bare>& misuse) {
    platform_report(misuse.what, misuse.page);
  }
};

static_assert(kmapper::LocalPlatform<Bare> && kmapper::VmapPlatform<Bare>);

}  // namespace bare

// Everything that is no template of its own, and one use of what is.
template class kmapper::Mapper<bare::Bare>;
template class kmapper::LocalMapper<bare::Bare>;
template class kmapper::LocalMapping<bare::Bare>;
template class kmapper::LocalPair<bare::Bare>;
template class kmapper::Mapping<bare::Bare>;
template class kmapper::Reservation<bare::Bare>;
template class kmapper::VmapRange<bare::Bare>;
template std::uint32_t kmapper::Mapper<bare::Bare>::release_pins(bool (*)(bare::Bare::Stamp));
