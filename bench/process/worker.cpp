#include "bench/process/worker.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "bench/process/figures.hpp"
#include "bench/process/system_calls.hpp"

namespace kmapper::bench {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

/// A number of kilobytes from /proc/self/status, in bytes.
std::int64_t status(const char* key) {
  std::int64_t value = 0;
  char line[256];
  std::FILE* const file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, key, std::strlen(key)) == 0) value = std::atoll(line + std::strlen(key));
  }
  std::fclose(file);
  return value * 1024;
}

void forget_peak() {
  const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file >= 0 && write(file, "5", 1) != 1) give_up("/proc/self/clear_refs");
  if (file >= 0) close(file);
}

/// Keeps this thread on a given one of the process's CPUs, so that chance does not decide whether
/// two threads share a CPU.
void stay_on_cpu(unsigned number) {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  number %= static_cast<unsigned>(CPU_COUNT(&all));
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all) || number-- != 0) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    sched_setaffinity(0, sizeof own, &own);
    return;
  }
}

/// Runs in the child.
class Body {
 public:
  Body(std::unique_ptr<Contender> contender, std::span<const std::int64_t> places,
       std::int64_t before)
      : contender_(std::move(contender)), places_(places), before_(before) {}

  [[nodiscard]] Outcome work(const Task& task) {
    contender_->prepare();
    if (task.threads == 1) lead_in(task, 0);
    rusage before{};
    getrusage(RUSAGE_SELF, &before);
    if (task.is_counted) mark_counting();
    Outcome outcome = task.threads == 1 ? alone(task) : together(task);
    if (task.is_counted) mark_counting();
    rusage after{};
    getrusage(RUSAGE_SELF, &after);
    outcome.faults = after.ru_minflt - before.ru_minflt;
    outcome.major_faults = after.ru_majflt - before.ru_majflt;
    outcome.peak = status("VmHWM:") + status("VmPTE:") - before_;
    return outcome;
  }

 private:
  [[nodiscard]] Part part_of(const Task& task, unsigned thread) const {
    const std::size_t places = task.count / task.threads;
    const std::int64_t bytes = (task.end - task.begin) / task.threads;
    return {.thread = thread,
            .places = places_.subspan(task.first + thread * places, places),
            .begin = task.begin + thread * bytes,
            .end = task.begin + (thread + 1) * bytes,
            .value = task.value,
            .is_warm_up = task.is_warm_up,
            .is_alone = task.threads == 1 && !task.waits};
  }

  /// What the thread does before its part.
  void lead_in(const Task& task, unsigned thread) const {
    if (task.lead_in == 0) return;
    Task before = task;
    before.first = task.first - task.lead_in;
    before.count = task.lead_in;
    before.is_warm_up = true;
    (void)contender_->work(part_of(before, thread));
  }

  [[nodiscard]] Outcome alone(const Task& task) {
    const Part part = part_of(task, 0);
    const Clock::time_point begun = Clock::now();
    const double cpu_begun = cpu_time();
    const Done done = contender_->work(part);
    const double ran = cpu_time() - cpu_begun;
    const double took = std::chrono::duration<double, std::nano>(Clock::now() - begun).count();
    return {.ns = done.ns >= 0 ? done.ns : task.waits ? took : ran, .sum = done.sum};
  }

  [[nodiscard]] Outcome together(const Task& task) {
    struct Own {
      Clock::time_point begun, ended;
      Done done;
    };
    std::vector<Own> all(task.threads);
    std::barrier start(static_cast<std::ptrdiff_t>(task.threads));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < task.threads; ++i) {
      threads.emplace_back([this, &task, &start, &own = all[i], i] {
        const Part part = part_of(task, i);
        stay_on_cpu(i);
        lead_in(task, i);
        start.arrive_and_wait();
        own.begun = Clock::now();
        own.done = contender_->work(part);
        own.ended = Clock::now();
      });
    }
    for (std::thread& it : threads) it.join();
    Own sum = all[0];
    for (const Own& it : std::span(all).subspan(1)) {
      sum.begun = std::min(sum.begun, it.begun);
      sum.ended = std::max(sum.ended, it.ended);
      sum.done.sum += it.done.sum;
      sum.done.ns += it.done.ns;
    }
    const double took = std::chrono::duration<double, std::nano>(sum.ended - sum.begun).count();
    return {.ns = sum.done.ns >= 0 ? sum.done.ns / task.threads : took, .sum = sum.done.sum};
  }

  const std::unique_ptr<Contender> contender_;
  const std::span<const std::int64_t> places_;
  const std::int64_t before_;
};

[[noreturn]] void live(int channel, const std::function<std::unique_ptr<Contender>()>& make,
                       std::span<const std::int64_t> places) {
  // The program and the places are resident in all contenders, used or not. They are locked, if
  // that is allowed, and unlocked again.
  for (std::size_t i = 0; i < places.size(); i += kPage / sizeof places[0])
    (void)*static_cast<const volatile std::int64_t*>(&places[i]);
  mlockall(MCL_CURRENT);
  munlockall();
  forget_peak();
  const std::int64_t before = status("VmRSS:") + status("VmPTE:");
  Body body(make(), places, before);
  Task task{};
  while (read(channel, &task, sizeof task) == sizeof task) {
    const Outcome outcome = body.work(task);
    if (write(channel, &outcome, sizeof outcome) != sizeof outcome) break;
  }
  std::_Exit(0);
}

}  // namespace

Worker::Worker(const std::string& name, const std::function<std::unique_ptr<Contender>()>& make,
               std::span<const std::int64_t> places) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) give_up("socketpair");
  child_ = fork();
  if (child_ < 0) give_up("fork");
  if (child_ == 0) {
    close(ends[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, name.c_str());
    live(ends[1], make, places);
  }
  close(ends[1]);
  channel_ = ends[0];
}

Worker::~Worker() {
  kill(child_, SIGKILL);  // children that were made later hold its channel, too
  waitpid(child_, nullptr, 0);
  close(channel_);
}

void Worker::send(const Task& task) const {
  if (write(channel_, &task, sizeof task) != sizeof task) give_up("a contender's channel");
}

Outcome Worker::receive() const {
  Outcome outcome;
  if (read(channel_, &outcome, sizeof outcome) != sizeof outcome) {
    std::fputs("process_bench: a contender has ended before it was told to\n", stderr);
    std::_Exit(1);
  }
  return outcome;
}

Outcome Worker::work(const Task& task) {
  send(task);
  return receive();
}

std::int64_t Worker::system_calls(const Task& task) {
  Task counted = task;
  counted.threads = 1;
  counted.is_counted = true;
  bool is_sent = false;
  const std::int64_t calls = count_system_calls(child_, [&] {
    send(counted);
    is_sent = true;
  });
  if (is_sent) (void)receive();
  return calls;
}

}  // namespace kmapper::bench
