// The library's handler for SIGBUS among the program's own: called by one, installed before a later
// one; and what it reads while other threads remove that.
#include "kmapper/process/sigbus.hpp"

#include <gtest/gtest.h>
#include <setjmp.h>  // sigsetjmp()
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/kmapper.h"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr int kSeconds = 60;
const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);

Budget small_budget() {
  return Budget({.bytes = 16 * page_bytes, .granule = page_bytes, .placement = Placement::slots});
}

/// A file with a mapping of a page that the file has lost.
class CutFile {
 public:
  explicit CutFile(const Budget& budget = small_budget())
      : window_(file_.descriptor(), Access::read_only, budget) {
    EXPECT_EQ(ftruncate64(file_.descriptor(), page_bytes), 0);
  }
  [[nodiscard]] std::byte read() const { return *const_cast<const volatile std::byte*>(data()); }
  [[nodiscard]] const std::byte* data() const { return lost_->data(); }
  [[nodiscard]] bool is_bad() const { return lost_->bad(); }

 private:
  const ScratchFile file_{16 * page_bytes};
  FileWindow window_;
  const Expected<Mapping> lost_ = window_.map(8 * page_bytes, page_bytes);
};

/// A page of an empty file that does not belong to the library: an access is a SIGBUS.
volatile char* page_of_another() {
  const int file = memfd_create("another", MFD_CLOEXEC);
  void* const page =
      mmap(nullptr, static_cast<std::size_t>(page_bytes), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  return static_cast<volatile char*>(page);
}

struct sigaction later_found;  // what a later handler replaced
volatile std::sig_atomic_t calls = 0;
volatile std::sig_atomic_t own_faults = 0;
sigjmp_buf away;

void install(void (*function)(int, siginfo_t*, void*), int flags = 0) {
  struct sigaction action {};
  action.sa_sigaction = function;
  action.sa_flags = SA_SIGINFO | flags;
  sigaction(SIGBUS, &action, &later_found);
}

/// Touches the page. True: a handler has jumped back.
[[gnu::noinline]] bool touch_and_be_sent_back(const volatile char* page) {
  if (sigsetjmp(away, 1) != 0) return true;
  (void)*page;
  return false;
}

void ask_the_library(int number, siginfo_t* info, void* context) {
  calls = calls + 1;
  if (handle_sigbus(number, info, context)) {
    own_faults = own_faults + 1;
    return;
  }
  siglongjmp(away, 1);
}

TEST(Sigbus, AHandlerOfTheProgramsAsksWhetherAFaultIsTheLibrarys) {
  EXPECT_EQ(in_a_child_within(kSeconds,
                              [] {
                                const CutFile cut;
                                install(ask_the_library);
                                if (cut.read() != std::byte{0} || !cut.is_bad()) return 1;
                                if (calls != 1 || own_faults != 1) return 2;
                                if (!touch_and_be_sent_back(page_of_another())) return 3;
                                return calls == 2 && own_faults == 1 ? 0 : 4;
                              }),
            0);
}

TEST(Sigbus, WhatIsNoSigbusIsNotTheLibrarys) {
  siginfo_t info{};
  EXPECT_FALSE(handle_sigbus(SIGSEGV, &info, nullptr));
  EXPECT_FALSE(handle_sigbus(SIGBUS, &info, nullptr));  // sent: code 0
}

void ask_the_library_in_c(int number, siginfo_t* info, void* context) {
  calls = calls + 1;
  if (kmapper_handle_sigbus(number, info, context) == 0) siglongjmp(away, 1);
}

TEST(Sigbus, CProgramsAskTheSame) {
  EXPECT_EQ(in_a_child_within(kSeconds,
                              [] {
                                const CutFile cut;
                                install(ask_the_library_in_c);
                                if (cut.read() != std::byte{0} || calls != 1) return 1;
                                if (kmapper_install_sigbus_handler() != KMAPPER_OK) return 2;
                                const CutFile again;
                                return again.read() == std::byte{0} && calls == 1 ? 0 : 3;
                              }),
            0);
}

void count_and_jump(int /*number*/, siginfo_t* /*info*/, void* /*context*/) {
  calls = calls + 1;
  siglongjmp(away, 1);
}

TEST(Sigbus, IsPutInFrontOfAHandlerThatCameLater) {
  EXPECT_EQ(in_a_child_within(kSeconds,
                              [] {
                                const CutFile cut;
                                install(count_and_jump);
                                for (int i = 0; i < 3; ++i) install_sigbus_handler();
                                if (cut.read() != std::byte{0} || calls != 0) return 1;
                                const volatile char* const other = page_of_another();
                                for (int i = 1; i <= 3; ++i) {
                                  if (!touch_and_be_sent_back(other)) return 2;
                                  if (calls != i) return 3;
                                }
                                return 0;
                              }),
            0);
}

// Like Python's faulthandler: reports the program's position, restores the handler that it found,
// and sends the signal once more.
void give_back_and_raise(int number, siginfo_t* /*info*/, void* /*context*/) {
  calls = calls + 1;
  if (calls > 5) _exit(50);
  sigaction(number, &later_found, nullptr);
  raise(number);
}

// Other handlers return, so that the access is repeated.
void give_back_and_return(int number, siginfo_t* /*info*/, void* /*context*/) {
  calls = calls + 1;
  if (calls > 5) _exit(50);
  sigaction(number, &later_found, nullptr);
}

TEST(Sigbus, AHandlerThatGivesBackWhatItFoundIsCalledOnce) {
  for (const bool raises : {true, false}) {
    for (const int flags : {SA_NODEFER | SA_ONSTACK, 0}) {
      EXPECT_EQ(in_a_child_within(kSeconds,
                                  [&] {
                                    install(count_and_jump);  // the first of all
                                    const CutFile cut;
                                    install_sigbus_handler();
                                    install(raises ? give_back_and_raise : give_back_and_return,
                                            flags);
                                    install_sigbus_handler();
                                    if (cut.read() != std::byte{0} || calls != 0) return 1;
                                    if (!touch_and_be_sent_back(page_of_another())) return 2;
                                    if (calls != 2) return 3;
                                    const CutFile again;
                                    return again.read() == std::byte{0} && calls == 2 ? 0 : 4;
                                  }),
                0);
    }
  }
}

TEST(Sigbus, AHandlerIsEnabledAndDisabledAsOftenAsItLikes) {
  EXPECT_EQ(in_a_child_within(kSeconds,
                              [] {
                                const CutFile cut;
                                for (int i = 0; i < 100; ++i) {
                                  install(give_back_and_raise, SA_NODEFER);
                                  install_sigbus_handler();
                                  sigaction(SIGBUS, &later_found, nullptr);
                                }
                                return cut.read() == std::byte{0} && calls == 0 ? 0 : 1;
                              }),
            0);
}

TEST(Sigbus, MoreHandlersThanAreKeptApartAreRefused) {
  EXPECT_EQ(in_a_child_within(kSeconds,
                              [] {
                                try {
                                  for (int i = 0; i < 100; ++i) {
                                    struct sigaction action {};
                                    action.sa_sigaction = count_and_jump;
                                    action.sa_flags = SA_SIGINFO;
                                    sigemptyset(&action.sa_mask);
                                    for (int bit = 0; bit < 7; ++bit) {
                                      if ((i >> bit & 1) != 0) sigaddset(&action.sa_mask, 10 + bit);
                                    }
                                    sigaction(SIGBUS, &action, nullptr);
                                    install_sigbus_handler();
                                  }
                                } catch (const std::system_error& error) {
                                  return error.code() == std::errc::no_space_on_device ? 0 : 1;
                                }
                                return 2;
                              }),
            0);
}

const std::byte* lost_to_handler = nullptr;
std::size_t next_in_handler = 0;

void read_a_page_that_is_lost(int /*number*/) {
  (void)*const_cast<const volatile std::byte*>(lost_to_handler + next_in_handler);
  next_in_handler = (next_in_handler + static_cast<std::size_t>(page_bytes)) % (1 << 20);
}

// While a fault is handled, no other signal comes: its handler might fault, too.
TEST(Sigbus, AFaultThatIsDealtWithIsNotInterrupted) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer runs no handler for a fault in a handler";
#endif
  constexpr std::int64_t kGranule = 1 << 20;
  constexpr int kRounds = 10;
  EXPECT_EQ(in_a_child_within(kSeconds,
                              [] {
                                struct sigaction action {};
                                action.sa_handler = read_a_page_that_is_lost;
                                sigaction(SIGUSR1, &action, nullptr);
                                const pthread_t self = pthread_self();
                                const ScratchFile file(2 * kGranule);
                                FileWindow window(file.descriptor(), Access::read_only,
                                                  Budget({.bytes = 16 * kGranule,
                                                          .granule = kGranule,
                                                          .placement = Placement::slots}));
                                for (int round = 0; round < kRounds; ++round) {
                                  if (ftruncate64(file.descriptor(), 2 * kGranule) != 0) return 1;
                                  const Expected<Mapping> lost = window.map(0, kGranule);
                                  const Expected<Mapping> other = window.map(kGranule, kGranule);
                                  if (!lost || !other || ftruncate64(file.descriptor(), 0) != 0)
                                    return 2;
                                  lost_to_handler = other->data();
                                  std::atomic<bool> done{false};
                                  std::jthread sender([&] {
                                    while (!done) pthread_kill(self, SIGUSR1);
                                  });
                                  for (std::int64_t at = 0; at < kGranule; at += page_bytes)
                                    (void)*const_cast<const volatile std::byte*>(lost->data() + at);
                                  done = true;
                                }
                                return 0;
                              }),
            0);
}

