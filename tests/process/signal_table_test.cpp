// What an earlier handler for SIGBUS sees, and how the process ends, must be the same as without
// the library, for each disposition, flag and mask, and each way in which the signal comes. Each
// case runs in two children, of which one has the library, and all that can be observed is
// compared.
#include <gtest/gtest.h>
#include <pthread.h>
#include <setjmp.h>  // sigsetjmp()
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kmapper/process/process.hpp"
#include "kmapper/process/sigbus.hpp"

namespace kmapper::process {
namespace {

enum class Source { fault, kill, sigqueue, pthread_kill };
enum class Leaving { repairs, returns, jumps };  // how a handler ends

struct Case {
  bool is_function;
  bool is_ignored;  // otherwise it is the default
  int flags;
  int mask;  // 0: nothing; 1: SIGUSR1; 2: all signals but that
  Source source;
  Leaving leaving;
};

std::string name_of(const Case& it) {
  std::string name = it.is_function ? "a handler" : (it.is_ignored ? "SIG_IGN" : "SIG_DFL");
  const std::pair<int, const char*> flags[] = {{SA_SIGINFO, "SA_SIGINFO"},
                                               {static_cast<int>(SA_RESETHAND), "SA_RESETHAND"},
                                               {SA_NODEFER, "SA_NODEFER"},
                                               {SA_RESTART, "SA_RESTART"},
                                               {SA_ONSTACK, "SA_ONSTACK"}};
  for (const auto& [flag, text] : flags) {
    if ((it.flags & flag) != 0) name += std::string(", ") + text;
  }
  const char* const sources[] = {"a fault", "kill", "sigqueue", "pthread_kill"};
  const char* const leavings[] = {"repairs", "returns", "jumps"};
  return name + ", mask " + std::to_string(it.mask) + ", by " +
         sources[static_cast<int>(it.source)] + ", " + leavings[static_cast<int>(it.leaving)];
}

/// One call of a handler. All members are words, so that there is no padding.
struct Call {
  std::uint64_t mask;
  std::uint64_t interrupted_mask;
  std::int64_t code;
  std::int64_t is_at_page;
  std::int64_t is_from_self;
  std::int64_t value;
  std::int64_t is_on_other_stack;
  std::int64_t error;
};

constexpr int kRounds = 2;
constexpr int kMostCalls = 8;

/// The observations, in memory that parent and child share.
struct Seen {
  std::int64_t calls;
  Call each[kMostCalls];
  std::int64_t read[kRounds];
  std::int64_t error[kRounds];
  std::uint64_t mask[kRounds];
  std::int64_t jumps;
  std::int64_t status;
};

constexpr int kErrno = 77;
constexpr std::int64_t kCallsAtMost = 3;  // then it is repaired

Case current;
Seen* seen = nullptr;
int file = -1;
void* page = nullptr;
sigjmp_buf before_fault;
alignas(64) char other_stack[1 << 16];

std::uint64_t bits_of(const sigset_t& signals) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &signals, sizeof bits);
  return bits;
}

std::uint64_t current_mask() {
  sigset_t mask;
  sigemptyset(&mask);
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return bits_of(mask);
}

void note(Call call) {
  const char* const frame = static_cast<const char*>(__builtin_frame_address(0));
  call.mask = current_mask();
  call.is_on_other_stack = frame >= other_stack && frame < other_stack + sizeof other_stack;
  call.error = errno;
  const auto number = std::atomic_ref(seen->calls).load();
  if (number < kMostCalls) seen->each[number] = call;
  errno = kErrno + 1;
  if (current.source == Source::fault &&
      (current.leaving == Leaving::repairs || number + 1 >= kCallsAtMost)) {
    (void)!ftruncate(file, 1);
  }
  std::atomic_ref(seen->calls).store(number + 1);
  if (current.leaving == Leaving::jumps) siglongjmp(before_fault, 1);
}

void handle(int /*number*/) { note({}); }

void handle_with_siginfo(int /*number*/, siginfo_t* info, void* context) {
  auto& interrupted = static_cast<ucontext_t*>(context)->uc_sigmask;
  Call call{};
  call.interrupted_mask = bits_of(interrupted);
  call.code = info->si_code;
  if (current.source == Source::fault) {
    call.is_at_page = info->si_addr == page ? 1 : 0;
  } else {
    call.is_from_self = info->si_pid == getpid() ? 1 : 0;
  }
  if (current.source == Source::sigqueue) call.value = info->si_value.sival_int;
  sigaddset(&interrupted, SIGUSR2);  // it is blocked from now on
  note(call);
}

