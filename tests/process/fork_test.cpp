// fork() at any moment of other threads: the child may read what is mapped, even if its file has
// been cut short, may destroy all objects, and opens windows of its own.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/linux/highmem.h"
#include "kmapper/process/cursor.hpp"
#include "kmapper/process/high_memory.hpp"
#include "kmapper/process/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr unsigned kSeconds = 60;
constexpr int kForks = 40;
const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);

std::byte read(const std::byte* address) { return *const_cast<const volatile std::byte*>(address); }

/// Threads that repeat one operation until this is destroyed.
class Crowd {
 public:
  Crowd(int threads, const std::function<void()>& act) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, act] {
        while (!done_) act();
      });
    }
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() { done_ = true; }

 private:
  std::atomic<bool> done_{false};
  std::vector<std::jthread> threads_;
};

class ForkAmongThreads : public testing::Test {
 protected:
  const ScratchFile file_{16 * page_bytes};
  const Budget budget_{{.bytes = 32 * page_bytes, .granule = page_bytes}};
  FileWindow window_{file_.descriptor(), Access::read_write, budget_};

  /// Maps a page of a file that has its old length only while it is opened.
  Mapping map_what_is_lost(int file) const {
    EXPECT_EQ(ftruncate64(file, 4 * page_bytes), 0);
    // The window stays: its mapping needs it.
    auto* const window = new FileWindow(file, Access::read_only, budget_);
    Expected<Mapping> lost = window->map(page_bytes, 1);
    EXPECT_TRUE(lost);
    EXPECT_EQ(ftruncate64(file, 0), 0);
    windows_.emplace_back(window);
    return std::move(*lost);
  }
  void fault() const {
    const ScratchFile file(4 * page_bytes);
    FileWindow window(file.descriptor(), Access::read_only, budget_);
    const Expected<Mapping> lost = window.map(page_bytes, 1);
    if (lost && ftruncate64(file.descriptor(), 0) == 0) (void)read(lost->data());
  }
  /// With `fork_now` in place of fork().
  template <class Fork>
  static int in_a_child_by(Fork fork_now, const Mapping& lost) {
    const pid_t child = fork_now();
    if (child == 0) {
      alarm(kSeconds);
      _exit(read(lost.data()) == std::byte{0} ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  mutable std::vector<std::unique_ptr<FileWindow>> windows_;
};

TEST_F(ForkAmongThreads, TheChildTouchesACutFileWhileTheOthersFault) {
  const int file = memfd_create("cut", MFD_CLOEXEC);
  const Crowd crowd(3, [this] { fault(); });
  for (int i = 0; i < kForks; ++i)
    ASSERT_EQ(in_a_child_by(fork, map_what_is_lost(file)), 0) << "round " << i;
  close(file);
}

/// Whether the kernel clears a page in the child on request.
bool can_wipe_on_fork() {
  const auto size = static_cast<std::size_t>(page_bytes);
  void* const page =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto& word = *static_cast<volatile int*>(page);
  word = 1;
  const bool can =
      madvise(page, size, MADV_WIPEONFORK) == 0 && in_a_child([&] { return word; }) == 0;
  munmap(page, size);
  return can;
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
TEST_F(ForkAmongThreads, TheSameWithoutForkHandlers) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer does not see _Fork(): its own locks may be taken in the child";
#endif
  if (!can_wipe_on_fork()) GTEST_SKIP() << "MADV_WIPEONFORK does nothing here";
  const int file = memfd_create("cut", MFD_CLOEXEC);
  const Crowd crowd(3, [this] { fault(); });
  for (int i = 0; i < kForks; ++i)
    ASSERT_EQ(in_a_child_by(_Fork, map_what_is_lost(file)), 0) << "round " << i;
  close(file);
}

const std::byte* lost_to_handler = nullptr;
std::atomic<int> handled{0};
std::atomic<int> wrong{0};

void fork_and_touch(int /*number*/) {
  const pid_t child = _Fork();
  if (child == 0) {
    alarm(kSeconds);
    _exit(read(lost_to_handler) == std::byte{0} ? 0 : 1);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) ++wrong;
  ++handled;
}

TEST_F(ForkAmongThreads, ASignalsHandlerForksInTheMiddleOfACall) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer runs no handler for a fault in a handler";
#endif
  if (!can_wipe_on_fork()) GTEST_SKIP() << "MADV_WIPEONFORK does nothing here";
  const int file = memfd_create("cut", MFD_CLOEXEC);
  const Mapping lost = map_what_is_lost(file);
  lost_to_handler = lost.data();
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = fork_and_touch;
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  {
    const Crowd crowd(1, [this] { fault(); });
    const pthread_t self = pthread_self();
    std::jthread sender([self] {
      for (int i = 0; i < kForks; ++i) {
        pthread_kill(self, SIGUSR1);
        while (handled <= i) std::this_thread::yield();
      }
    });
    while (handled < kForks) fault();
  }
  EXPECT_EQ(wrong, 0);
  sigaction(SIGUSR1, &before, nullptr);
  close(file);
}
#endif

TEST_F(ForkAmongThreads, TheChildDestroysAWindowWhileTheOthersOpenAndCloseFiles) {
  const Crowd crowd(
      3, [this] { const FileWindow other(file_.descriptor(), Access::read_only, budget_); });
  ChildrenAmongThreads children;
  int ended = 0;
  do {
    std::optional<FileWindow> own(std::in_place, file_.descriptor(), Access::read_only, budget_);
    ended = in_a_child_within(kSecondsAmongThreads, [&] {
      own.reset();
      return 0;
    });
  } while (children.counts(ended) && children.size() != kForks);
  EXPECT_TRUE(children.are_well()) << ended;
}

TEST_F(ForkAmongThreads, TheChildIsToldByEveryCall) {
  HighMemory memory(budget_);
  const Crowd crowd(3, [&] {
    if (auto page = memory.allocate()) (void)memory.free(*page);
    (void)window_.resize(17 * page_bytes);
    (void)window_.resize(16 * page_bytes);
    (void)budget_.trim();
  });
  ChildrenAmongThreads children;
  int ended = 0;
  do {
    ended = in_a_child_within(kSecondsAmongThreads, [&] {
      if (memory.allocate().error().code() != WindowErrc::forked) return 1;
      if (memory.free(HighPage{0}).code() != WindowErrc::forked) return 2;
      if (memory.allocated() != 0) return 3;
      Cursor cursor(window_);
      if (cursor.at(99 * page_bytes) != nullptr) return 4;
      if (cursor.error().code() != WindowErrc::forked) return 5;
      if (window_.prefetch(0, 99 * page_bytes).code() != WindowErrc::forked) return 6;
      if (window_.sync().code() != WindowErrc::forked) return 7;
      if (window_.sync(0, 99 * page_bytes).code() != WindowErrc::forked) return 8;
      if (window_.start_sync(0, 1).code() != WindowErrc::forked) return 9;
      if (window_.discard(0, page_bytes).code() != WindowErrc::forked) return 10;
      window_.advise(Advice::random);
      (void)window_.size();
      (void)window_.longest();
      try {
        FileWindow other(file_.descriptor(), Access::read_only, budget_);
        return 11;
      } catch (const std::system_error& error) {
        return error.code() == WindowErrc::forked ? 0 : 12;
      }
    });
  } while (children.counts(ended) && children.size() != kForks);
  EXPECT_TRUE(children.are_well()) << ended;
}

TEST(Fork, TheChildOfKernelCodeDoesNotWaitForOtherThreads) {
  page* const own = alloc_page(GFP_HIGHUSER);
  ASSERT_NE(own, nullptr);
  const Crowd crowd(2, [] {
    page* const page = alloc_page(GFP_HIGHUSER);
    kunmap_local(kmap_local_page(page));
    __free_page(page);
  });
  for (int i = 0; i < kForks; ++i)
    ASSERT_EQ(in_a_child_within(kSeconds, [&] { return page_address(own) == nullptr ? 0 : 1; }), 0);
  __free_page(own);
}

}  // namespace
}  // namespace kmapper::process
