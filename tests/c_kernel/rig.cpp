// The conformance suite on the platform of kernel.cpp, which is in an unnamed namespace. So the
// suite is in the same file, and the same namespace.
#include "kmapper/kernel.cpp"

#include "hooks.h"

namespace {

#include "conformance/conformance.hpp"

using kmapper::conformance::Function;

struct Call {
  Function function;
  void* argument;
  bool done;
};
/// One thread for each CPU, which stays there because it holds a local mapping.
struct Worker {
  spinlock lock;
  bool has_cpu;
  Call* call;  // what it is to run now, or null
};
Worker workers[MAX_CPUS];
uint32_t settled;

struct page* take_page() {
  struct page* const page = alloc_page();
  if (page == nullptr || !kmapper_port_is_high(page)) panic("no high page is left");
  return page;
}

Worker& settle_on_a_free_cpu() {
  struct page* const page = take_page();
  for (;; relax()) {
    interrupts_off();
    Worker& mine = workers[cpu_number()];
    const bool is_free = !mine.has_cpu;
    mine.has_cpu = true;
    if (is_free) (void)kmapper_kmap_local(page);
    interrupts_restore();
    if (is_free) return mine;
  }
}

int work(void* /*unused*/) {
  Worker& mine = settle_on_a_free_cpu();
  __atomic_fetch_add(&settled, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&settled, __ATOMIC_SEQ_CST) < cpu_count) relax();
  spin_lock(&mine.lock);
  for (;;) {
    while (mine.call == nullptr) sleep(&mine, &mine.lock);
    Call& call = *mine.call;
    spin_unlock(&mine.lock);
    call.function(call.argument);
    spin_lock(&mine.lock);
    mine.call = nullptr;
    call.done = true;
    wakeup(&mine);
  }
}

struct Spawned {
  Function function;
  void* argument;
  thread* handle;
};

class Rig {
 public:
  using Platform = ::Platform;
  static constexpr bool kSurvivesFaults = true;

  Rig() {
    for (struct page*& page : pages_) page = take_page();
    low_page_ = alloc_direct_page();
    share_vmap_table();
    for (uint32_t i = 0; i < cpu_count; ++i) thread_start(work, nullptr);
    while (__atomic_load_n(&settled, __ATOMIC_SEQ_CST) < cpu_count) ::yield();
  }
  ~Rig() {
    for (uint32_t i = 0; i < spawned_count_; ++i) thread_join(spawned_[i].handle);
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  static Platform platform() { return {}; }
  static uint32_t pages() { return kPages; }
  struct page* page(uint32_t number) const {
    return pages_[number];
  }
  struct page* low_page() const {
    return low_page_;
  }
  // The window is open, and nobody uses it yet.
  static uint32_t slots() { return 32; }
  static SlotIndex slot(uint32_t number) { return SlotIndex{number}; }
  static kmapper::conformance::Seen read(const void* address) {
    const probed seen = probe(address);
    return {seen.mapped != 0, seen.value};
  }
  static void write(void* address, uint32_t value) {
    *static_cast<volatile uint32_t*>(address) = value;
  }
  static void print(const char* text) { ::print("%s", text); }

  static bool run_on(uint32_t cpu, Function function, void* argument) {
    if (cpu >= cpu_count) return false;
    Worker& worker = workers[cpu];
    Call call = {function, argument, false};
    spin_lock(&worker.lock);
    while (worker.call != nullptr) sleep(&worker, &worker.lock);  // another thread's
    worker.call = &call;
    wakeup(&worker);
    while (!call.done) sleep(&worker, &worker.lock);
    spin_unlock(&worker.lock);
    return true;
  }
  bool spawn(Function function, void* argument) {
    if (spawned_count_ == kThreads) return false;
    Spawned& it = spawned_[spawned_count_++];
    it = {function, argument, nullptr};
    const auto call = [](void* spawned) {
      const auto& self = *static_cast<Spawned*>(spawned);
      self.function(self.argument);
      return 0;
    };
    it.handle = thread_start(call, &it);
    return true;
  }
  static void yield() { ::yield(); }
  static void interrupt(Function function, void* argument) { in_interrupt(function, argument); }

  static kmapper::Mapper<Platform>& mapper() { return window(); }
  static uint32_t vmap_pages() { return 8; }
  static kmapper::VmapPage vmap_page(uint32_t number) { return kmapper::VmapPage{number}; }
  static kmapper::VmallocRange<Platform>& vmap_range() {
    if (range.usage().largest_run == 0) range.open(64);
    return range;
  }

 private:
  static constexpr uint32_t kPages = KMAPPER_MAX_SLOTS + 32;
  static constexpr uint32_t kThreads = 40;
  struct page* pages_[kPages];
  struct page* low_page_;
  Spawned spawned_[kThreads];
  uint32_t spawned_count_ = 0;
};

alignas(Rig) char rig_storage[sizeof(Rig)];

}  // namespace

inline void* operator new(size_t, void* where) { return where; }

// The kernel's jobs, of jobs.c.
extern "C" {
void test_threads() {
  Rig& rig = *new (rig_storage) Rig;
  const kmapper::conformance::Tally tally = kmapper::conformance::run(rig);
  rig.~Rig();
  print(tally.failed == 0 ? "PASS\n" : "FAIL\n");
  power_off(tally.failed == 0 ? 0 : 1);
}
void run_processes() {}
void fill_memory() {}
}
