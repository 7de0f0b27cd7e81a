#include "linux/report.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

/// From a return address back into the call. A return address in Thumb code has its lowest bit set.
#ifdef __arm__
constexpr std::uintptr_t kBackIntoCall = 2;
#else
constexpr std::uintptr_t kBackIntoCall = 1;
#endif

/// A line, written by one system call; a line that is too long is cut off.
class Line {
 public:
  Line() { add("kmapper: "); }
  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int added = std::vsnprintf(&text_[size_], text_.size() - 1 - size_, format, arguments);
    va_end(arguments);
    if (added > 0) size_ = std::min(size_ + static_cast<std::size_t>(added), text_.size() - 2);
  }
  /// Adds the call that returns to `caller`.
  void add_call(const char* before, const void* caller) {
    if (caller != nullptr) add_place(before, static_cast<const char*>(caller) - kBackIntoCall);
  }
  /// Adds an instruction's place, so that `addr2line -ife FILE OFFSET` gives its line; null:
  /// unknown.
  void add_place(const char* before, const void* place) {
    if (place == nullptr) return;
    const char* const at = static_cast<const char*>(place);
    Dl_info info{};
    if (dladdr(at, &info) == 0 || info.dli_fname == nullptr) return add("; %s %p", before, place);
    add("; %s ", before);
    if (info.dli_sname != nullptr) add("%s in ", info.dli_sname);
    add("%s 0x%zx", info.dli_fname,
        static_cast<std::size_t>(at - static_cast<const char*>(info.dli_fbase)));
  }
  void add_history(const Frame& frame) {
    add_call("last kmapped by", frame.kmapped_by);
    add_call("last kunmapped by", frame.kunmapped_by);
    add_call("last mapped locally by", frame.locally_mapped_by);
    add_call("last unmapped locally by", frame.locally_unmapped_by);
    if (!frame.is_allocated) add_call("freed by", frame.freed_by);
  }
  void write() {
    text_[size_++] = '\n';
    (void)!::write(STDERR_FILENO, text_.data(), size_);
  }

 private:
  std::array<char, 2048> text_{};
  std::size_t size_ = 0;
};

/// What is wrong with an access to an address that is not mapped, from the state of its page.
struct Diagnosis {
  const char* what;
  const char* advice;
};

Diagnosis diagnose(const Machine& machine, View view, unsigned long pfn) {
  constexpr Diagnosis kBeyond{"access beyond the end of the page before", "stay within PAGE_SIZE"};
  if (!machine.has(pfn)) return kBeyond;
  const Frame& frame = machine.frame(pfn);
  if (!frame.is_allocated && frame.freed_by != nullptr)
    return {"use after the page was freed", "free it after its last use"};
  if (view == View::plain && frame.kunmapped_by != nullptr)
    return {"use after kunmap", "kunmap when the access is over"};
  if (view == View::local && frame.locally_unmapped_by != nullptr)
    return {"use after kunmap_local", "kunmap_local when the access is over"};
  if (machine.has(pfn - 1)) {
    const Frame& before = machine.frame(pfn - 1);
    const bool is_mapped =
        view == View::local ? before.locals != 0 : before.kmaps != 0 || !machine.is_high(pfn - 1);
    if (before.is_allocated && is_mapped) return kBeyond;
  }
  return {"missing kmap", "kmap the page, and use the address that kmap returns"};
}

}  // namespace

void report(const Mistake& mistake) {
  Machine& machine = Machine::get();
  Line line;
  line.add("%s", mistake.what);
  if (machine.has(mistake.pfn))
    line.add(": page 0x%lx, %s", mistake.pfn, machine.is_high(mistake.pfn) ? "high" : "low");
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

bool report_access(const void* address, system::Direction direction, const void* instruction) {
  Machine* const machine = Machine::find();
  if (machine == nullptr) return false;
  const Thread* const thread = Thread::find();
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  Line line;
  constexpr const char* kAccesses[] = {"access to", "read of", "write to"};  // by Direction
  const char* const access = kAccesses[static_cast<std::size_t>(direction)];
  const unsigned long plain = machine->pfn_at(View::plain, address);
  const unsigned long local = machine->pfn_at(View::local, address);
  // The thread may have faulted while it held the mutex; then no other thread has it.
  const std::unique_lock lock(machine->mutex, std::try_to_lock);
  if (plain != 0 || local != 0) {
    const unsigned long pfn = plain + local;
    const Diagnosis diagnosis = diagnose(*machine, plain != 0 ? View::plain : View::local, pfn);
    line.add("%s: %s page 0x%lx at %p, offset 0x%lx", diagnosis.what, access, pfn, address,
             offset_in_page(number));
    line.add(", in thread %d", static_cast<int>(gettid()));
    line.add_place("at", instruction);
    if (machine->has(pfn)) line.add_history(machine->frame(pfn));
    line.add("; %s", diagnosis.advice);
  } else if (machine->is_token(address)) {
    const auto offset = static_cast<unsigned long>(
        static_cast<const std::byte*>(address) -
        reinterpret_cast<const std::byte*>(machine->page_of(Machine::kFirstPfn)));
    line.add("a struct page used as if it were the page: %s page 0x%lx, in thread %d", access,
             Machine::kFirstPfn + offset / sizeof(page), static_cast<int>(gettid()));
    line.add_place("at", instruction);
    line.add("; kmap the page, and use the address that kmap returns");
  } else if (number < 16 * PAGE_SIZE && thread != nullptr && thread->without_address != 0) {
    line.add("missing kmap: %s %p, in thread %d; page_address() had no address for page 0x%lx",
             access, address, static_cast<int>(gettid()), thread->without_address);
    line.add_call("called from", thread->without_address_for);
    line.add_place("at", instruction);
    line.add("; kmap a high page, and use the address that kmap returns");
  } else {
    return false;
  }
  line.write();
  return true;
}

}  // namespace kmapper::linux_face