void install_handler() {
  struct sigaction action {};
  if (!current.is_function) {
    action.sa_handler = current.is_ignored ? SIG_IGN : SIG_DFL;
  } else if ((current.flags & SA_SIGINFO) != 0) {
    action.sa_sigaction = handle_with_siginfo;
  } else {
    action.sa_handler = handle;
  }
  action.sa_flags = current.flags;
  sigemptyset(&action.sa_mask);
  if (current.mask == 1) sigaddset(&action.sa_mask, SIGUSR1);
  if (current.mask == 2) {
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGUSR1);
  }
  sigaction(SIGBUS, &action, nullptr);
  const stack_t stack{.ss_sp = other_stack, .ss_flags = 0, .ss_size = sizeof other_stack};
  sigaltstack(&stack, nullptr);
}

/// Whether the kernel says that the process's first thread sleeps.
bool first_thread_sleeps() {
  const std::string name = "/proc/self/task/" + std::to_string(getpid()) + "/stat";
  char text[512] = {};
  std::FILE* const status = std::fopen(name.c_str(), "re");
  if (status == nullptr) return false;
  const std::size_t size = std::fread(text, 1, sizeof text - 1, status);
  std::fclose(status);
  const char* const end = size != 0 ? std::strrchr(text, ')') : nullptr;
  return end != nullptr && end[1] == ' ' && end[2] == 'S';
}

void send(pthread_t to) {
  if (current.source == Source::kill) kill(getpid(), SIGBUS);
  if (current.source == Source::sigqueue) sigqueue(getpid(), SIGBUS, sigval{.sival_int = 42});
  if (current.source == Source::pthread_kill) pthread_kill(to, SIGBUS);
}

/// Reads, while another thread sends the signal and, after the signal was handled, writes.
void read_while_it_is_sent(int round) {
  int ends[2];
  if (pipe(ends) != 0) _exit(100);
  const pthread_t self = pthread_self();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread sender([&] {
    while (!first_thread_sleeps()) std::this_thread::yield();
    const std::int64_t calls = std::atomic_ref(seen->calls).load();
    send(self);
    while (current.is_function && std::atomic_ref(seen->calls).load() == calls)
      std::this_thread::yield();
    (void)!write(ends[1], "x", 1);
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  char byte = 0;
  errno = kErrno;
  seen->read[round] = -2;
  if (sigsetjmp(before_fault, 1) == 0) {
    seen->read[round] = read(ends[0], &byte, 1);
  } else {
    ++seen->jumps;
  }
  seen->error[round] = errno;
  seen->mask[round] = current_mask();
  if (byte == 0) (void)!read(ends[0], &byte, 1);
  sender.join();
  close(ends[0]);
  close(ends[1]);
}

void access_page(int round) {
  (void)!ftruncate(file, 0);
  errno = kErrno;
  if (sigsetjmp(before_fault, 1) == 0) {
    (void)*static_cast<volatile char*>(page);
  } else {
    ++seen->jumps;
  }
  seen->error[round] = errno;
  seen->mask[round] = current_mask();
}

[[noreturn]] void run_in_this_process(bool with_library) {
  alarm(60);
  const rlimit no_core{};
  setrlimit(RLIMIT_CORE, &no_core);
  install_handler();
  if (with_library) {
    const Budget budget({.bytes = 8 << 16});
    install_sigbus_handler();  // an earlier test in this process may have installed one
    for (int round = 0; round < kRounds; ++round)
      current.source == Source::fault ? access_page(round) : read_while_it_is_sent(round);
    _exit(0);
  }
  for (int round = 0; round < kRounds; ++round)
    current.source == Source::fault ? access_page(round) : read_while_it_is_sent(round);
  _exit(0);
}

Seen outcome_of(const Case& it, bool with_library) {
  std::memset(seen, 0, sizeof *seen);
  current = it;
  const pid_t child = fork();
  if (child == 0) run_in_this_process(with_library);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  Seen result = *seen;
  result.status = status;
  return result;
}

class SignalTable : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer delivers signals late, and on its own conditions";
#endif
    void* const shared =
        mmap(nullptr, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    seen = static_cast<Seen*>(shared);
    file = memfd_create("cut", MFD_CLOEXEC);
    page = mmap(nullptr, 1, PROT_READ, MAP_SHARED, file, 0);
    ASSERT_NE(page, MAP_FAILED);
  }
  void TearDown() override {
    if (seen == nullptr) return;
    munmap(page, 1);
    close(file);
    munmap(seen, sizeof *seen);
    seen = nullptr;
  }

  static void expect_same(const Case& it) {
    const Seen without = outcome_of(it, false);
    const Seen with = outcome_of(it, true);
    if (std::memcmp(&without, &with, sizeof with) == 0) return;
    ADD_FAILURE() << name_of(it) << "\n  without the library: " << text_of(without)
                  << "\n  with it:             " << text_of(with);
  }

 private:
  static std::string text_of(const Seen& it) {
    std::string text = WIFSIGNALED(it.status) ? "signal " + std::to_string(WTERMSIG(it.status))
                                              : "exit " + std::to_string(WEXITSTATUS(it.status));
    text += ", " + std::to_string(it.calls) + " calls, " + std::to_string(it.jumps) + " jumps";
    char line[256];
    for (std::int64_t i = 0; i < std::min<std::int64_t>(it.calls, kMostCalls); ++i) {
      const Call& call = it.each[i];
      std::snprintf(
          line, sizeof line,
          "; call %lld: mask %llx over %llx, code %lld, at the page %lld, from self %lld, "
          "value %lld, other stack %lld, errno %lld",
          static_cast<long long>(i), static_cast<unsigned long long>(call.mask),
          static_cast<unsigned long long>(call.interrupted_mask), static_cast<long long>(call.code),
          static_cast<long long>(call.is_at_page), static_cast<long long>(call.is_from_self),
          static_cast<long long>(call.value), static_cast<long long>(call.is_on_other_stack),
          static_cast<long long>(call.error));
      text += line;
    }
    for (int i = 0; i < kRounds; ++i) {
      std::snprintf(line, sizeof line, "; round %d: read %lld, errno %lld, mask %llx", i,
                    static_cast<long long>(it.read[i]), static_cast<long long>(it.error[i]),
                    static_cast<unsigned long long>(it.mask[i]));
      text += line;
    }
    return text;
  }
};

constexpr int kOnce = static_cast<int>(SA_RESETHAND);

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Source source :
       {Source::fault, Source::kill, Source::sigqueue, Source::pthread_kill}) {
    for (const int flags : {0, kOnce | SA_NODEFER | SA_RESTART | SA_ONSTACK}) {
      cases.push_back({false, false, flags, 0, source, Leaving::returns});
      cases.push_back({false, true, flags, 0, source, Leaving::returns});
    }
    for (int bits = 0; bits < 32; ++bits) {
      const int flags = ((bits & 1) != 0 ? SA_SIGINFO : 0) | ((bits & 2) != 0 ? kOnce : 0) |
                        ((bits & 4) != 0 ? SA_NODEFER : 0) | ((bits & 8) != 0 ? SA_RESTART : 0) |
                        ((bits & 16) != 0 ? SA_ONSTACK : 0);
      for (int mask = 0; mask < 3; ++mask) {
        for (const Leaving leaving : {Leaving::repairs, Leaving::returns, Leaving::jumps}) {
          if (source != Source::fault && leaving == Leaving::repairs) continue;
          cases.push_back({true, false, flags, mask, source, leaving});
        }
      }
    }
  }
  return cases;
}

