// Runs each scenario once for each call that the library makes in it and each error that this call
// may return: all of them, or a sample. Each run is a process of its own. It must end with success
// or a named error, with the descriptors and mappings that it would have without the failure. Then
// the scenario must pass in the same process.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "accounts.hpp"
#include "errors.hpp"
#include "scenarios.hpp"

namespace kmapper::injection {
namespace {

constexpr unsigned kPatienceSeconds = 60;  // for a run of a few milliseconds

struct Case {
  const Scenario* scenario;
  injection_plan plan;
  injected_call call;
  unsigned place;  // in the library's code
};

[[nodiscard]] std::string described(const Case& it) {
  std::string text = it.scenario->name;
  if (it.plan.at == 0) return text + ", nothing fails";
  text += ", call " + std::to_string(it.plan.at) + ": " + kErrors[it.call].name + " fails with " +
          strerrorname_np(it.plan.error);
  return text + (it.plan.lasts != 0 ? ", and from then on always" : "");
}

/// The name of a case on the command line.
[[nodiscard]] std::string name_of(const Case& it) {
  return std::string(it.scenario->name) + ":" + std::to_string(it.plan.at) + ":" +
         std::to_string(it.plan.error) + ":" + std::to_string(it.plan.lasts);
}

/// Memory that a child writes and its parent reads.
struct Shared {
  static constexpr unsigned kMostCalls = 1U << 16;
  unsigned calls = 0;
  injected_call call[kMostCalls] = {};
  unsigned place[kMostCalls] = {};
  char wrong[2048] = "";
};

class SharedPages {
 public:
  SharedPages()
      : shared_(static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;
  ~SharedPages() { munmap(shared_, sizeof(Shared)); }
  [[nodiscard]] Shared* operator->() const { return shared_; }

 private:
  Shared* const shared_;
};

void run_with(const Scenario& scenario, const injection_plan& plan) {
  Steps step(plan);
  injection_begin(&plan);
  scenario.run(step);
  injection_end();
}

/// The resources that a scenario leaves behind.
[[nodiscard]] Accounts left_by(const Scenario& scenario, const injection_plan& plan) {
  const Accounts before = accounts_now();
  run_with(scenario, plan);
  return accounts_now() - before;
}

/// Runs in a child.
[[noreturn]] void play(const Case& it, Shared& shared, const Accounts* expected) {
  alarm(kPatienceSeconds);
  if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
  try {
    const Accounts left = left_by(*it.scenario, it.plan);
    shared.calls = injection_counted();
    for (unsigned i = 0; i < shared.calls; ++i) {
      shared.call[i] = injection_call(i + 1);
      shared.place[i] = injection_place(i + 1);
    }
    if (it.plan.at != 0) {
      // A failed munmap leaves its mapping behind in any case.
      const bool may_leave = injection_failed() == CALL_MUNMAP;
      if (const std::string found = surplus(*expected, left); !found.empty() && !may_leave)
        throw Wrong("leaves " + found);
      // The failed run may not have made what a process makes only once.
      const Accounts all = left + left_by(*it.scenario, {});
      if (const std::string found = surplus(*expected, all); !found.empty() && !may_leave)
        throw Wrong("the next run leaves " + found);
    }
    _exit(0);
  } catch (const std::exception& error) {
    std::snprintf(shared.wrong, sizeof shared.wrong, "%s", error.what());
    _exit(1);
  }
}

/// Empty if the case passed.
[[nodiscard]] std::string outcome(const Case& it, const SharedPages& shared,
                                  const Accounts* expected) {
  shared->wrong[0] = '\0';
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) play(it, *shared.operator->(), expected);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return "the test cannot fork";
  // If the system cannot provide a page of zeros for a fault, the process ends, as it would without
  // kmapper.
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS && it.plan.lasts != 0 &&
      it.call == CALL_MMAP)
    return "";
  if (WIFSIGNALED(status))
    return std::string("the process dies by SIG") + sigabbrev_np(WTERMSIG(status));
  if (WEXITSTATUS(status) == 0) return "";
  return shared->wrong[0] != '\0' ? shared->wrong
                                  : "the process ends with " + std::to_string(WEXITSTATUS(status));
}

/// The resources that a clean first run leaves. Runs in a child, whose answer is text.
[[nodiscard]] Accounts expected_of(const Scenario& scenario) {
  int ends[2];
  if (pipe(ends) != 0) throw Wrong("the test gets no pipe");
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    const int to = ends[1];
    std::string text;
    for (const auto& [kind, count] : left_by(scenario, {}))
      text += std::to_string(count) + " " + kind + "\n";
    if (write(to, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(1);
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char some[4096];
  for (ssize_t got; (got = read(ends[0], some, sizeof some)) > 0;)
    text.append(some, static_cast<std::size_t>(got));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  Accounts accounts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::size_t blank = text.find(' ', at);
    const std::string kind = text.substr(blank + 1, end - blank - 1);
    accounts[kind] = std::stoll(text.substr(at, blank - at));
    at = end + 1;
  }
  return accounts;
}

struct Wanted {
  bool all = false;
  std::uint64_t seed = std::random_device()();
  std::size_t cases = 200;
  std::string only;
};

[[nodiscard]] std::vector<Case> cases_of(const Scenario& scenario, const SharedPages& shared) {
  std::vector<Case> cases;
  for (unsigned at = 1; at <= shared->calls; ++at) {
    const injected_call call = shared->call[at - 1];
    const unsigned place = shared->place[at - 1];
    for (const int error : kErrors[call].errors) {
      cases.push_back({&scenario, {.at = at, .error = error, .lasts = 0}, call, place});
      // A call that is retried after EINTR would be retried for ever.
      if (error != EINTR)
        cases.push_back({&scenario, {.at = at, .error = error, .lasts = 1}, call, place});
    }
  }
  return cases;
}

/// Keeps so many cases: the first of each place before the second of any.
void take_from_all_places(std::vector<Case>& cases, std::size_t count) {
  std::map<std::pair<const Scenario*, unsigned>, std::size_t> seen;
  std::vector<std::pair<std::size_t, Case>> ranked;
  ranked.reserve(cases.size());
  for (const Case& it : cases) ranked.emplace_back(seen[{it.scenario, it.place}]++, it);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& one, const auto& other) { return one.first < other.first; });
  cases.clear();
  for (const auto& [rank, it] : ranked) {
    if (cases.size() < count) cases.push_back(it);
  }
}

