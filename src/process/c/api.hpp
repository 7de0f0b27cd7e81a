// What the sources of the C interface (kmapper/kmapper.h) share. Handles are the public classes. An
// exception of a constructor becomes a number. Structures are read as far as both sides know them.
// A NULL is refused by name.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <new>
#include <optional>
#include <stop_token>
#include <system_error>
#include <utility>

#include "kmapper/kmapper.h"
#include "kmapper/process/process.hpp"

// NOLINTBEGIN(readability-identifier-naming): C's names
struct kmapper_budget {
  kmapper::process::Budget budget;
};
struct kmapper_window {
  kmapper::process::FileWindow window;
};
struct kmapper_cancellation {
  std::stop_source source;
};
// NOLINTEND(readability-identifier-naming)

namespace kmapper::process::c {

/// The number of the error in C.
[[nodiscard]] inline int number_of(const std::error_code& code) {
  return code.category() == window_category() ? -code.value() : code.value();
}

/// Stores the failure for the calls that ask for the last error, and returns its number.
int failed(const Error& error) noexcept;
int failed(int number, const char* what) noexcept;
int wrong_size(const char* of, std::uint64_t size, std::size_t known) noexcept;
int null_argument(const char* call, const char* argument) noexcept;
int null_window(const char* call, std::size_t range) noexcept;

/// An argument that must not be null.
struct Needed {
  const void* value;
  const char* name;
};
/// KMAPPER_OK, or a failure that names the first argument that is null.
[[nodiscard]] inline int refuse_null(const char* call, std::initializer_list<Needed> arguments) {
  for (const Needed& it : arguments) {
    if (it.value == nullptr) return null_argument(call, it.name);
  }
  return KMAPPER_OK;
}

[[nodiscard]] inline int status_of(const Error& error) {
  return error ? failed(error) : KMAPPER_OK;
}

/// Sets `*handle` to the result of `make`; or to null if an argument is null or `make` throws.
template <class Handle, class Make>
[[nodiscard]] int create(const char* call, const char* name, Handle** handle,
                         std::initializer_list<Needed> arguments, Make make) noexcept {
  if (handle == nullptr) return null_argument(call, name);
  *handle = nullptr;
  if (const int wrong = refuse_null(call, arguments); wrong != KMAPPER_OK) return wrong;
  try {
    *handle = make();
    return KMAPPER_OK;
  } catch (const std::system_error& error) {
    return failed(number_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return failed(ENOMEM, "no memory for a handle");
  } catch (const std::exception& error) {
    return failed(EINVAL, error.what());
  }
}

/// Reads a program's structure, as much of it as both sides know. Null: the program uses members
/// that this library does not know.
template <class Struct>
[[nodiscard]] std::optional<Struct> read(const Struct* from) {
  Struct known{};
  const auto size = static_cast<std::size_t>(from->size);
  if (size < sizeof from->size) return std::nullopt;
  std::memcpy(&known, from, std::min(size, sizeof known));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(from);
  if (size > sizeof known &&
      std::any_of(bytes + sizeof known, bytes + size, [](unsigned char it) { return it != 0; })) {
    return std::nullopt;
  }
  return known;
}

[[nodiscard]] Patience patience_of(const kmapper_patience& patience);

/// Returns call(patience) with the program's patience; null means no limit.
template <class Call>
[[nodiscard]] int with_patience(const kmapper_patience* patience, Call call) {
  if (patience == nullptr) return call(Patience{});
  const std::optional<kmapper_patience> known = read(patience);
  if (known) return call(patience_of(*known));
  return wrong_size("a kmapper_patience", patience->size, sizeof *patience);
}

int failed_map(const Error& error, kmapper_mapping* mapping) noexcept;

// A Mapping is moved into the words that kmapper_mapping has for it.
static_assert(sizeof(Mapping) <= sizeof(kmapper_mapping::private_words));
static_assert(sizeof(Mapping) % sizeof(void*) == 0 && alignof(Mapping) <= alignof(void*));

/// Moves a mapping into the program's structure, or zeroes that on an error. Inline: a hit runs it.
[[nodiscard, gnu::always_inline]] inline int hand_out(Expected<Mapping> mapped,
                                                      kmapper_mapping* mapping) {
  constexpr std::size_t kUsed = sizeof(Mapping) / sizeof mapping->private_words[0];
  if (!mapped) [[unlikely]]
    return failed_map(mapped.error(), mapping);
  mapping->data = mapped->data();
  mapping->length = mapped->size();
  new (mapping->private_words) Mapping(std::move(*mapped));
  std::fill(std::begin(mapping->private_words) + kUsed, std::end(mapping->private_words), nullptr);
  return KMAPPER_OK;
}

[[nodiscard]] int null_for_mapping(const char* call, std::initializer_list<Needed> arguments,
                                   kmapper_mapping* mapping);

/// Hands out what map() returns. `source` must not be null.
template <class Map>
[[nodiscard]] int map_from(const char* call, Needed source, kmapper_mapping* mapping, Map map) {
  if (source.value == nullptr || mapping == nullptr) [[unlikely]]
    return null_for_mapping(call, {source}, mapping);
  return hand_out(map(), mapping);
}

/// The same, for map(Patience).
template <class Map>
[[nodiscard]] int map_until(const char* call, Needed source, const kmapper_patience* patience,
                            kmapper_mapping* mapping, Map map) {
  if (source.value == nullptr || mapping == nullptr) [[unlikely]]
    return null_for_mapping(call, {source}, mapping);
  std::memset(mapping, 0, sizeof *mapping);
  return with_patience(patience, [&](const Patience& it) { return hand_out(map(it), mapping); });
}

}  // namespace kmapper::process::c
