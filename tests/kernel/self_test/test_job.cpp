// job=test: all self tests, one after the other. A test may cause reports to be printed; its
// verdict is the line that begins with "ok" or "not ok".
#include "kernel/jobs/job.hpp"
#include "kernel/lib/print.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

struct Tally {
  std::uint32_t passed = 0;
  std::uint32_t failed = 0;
  std::uint32_t skipped = 0;
};

void run_test(const SelfTest& test, Tally& tally) {
  const Outcome outcome = test.run();
  switch (outcome.kind()) {
    case Outcome::Kind::passed:
      ++tally.passed;
      print("ok {}\n", test.name);
      break;
    case Outcome::Kind::failed:
      ++tally.failed;
      print("not ok {}: {}\n", test.name, outcome.why());
      break;
    case Outcome::Kind::skipped:
      ++tally.skipped;
      print("ok {} # skipped: {}\n", test.name, outcome.why());
      break;
  }
}

/// job=test: the self tests, one line each. After a failed test the others still run.
Outcome test_job(const BootInfo& /*boot*/) {
  Tally tally;
  for (const auto list :
       {page_alloc_tests(), window_tests(), local_tests(), vmap_tests(), vmalloc_tests(),
        misuse_tests(), watchdog_tests(), fault_tests(), cpu_tests(), all_cpus_tests(),
        conformance_tests(), trespass_tests(), process_tests()}) {
    for (const SelfTest& test : list) run_test(test, tally);
  }
  print("{} tests passed, {} failed, {} skipped\n", tally.passed, tally.failed, tally.skipped);
  return tally.failed == 0 ? passed() : failed("a self test failed");
}
KMAPPER_JOB("test", test_job);

}  // namespace

}  // namespace kmapper::kernel