int run(const Wanted& wanted) {
  const SharedPages shared;
  std::vector<Case> cases;
  std::map<const Scenario*, Accounts> expected;
  std::size_t failed = 0;
  for (const Scenario& it : scenarios()) {
    const Case clean{&it, {}, CALL_COUNT, 0};
    if (const std::string wrong = outcome(clean, shared, nullptr); !wrong.empty()) {
      std::cout << described(clean) << ": " << wrong << "\n";
      return 1;
    }
    const std::vector<Case> own = cases_of(it, shared);
    cases.insert(cases.end(), own.begin(), own.end());
    expected[&it] = expected_of(it);
  }
  const std::size_t possible = cases.size();
  std::mt19937_64 random(wanted.seed);
  if (!wanted.only.empty()) {
    std::erase_if(cases, [&](const Case& it) { return name_of(it) != wanted.only; });
  } else if (!wanted.all) {
    std::shuffle(cases.begin(), cases.end(), random);
    take_from_all_places(cases, wanted.cases);
  }
  std::cout << cases.size() << " of " << possible << " cases, seed " << wanted.seed << std::endl;
  for (const Case& it : cases) {
    const std::string wrong = outcome(it, shared, &expected[it.scenario]);
    if (wrong.empty()) continue;
    std::cout << described(it) << ": " << wrong << " (--only " << name_of(it) << ")" << std::endl;
    ++failed;
  }
  std::cout << cases.size() - failed << " passed, " << failed << " failed\n";
  return failed == 0 && !cases.empty() ? 0 : 1;
}

[[nodiscard]] bool read_number(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace
}  // namespace kmapper::injection

int main(int count, char** words) {
  kmapper::injection::Wanted wanted;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const std::string value = i + 1 < count ? words[i + 1] : "";
    std::uint64_t number = 0;
    if (word == "--all") {
      wanted.all = true;
    } else if (word == "--seed" && kmapper::injection::read_number(value, wanted.seed)) {
      ++i;
    } else if (word == "--cases" && kmapper::injection::read_number(value, number)) {
      wanted.cases = number;
      ++i;
    } else if (word == "--only" && !value.empty()) {
      wanted.only = value;
      ++i;
    } else {
      std::cerr
          << "kmapper_injection: " << word << " " << value
          << ": there are --all, --seed NUMBER, --cases NUMBER, --only SCENARIO:CALL:ERRNO:LASTS\n";
      return 2;
    }
  }
  return kmapper::injection::run(wanted);
}
