// The C face's errors: what a thread's last failure was, and its text when somebody asks for it.
#include <string>

#include "process/c_api.hpp"

namespace kmapper::process::c {
namespace {

// C's numbers are those of WindowErrc, below zero.
static_assert(KMAPPER_WOULD_SLEEP == -static_cast<int>(WindowErrc::would_sleep));
static_assert(KMAPPER_TIMED_OUT == -static_cast<int>(WindowErrc::timed_out));
static_assert(KMAPPER_CANCELLED == -static_cast<int>(WindowErrc::cancelled));
static_assert(KMAPPER_TOO_MANY_USERS == -static_cast<int>(WindowErrc::too_many_users));
static_assert(KMAPPER_TOO_LARGE == -static_cast<int>(WindowErrc::too_large));
static_assert(KMAPPER_INVALID_RANGE == -static_cast<int>(WindowErrc::invalid_range));
static_assert(KMAPPER_BEYOND_END == -static_cast<int>(WindowErrc::beyond_end));
static_assert(KMAPPER_PINNED == -static_cast<int>(WindowErrc::pinned));
static_assert(KMAPPER_READ_ONLY_WINDOW == -static_cast<int>(WindowErrc::read_only));
static_assert(KMAPPER_INVALID_OPTION == -static_cast<int>(WindowErrc::invalid_option));
static_assert(KMAPPER_CUT_SHORT == -static_cast<int>(WindowErrc::cut_short));
static_assert(KMAPPER_FORKED == -static_cast<int>(WindowErrc::forked));
static_assert(KMAPPER_BUSY == -static_cast<int>(WindowErrc::busy));
static_assert(KMAPPER_SPENT == -static_cast<int>(WindowErrc::spent));

/// The failure that a thread may ask about: an Error; or what a constructor threw.
struct LastFailure {
  int number = 0;
  Error error;
  std::string thrown;
  std::string message;  // what was last handed out
  std::string meaning;  // the same, of kmapper_strerror()
};
thread_local LastFailure last;

/// The text that `make` makes, kept in `place`.
template <class Make>
const char* text(std::string& place, Make make) noexcept {
  try {
    place = make();
    return place.c_str();
  } catch (const std::bad_alloc&) {
    return "no memory for a message";
  }
}

}  // namespace

int failed(const Error& error) noexcept {
  last.number = number_of(error.code());
  last.error = error;
  last.thrown.clear();
  return last.number;
}

int failed(int number, const char* what) noexcept {
  last.number = number;
  last.error = {};
  try {
    last.thrown = what;
  } catch (const std::bad_alloc&) {
    last.thrown.clear();  // the number has to do
  }
  return number;
}

int wrong_size(const char* of, std::uint64_t size, std::size_t known) noexcept {
  try {
    return failed(KMAPPER_INVALID_OPTION,
                  (std::string(of) + " of " + std::to_string(size) + " bytes, of which this " +
                   "library knows " + std::to_string(known))
                      .c_str());
  } catch (const std::bad_alloc&) {
    return failed(KMAPPER_INVALID_OPTION, of);
  }
}

}  // namespace kmapper::process::c

using kmapper::process::c::last;
using kmapper::process::c::text;

const char* kmapper_strerror(int error) {
  return text(last.meaning, [error] {
    if (error == KMAPPER_OK) return std::string("no error");
    return error < 0 ? kmapper::process::window_category().message(-error)
                     : std::system_category().message(error);
  });
}

int kmapper_last_error() { return last.number; }

const char* kmapper_last_message() {
  return text(last.message, [] {
    if (last.error || last.number == 0) return last.error.message();
    if (!last.thrown.empty()) return last.thrown;
    return std::string(kmapper_strerror(last.number));
  });
}

int64_t kmapper_last_offset() { return last.error.offset(); }
int64_t kmapper_last_length() { return last.error.length(); }
int64_t kmapper_last_limit() { return last.error.limit(); }
