// The errors of the C interface: a thread's last failure, and its text, which is made on request.
#include <new>
#include <string>

#include "process/c/api.hpp"
#include "process/wait/at_thread_end.hpp"

namespace kmapper::process::c {
namespace {

// The numbers in C are those of WindowErrc, below zero.
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
static_assert(KMAPPER_SPENT == -static_cast<int>(WindowErrc::spent));
static_assert(KMAPPER_WOULD_DEADLOCK == -static_cast<int>(WindowErrc::would_deadlock));

/// The details of a thread's last failure: an Error, or the text of an exception; and the texts
/// that the thread was given.
struct Texts {
  Error error;
  std::string thrown;
  std::string message;
  std::string meaning;
};

/// Trivially destructible, so that a call in a destructor or an atexit handler finds it unchanged.
/// The texts are deleted when the thread ends, and made again if a call of it fails after that.
struct LastFailure {
  int number = 0;
  Texts* texts = nullptr;
};
constinit thread_local LastFailure last;

void delete_texts(void* texts) {
  last.texts = nullptr;
  delete static_cast<Texts*>(texts);
}
constinit AtThreadEnd at_thread_end{delete_texts};

/// Null: there is no memory for the texts. Then only the number is available.
Texts* texts_or_none() noexcept {
  if (last.texts != nullptr) return last.texts;
  auto* const made = new (std::nothrow) Texts;
  if (made == nullptr) return nullptr;
  if (at_thread_end.arm(made)) {
    last.texts = made;
  } else {
    delete made;
  }
  return last.texts;
}

/// The text that `make` returns, kept at that place of the thread's texts.
template <class Make>
const char* text(std::string Texts::*place, Make make) noexcept {
  if (Texts* const texts = texts_or_none()) {
    try {
      (texts->*place) = make();
      return (texts->*place).c_str();
    } catch (const std::bad_alloc&) {
    }
  }
  return "no memory for a message";
}

std::string meaning_of(int error) {
  if (error == KMAPPER_OK) return "no error";
  return error < 0 ? window_category().message(-error) : std::system_category().message(error);
}

std::string message_of_last() {
  const Texts* const texts = last.texts;
  if (texts != nullptr && texts->error) return texts->error.message();
  if (texts != nullptr && !texts->thrown.empty()) return texts->thrown;
  return meaning_of(last.number);
}

/// failed(), with the text that `make` returns.
template <class Make>
int failed_with(int number, Make make) noexcept {
  last.number = number;
  Texts* const texts = texts_or_none();
  if (texts == nullptr) return number;
  texts->error = {};
  try {
    texts->thrown = make();
  } catch (const std::bad_alloc&) {
    texts->thrown.clear();
  }
  return number;
}

}  // namespace

int failed(const Error& error) noexcept {
  last.number = number_of(error.code());
  if (Texts* const texts = texts_or_none()) {
    texts->error = error;
    texts->thrown.clear();
  }
  return last.number;
}

int failed(int number, const char* what) noexcept {
  return failed_with(number, [what] { return std::string(what); });
}

int wrong_size(const char* of, std::uint64_t size, std::size_t known) noexcept {
  return failed_with(KMAPPER_INVALID_OPTION, [&] {
    return std::string(of) + " of " + std::to_string(size) +
           " bytes, of which this library knows " + std::to_string(known);
  });
}

int null_argument(const char* call, const char* argument) noexcept {
  return failed_with(KMAPPER_INVALID_OPTION,
                     [&] { return std::string(call) + ": " + argument + " is NULL"; });
}

int null_window(const char* call, std::size_t range) noexcept {
  return failed_with(KMAPPER_INVALID_OPTION, [&] {
    return std::string(call) + ": ranges[" + std::to_string(range) + "].window is NULL";
  });
}

}  // namespace kmapper::process::c

using kmapper::process::c::last;
using kmapper::process::c::Texts;

const char* kmapper_strerror(int error) {
  return kmapper::process::c::text(&Texts::meaning,
                                   [error] { return kmapper::process::c::meaning_of(error); });
}

int kmapper_last_error() { return last.number; }

const char* kmapper_last_message() {
  return kmapper::process::c::text(&Texts::message, kmapper::process::c::message_of_last);
}

int64_t kmapper_last_offset() { return last.texts != nullptr ? last.texts->error.offset() : 0; }
int64_t kmapper_last_length() { return last.texts != nullptr ? last.texts->error.length() : 0; }
int64_t kmapper_last_limit() { return last.texts != nullptr ? last.texts->error.limit() : 0; }