std::atomic<int> faults{0};

/// Reads a cut file of its own, again and again, until `done` is set.
void fault_until(const std::atomic<bool>& done, const Budget& budget) {
  const ScratchFile file(4 * page_bytes);
  FileWindow window(file.descriptor(), Access::read_only, budget);
  while (!done) {
    if (ftruncate64(file.descriptor(), 4 * page_bytes) != 0) return;
    const Expected<Mapping> lost = window.map(2 * page_bytes, 1);
    if (!lost || ftruncate64(file.descriptor(), 0) != 0) continue;
    (void)*const_cast<const volatile std::byte*>(lost->data());
    ++faults;
  }
}

void wait_for_faults(int count) {
  const int end = faults + count;
  while (faults < end) std::this_thread::yield();
}

TEST(Sigbus, BudgetsComeAndGoWhileOtherThreadsFault) {
  EXPECT_EQ(in_a_child_within(kSeconds,
                              [] {
                                std::atomic<bool> done{false};
                                const Budget budget = small_budget();
                                constexpr int kThreads = 3;
                                std::vector<std::jthread> threads;
                                threads.reserve(kThreads);
                                for (int i = 0; i < kThreads; ++i)
                                  threads.emplace_back([&] { fault_until(done, budget); });
                                for (int i = 0; i < 25; ++i) {
                                  // A handler reads each of the budget's slots, and may be at it
                                  // when the budget is destroyed.
                                  const Budget other(
                                      {.bytes = 16'000 * page_bytes, .granule = page_bytes});
                                  wait_for_faults(2);
                                }
                                done = true;
                                return 0;
                              }),
            0);
}

}  // namespace
}  // namespace kmapper::process
