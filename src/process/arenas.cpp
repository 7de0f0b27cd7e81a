// The SIGBUS handler. A page that the file has not got (somebody else cut it short), or that the
// disk cannot give or take, is a SIGBUS for the thread that touches it. If the page is one that a
// mapping of ours shows, it is replaced by zeros, the mapping is marked, and the access goes on.
// What is not ours goes to the handler that was there before.
#include "process/arenas.hpp"

#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <system_error>

#include "process/arena.hpp"
#include "process/fault_direction.hpp"
#include "process/signal_chain.hpp"

namespace kmapper::process {
namespace {

/// An arena, or (null) a place for one. Never freed: a handler in another thread may be looking.
struct Place {
  std::atomic<Arena*> arena{nullptr};
  Place* next = nullptr;
};

std::atomic<Place*> places{nullptr};  // release and acquire: a place is complete when it is seen
std::mutex places_mutex;              // of who changes them
struct sigaction previous_action;
std::atomic_flag patching;  // two threads may fault at one page

bool patch(std::byte* address, Direction direction) {
  bool patched = false;
  while (patching.test_and_set(std::memory_order_acquire)) Platform::relax();
  for (const Place* it = places.load(std::memory_order_acquire); it != nullptr && !patched;
       it = it->next) {
    Arena* const arena = it->arena.load(std::memory_order_acquire);
    patched = arena != nullptr && arena->patch(address, direction);
  }
  patching.clear(std::memory_order_release);
  return patched;
}

void on_sigbus(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  // A misaligned access stays one, whatever the page shows.
  const bool ours = info->si_code > 0 && info->si_code != BUS_ADRALN &&
                    patch(static_cast<std::byte*>(info->si_addr), direction_of(info, context));
  errno = saved;
  if (ours) return;
  pass_on(previous_action, number, info, context);
}

/// In the child, of which the forking thread is the only one.
void on_fork() {
  for (const Place* it = places.load(std::memory_order_acquire); it != nullptr; it = it->next) {
    if (Arena* const arena = it->arena.load(std::memory_order_relaxed); arena != nullptr)
      arena->leave_to_parent();
  }
}

void install() {
  struct sigaction action {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &previous_action) != 0)
    throw std::system_error(errno, std::system_category(), "a handler for SIGBUS");
  if (const int number = pthread_atfork(nullptr, nullptr, on_fork); number != 0)
    throw std::system_error(number, std::system_category(), "a handler for fork");
}

}  // namespace

void enlist(Arena& arena) {
  static std::once_flag installed;
  std::call_once(installed, install);
  const std::lock_guard lock(places_mutex);
  Place* place = places.load(std::memory_order_relaxed);
  while (place != nullptr && place->arena.load(std::memory_order_relaxed) != nullptr)
    place = place->next;
  if (place == nullptr) {
    place = new Place;
    place->next = places.load(std::memory_order_relaxed);
    places.store(place, std::memory_order_release);
  }
  place->arena.store(&arena, std::memory_order_release);
}

void delist(Arena& arena) noexcept {
  const std::lock_guard lock(places_mutex);
  for (Place* it = places.load(std::memory_order_relaxed); it != nullptr; it = it->next) {
    if (it->arena.load(std::memory_order_relaxed) == &arena)
      it->arena.store(nullptr, std::memory_order_release);
  }
}

}  // namespace kmapper::process
