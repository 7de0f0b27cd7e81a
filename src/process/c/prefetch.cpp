// The C interface to prefetches: see kmapper/kmapper.h.
#include "kmapper/process/prefetch.hpp"

#include <utility>

#include "process/c/api.hpp"

// NOLINTBEGIN(readability-identifier-naming): C's names
struct kmapper_prefetch {
  kmapper::process::Prefetch prefetch;
};
// NOLINTEND(readability-identifier-naming)

using namespace kmapper::process::c;  // NOLINT(google-build-using-namespace): this is its face
using kmapper::process::Expected;
using kmapper::process::Prefetch;

int kmapper_prefetch_start(kmapper_window* window, int64_t offset, int64_t length,
                           kmapper_prefetch** prefetch) {
  if (prefetch == nullptr) return null_argument(__func__, "prefetch");
  *prefetch = nullptr;
  if (window == nullptr) return null_argument(__func__, "window");
  Expected<Prefetch> started = kmapper::process::start_prefetch(window->window, offset, length);
  if (!started) return failed(started.error());
  return create(__func__, "prefetch", prefetch, {},
                [&] { return new kmapper_prefetch{std::move(*started)}; });
}

void kmapper_prefetch_destroy(kmapper_prefetch* prefetch) { delete prefetch; }

int kmapper_prefetch_is_done(const kmapper_prefetch* prefetch) {
  if (prefetch == nullptr) return null_argument(__func__, "prefetch");
  return prefetch->prefetch.is_done() ? 1 : 0;
}

int kmapper_prefetch_wait(kmapper_prefetch* prefetch) {
  if (prefetch == nullptr) return null_argument(__func__, "prefetch");
  return status_of(prefetch->prefetch.wait());
}

int64_t kmapper_prefetch_bytes(const kmapper_prefetch* prefetch) {
  if (prefetch == nullptr) return null_argument(__func__, "prefetch");
  return prefetch->prefetch.bytes();
}
