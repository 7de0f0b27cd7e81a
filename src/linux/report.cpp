#include "linux/report.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "linux/line.hpp"

namespace kmapper::linux_face {
namespace {

const char* zone_name(const Machine& machine, unsigned long pfn) {
  return machine.is_high(pfn) ? "high" : "low";
}

}  // namespace

void report(const Mistake& mistake) {
  const Machine& machine = Machine::get();
  Line line;
  line.add("%s", mistake.what);
  if (machine.has(mistake.pfn))
    line.add(": page 0x%lx, %s", mistake.pfn, zone_name(machine, mistake.pfn));
  line.add(", in thread %d", static_cast<int>(gettid()));
  line.add_call("called from", mistake.caller);
  line.add_call("the other call", mistake.other);
  if (machine.has(mistake.pfn)) line.add_history(machine.frame(mistake.pfn));
  line.add("; %s", mistake.advice);
  line.write();
}

void stop(const Mistake& mistake) {
  report(mistake);
  std::abort();
}

void fail(const char* what, int error) {
  Line line;
  line.add("%s: %s", what, std::strerror(error));  // NOLINT(concurrency-mt-unsafe): the end
  line.write();
  std::abort();
}

void report(const Leak& leak) {
  Line line;
  line.add("leak: %lu %s%s still %s", leak.count, leak.thing, leak.count == 1 ? "" : "s",
           leak.state);
  if (leak.first_pfn != 0) {
    line.add(", the first is page 0x%lx, %s", leak.first_pfn,
             zone_name(Machine::get(), leak.first_pfn));
  }
  line.add_call(leak.by, leak.caller);
  line.add("; %s", leak.advice);
  line.write();
}

}  // namespace kmapper::linux_face
