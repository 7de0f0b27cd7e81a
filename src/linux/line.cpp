#include "linux/line.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace kmapper::linux_face {
namespace {

/// From a return address back into the call. A return address in Thumb code has its lowest bit set.
#ifdef __arm__
constexpr std::uintptr_t kBackIntoCall = 2;
#else
constexpr std::uintptr_t kBackIntoCall = 1;
#endif

bool begins_with(const char* text, const char* beginning) {
  return std::strncmp(text, beginning, std::strlen(beginning)) == 0;
}

/// The C library, and a sanitizer's functions in front of it, which may be in the program itself.
bool is_in_libc(const void* place) {
  Dl_info info{};
  if (dladdr(place, &info) == 0 || info.dli_fname == nullptr) return false;
  if (info.dli_sname != nullptr)
    for (const char* const prefix : {"__asan_", "__tsan_", "__interceptor_", "___interceptor_"})
      if (begins_with(info.dli_sname, prefix)) return true;
  const char* const slash = std::strrchr(info.dli_fname, '/');
  const char* const name = slash != nullptr ? slash + 1 : info.dli_fname;
  for (const char* const library :
       {"libc.so", "libc-", "ld-musl", "libasan", "libtsan", "libclang_rt"})
    if (begins_with(name, library)) return true;
  return false;
}

struct Search {
  const void* instruction;  // that faulted
  bool is_past;             // whether its frame has been seen
  const void* found;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* argument) {
  auto* const search = static_cast<Search*>(argument);
  int before = 0;  // whether the address is the instruction's own, and not a return address
  const auto address = static_cast<std::uintptr_t>(_Unwind_GetIPInfo(context, &before));
  const auto* const place =
      reinterpret_cast<const void*>(before != 0 ? address : address - kBackIntoCall);
  if (place == search->instruction) search->is_past = true;
  if (!search->is_past || is_in_libc(place)) return _URC_NO_REASON;
  search->found = place;
  return _URC_END_OF_STACK;
}

}  // namespace

const void* instruction_outside_of_libc(const void* instruction) {
  if (instruction == nullptr || !is_in_libc(instruction)) return instruction;
  Search search{instruction, false, nullptr};
  _Unwind_Backtrace(visit, &search);
  return search.found != nullptr ? search.found : instruction;
}

void Line::add(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int added = std::vsnprintf(&text_[size_], text_.size() - 1 - size_, format, arguments);
  va_end(arguments);
  if (added > 0) size_ = std::min(size_ + static_cast<std::size_t>(added), text_.size() - 2);
}

void Line::add_call(const char* before, const void* caller) {
  if (caller != nullptr) add_place(before, static_cast<const char*>(caller) - kBackIntoCall);
}

void Line::add_call(const char* before, const Call& call) { add_call(before, call.get()); }

void Line::add_place(const char* before, const void* place) {
  if (place == nullptr) return;
  const char* const at = static_cast<const char*>(place);
  Dl_info info{};
  link_map* loaded = nullptr;
  if (dladdr1(at, &info, reinterpret_cast<void**>(&loaded), RTLD_DL_LINKMAP) == 0 ||
      info.dli_fname == nullptr || loaded == nullptr) {
    return add("; %s %p", before, place);
  }
  add("; %s ", before);
  if (info.dli_sname != nullptr) add("%s in ", info.dli_sname);
  add("%s 0x%zx", info.dli_fname,
      static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(at) - loaded->l_addr));
}

void Line::add_history(const Frame& frame) {
  add_call("allocated by", frame.allocated);
  add_call("last kmapped by", frame.kmapped);
  add_call("last kunmapped by", frame.kunmapped);
  add_call("last mapped locally by", frame.locally_mapped);
  add_call("last unmapped locally by", frame.locally_unmapped);
  if (!frame.is_allocated.load(std::memory_order_relaxed)) add_call("freed by", frame.freed);
}

void Line::write() {
  text_[size_++] = '\n';
  (void)!::write(STDERR_FILENO, text_.data(), size_);
}

}  // namespace kmapper::linux_face
