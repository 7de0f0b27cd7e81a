// The SIGBUS handler. The kernel sends SIGBUS to a thread that touches a page that the file does
// not have (it was cut short), or that the disk cannot read or write. If a mapping of an arena
// shows the page, the page is replaced by zeros, the mapping is marked, and the access is repeated.
// All other signals go to the handler that was there before.
//
// A handler searches the arenas, and what they point to, with a lock held. It is a spin lock,
// because a handler may use no other. So a thread that holds it must not fault: all signals are
// blocked meanwhile, and no page of a file is touched.
//
// Fork handlers take no lock, because fork() may be called in a signal handler that has interrupted
// the thread that holds it. Instead, the child simply opens every lock that it needs: what such a
// lock guards is consistent at every moment. The arenas, which have many locks, are left to the
// parent.
#include "process/fault/arenas.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "kmapper/process/sigbus.hpp"
#include "process/wait/threads.hpp"
#include "process/window/arena.hpp"
#include "system/fault_direction.hpp"
#include "system/page_size.hpp"
#include "system/signal_chain.hpp"
#include "system/stay_loaded.hpp"

namespace kmapper::process {
namespace {

using Word = std::atomic<std::uint32_t>;

/// The handlers' lock; 1: taken. It lies on a page that the kernel makes zeros in every child, even
/// in one that runs no fork handlers (_Fork, clone). Null: there was no arena yet.
constinit std::atomic<Word*> lock_word{nullptr};

/// All arenas, linked by their `next`. Changed with the lock held, by one store each. Release and
/// acquire: a child that finds an arena here finds it complete.
constinit std::atomic<Arena*> first_arena{nullptr};

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

/// Holds the handlers' lock. All signals are blocked.
class Locked {
 public:
  explicit Locked(Word& word) : word_(word) {
    // Acquire: pairs with the release of the last holder.
    while (word_.exchange(1, std::memory_order_acquire) != 0) Platform::relax();
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { word_.store(0, std::memory_order_release); }

 private:
  Word& word_;
};

/// Whether the signal is for an access to a mapping of an arena that may be repeated now.
bool deal_with(siginfo_t* info, void* context) noexcept {
  Word* const word = lock_word.load(std::memory_order_acquire);
  if (word == nullptr || info->si_code <= 0) return false;
  // A misaligned access stays misaligned, whatever the page shows. And a page that is known to be
  // bad, but was not accessed (BUS_MCEERR_AO), has no access to repeat.
  if (info->si_code == BUS_ADRALN || info->si_code == BUS_MCEERR_AO) return false;
  const system::Direction direction = system::direction_of(info, context);
  const Locked locked(*word);
  for (Arena* it = first_arena.load(std::memory_order_acquire); it != nullptr;
       it = it->next.load(std::memory_order_acquire)) {
    if (it->patch(static_cast<std::byte*>(info->si_addr), direction)) return true;
  }
  return false;
}

using SigbusChain = system::SignalChain<SIGBUS, deal_with>;

/// Called in the child of a fork, where the forking thread is the only one.
void leave_arenas_to_parent() {
  forget_other_threads();
  if (Word* const word = lock_word.load(std::memory_order_relaxed); word != nullptr)
    word->store(0, std::memory_order_relaxed);
  for (Arena* it = first_arena.load(std::memory_order_acquire); it != nullptr;
       it = it->next.load(std::memory_order_acquire)) {
    it->leave_to_parent();
  }
}

// Registered when the library is loaded, so that every child runs it. A child forked while the
// first arena is made would wait for the thread that makes it. An errno, or 0.
const int watching_forks = pthread_atfork(nullptr, nullptr, leave_arenas_to_parent);

/// Makes the handlers' lock. Two threads may call it at once.
void make_lock() {
  if (lock_word.load(std::memory_order_acquire) != nullptr) return;
  const std::size_t size = system::page_size();
  void* const page =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    throw std::system_error(errno, std::system_category(), "a page for the SIGBUS handler");
  // Emulators refuse this. Then only fork() opens the lock.
  (void)madvise(page, size, MADV_WIPEONFORK);
  Word* none = nullptr;
  // Acquire and release: a thread that finds the page finds it complete.
  if (!lock_word.compare_exchange_strong(none, new (page) Word(0), std::memory_order_acq_rel))
    munmap(page, size);
}

/// Sets up what the process needs once. Two threads may call it at once.
void watch_process() {
  static constinit std::atomic<bool> done{false};
  if (done.load(std::memory_order_acquire)) return;
  if (watching_forks != 0)
    throw std::system_error(watching_forks, std::system_category(), "a handler for fork");
  install_sigbus_handler();
  done.store(true, std::memory_order_release);
}

}  // namespace

void enlist(Arena& arena) {
  watch_process();
  const SignalsBlocked blocked;
  const Locked locked(*lock_word.load(std::memory_order_acquire));
  arena.next.store(first_arena.load(std::memory_order_relaxed), std::memory_order_relaxed);
  first_arena.store(&arena, std::memory_order_release);
}

void delist(Arena& arena) noexcept {
  const SignalsBlocked blocked;
  const Locked locked(*lock_word.load(std::memory_order_acquire));
  std::atomic<Arena*>* link = &first_arena;
  while (link->load(std::memory_order_relaxed) != &arena)
    link = &link->load(std::memory_order_relaxed)->next;
  link->store(arena.next.load(std::memory_order_relaxed), std::memory_order_release);
}

void wait_for_handlers() noexcept {
  const SignalsBlocked blocked;
  const Locked locked(*lock_word.load(std::memory_order_acquire));
}

bool handle_sigbus(int number, siginfo_t* info, void* context) noexcept {
  if (number != SIGBUS) return false;
  const int saved = errno;
  const SignalsBlocked blocked;
  const bool is_own = deal_with(info, context);
  errno = saved;
  return is_own;
}

void install_sigbus_handler() {
  make_lock();
  if (!system::stay_loaded())
    throw std::system_error(ELIBACC, std::system_category(),
                            "keeping the code of the SIGBUS handler loaded");
  SigbusChain::install();
}

}  // namespace kmapper::process
