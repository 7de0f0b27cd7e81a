// Runs the porters' suite (tests/conformance) on this platform, in the running kernel: on borrowed
// slots and pages of the vmap range, and then on the open window.
#include <algorithm>
#include <array>
#include <optional>

#include "arch/cpus.hpp"
#include "arch/interrupts.hpp"
#include "conformance/conformance.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/mm/vmap.hpp"
#include "kernel/sched/thread.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

using conformance::Function;

constexpr std::uint32_t kMostSlots = 32;
constexpr std::uint32_t kMostPages = 128;

/// Empty slots that no other thread uses: those of pages that are pinned while the object exists.
class BorrowedSlots {
 public:
  explicit BorrowedSlots(std::uint32_t count) : pages_(count) {
    for (Page* const page : pages_.all()) {
      (void)kmap(page);
      slots_[size_] = highmem.find(page);
      take(slots_[size_++]);
    }
  }
  ~BorrowedSlots() {
    for (std::uint32_t i = 0; i < size_; ++i) {
      {
        const InterruptsOff bounded;
        KernelPlatform::write_pte(slots_[i], pages_[i]);
      }
      kunmap(pages_[i]);
    }
  }
  BorrowedSlots(const BorrowedSlots&) = delete;
  BorrowedSlots& operator=(const BorrowedSlots&) = delete;

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] SlotIndex operator[](std::uint32_t i) const { return slots_[i]; }

 private:
  static void take(SlotIndex slot) {
    {
      const InterruptsOff bounded;
      (void)KernelPlatform::take_pte(slot);
    }
    KernelPlatform platform;
    flush_slots(platform, {&slot, 1});
  }

  HighPages pages_;
  std::array<SlotIndex, kMostSlots> slots_{};
  std::uint32_t size_ = 0;
};

/// The same for pages of the vmap range: those of an area.
class BorrowedArea {
 public:
  explicit BorrowedArea(std::uint32_t count) : pages_(count) {
    if (pages_.missing()) return;
    area_ = *vmap(pages_.all());
    if (area_ == nullptr) return;
    for (std::uint32_t i = 0; i < count; ++i) (void)KernelPlatform::take_vmap_pte((*this)[i]);
    KernelPlatform::flush_vmap();
  }
  ~BorrowedArea() {
    if (area_ == nullptr) return;
    std::uint32_t i = 0;
    for (Page* const page : pages_.all()) KernelPlatform::write_vmap_pte((*this)[i++], page);
    vunmap(area_);
  }
  BorrowedArea(const BorrowedArea&) = delete;
  BorrowedArea& operator=(const BorrowedArea&) = delete;

  [[nodiscard]] bool missing() const { return area_ == nullptr; }
  [[nodiscard]] VmapPage operator[](std::uint32_t i) const {
    return VmapPage{(to_virt(area_) - kVmapBase) / kPageSize + i};
  }

 private:
  HighPages pages_;
  void* area_ = nullptr;
};

class Rig {
 public:
  using Platform = KernelPlatform;
  static constexpr bool kSurvivesFaults = false;
  static constexpr std::uint32_t kVmapPages = 8;

  Rig()
      : pages_(std::min(highmem.slot_count() + 1, kMostPages)),
        slots_(std::in_place, std::min(highmem.slot_count() / 2, kMostSlots)),
        area_(kVmapPages),
        low_page_(alloc_pages(GFP_KERNEL, 0)) {}
  ~Rig() {
    for (std::uint32_t i = 0; i < thread_count_; ++i) (void)thread_join(*threads_[i]);
    if (low_page_ != nullptr) free_pages(low_page_, 0);
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  [[nodiscard]] bool missing() const {
    return pages_.missing() || slots_->size() < 2 || area_.missing() || low_page_ == nullptr;
  }
  [[nodiscard]] std::uint32_t threads() const { return thread_count_; }

  [[nodiscard]] static Platform platform() { return {}; }
  [[nodiscard]] std::uint32_t pages() const {
    return static_cast<std::uint32_t>(pages_.all().size());
  }
  [[nodiscard]] Page* page(std::uint32_t number) const { return pages_[number]; }
  [[nodiscard]] Page* low_page() const { return low_page_; }
  [[nodiscard]] std::uint32_t slots() const { return slots_ ? slots_->size() : 0; }
  [[nodiscard]] SlotIndex slot(std::uint32_t number) const { return (*slots_)[number]; }
  [[nodiscard]] static conformance::Seen read(const void* address) {
    return {true, *static_cast<const volatile std::uint32_t*>(address)};
  }
  static void write(void* address, std::uint32_t value) {
    *static_cast<volatile std::uint32_t*>(address) = value;
  }
  static void print(const char* text) { kernel::print("{}", text); }

  static bool run_on(std::uint32_t cpu, Function function, void* argument) {
    if (cpu >= cpu_count()) return false;
    thread_move_to(CpuNumber{cpu});
    function(argument);
    thread_roam();
    return true;
  }
  bool spawn(Function function, void* argument) {
    if (thread_count_ == threads_.size()) return false;
    Thread* const thread = thread_create("conformance", function, argument);
    if (thread == nullptr) return false;
    threads_[thread_count_++] = thread;
    return true;
  }
  static void yield() { thread_yield(); }
  static void interrupt(Function function, void* argument) {
    interrupt_ = {function, argument};
    set_interrupt_handler(Interrupt::software, [] { interrupt_.function(interrupt_.argument); });
    raise_software_interrupt();
  }

  [[nodiscard]] Mapper<Platform>& mapper() {
    slots_.reset();
    return highmem;
  }
  [[nodiscard]] static std::uint32_t vmap_pages() { return kVmapPages; }
  [[nodiscard]] VmapPage vmap_page(std::uint32_t number) const { return area_[number]; }
  [[nodiscard]] static VmallocRange<Platform>& vmap_range() { return kernel::vmap_range; }

 private:
  struct Call {
    Function function;
    void* argument;
  };
  static constinit Call interrupt_;

  HighPages pages_;
  std::optional<BorrowedSlots> slots_;
  BorrowedArea area_;
  Page* low_page_;
  std::array<Thread*, 32> threads_{};
  std::uint32_t thread_count_ = 0;
};

constinit Rig::Call Rig::interrupt_{};

Outcome this_platform_conforms() {
  Rig rig;
  if (rig.missing()) return skipped(kNoHighMemory);
  const conformance::Tally tally = conformance::run(rig);
  return tally.failed == 0 ? passed() : failed("the platform breaks a contract");
}

constexpr SelfTest kTests[] = {
    {"the platform passes its conformance suite", this_platform_conforms},
};

}  // namespace

std::span<const SelfTest> conformance_tests() { return kTests; }

}  // namespace kmapper::kernel