TEST_F(SignalTable, IsTheSameWithAndWithoutTheLibrary) {
  std::vector<Case> cases = all_cases();
  const unsigned seed = std::random_device()();
  std::shuffle(cases.begin(), cases.end(), std::mt19937(seed));
  const char* const limit = std::getenv("KMAPPER_SECONDS");  // NOLINT(concurrency-mt-unsafe)
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(limit != nullptr ? std::atoi(limit) : 2);
  std::size_t done = 0;
  for (const Case& it : cases) {
    expect_same(it);
    ++done;
    if (HasFailure() || std::chrono::steady_clock::now() > end) break;
  }
  std::printf("seed %u: %zu of %zu cases\n", seed, done, cases.size());
}

TEST_F(SignalTable, AHandlerThatIsToRunOnceRunsOnceAndTheNextFaultEndsTheProcess) {
  expect_same({true, false, kOnce, 0, Source::fault, Leaving::returns});
}

TEST_F(SignalTable, AHandlerThatJumpsOutOfAFaultIsCalledForTheNext) {
  expect_same({true, false, SA_NODEFER, 0, Source::fault, Leaving::jumps});
  expect_same({true, false, 0, 0, Source::fault, Leaving::jumps});
}

TEST_F(SignalTable, AHandlersMaskIsBlockedWhileItRuns) {
  expect_same({true, false, SA_SIGINFO, 1, Source::fault, Leaving::repairs});
}

TEST_F(SignalTable, ASignalThatWasIgnoredIsIgnoredWhenItIsSent) {
  for (const Source source : {Source::kill, Source::sigqueue, Source::pthread_kill})
    expect_same({false, true, 0, 0, source, Leaving::returns});
}

TEST_F(SignalTable, AFaultEndsTheProcessWhereTheSignalWasIgnored) {
  expect_same({false, true, 0, 0, Source::fault, Leaving::returns});
}

TEST_F(SignalTable, TheSystemsDefaultEndsTheProcess) {
  for (const Source source : {Source::fault, Source::kill, Source::pthread_kill})
    expect_same({false, false, 0, 0, source, Leaving::returns});
}

}  // namespace
}  // namespace kmapper::process
