// The C interface to high memory: see kmapper/kmapper.h.
#include <string>

#include "kmapper/process/high_memory.hpp"
#include "process/c/api.hpp"

// NOLINTBEGIN(readability-identifier-naming): C's names
struct kmapper_high_memory {
  kmapper::process::HighMemory memory;
};
// NOLINTEND(readability-identifier-naming)

using namespace kmapper::process::c;  // NOLINT(google-build-using-namespace): this is its face
using kmapper::process::Commit;
using kmapper::process::Expected;
using kmapper::process::HighMemory;
using kmapper::process::HighPage;
using kmapper::process::Patience;

namespace {

static_assert(static_cast<int>(Commit::when_written) == KMAPPER_COMMIT_WHEN_WRITTEN);
static_assert(static_cast<int>(Commit::when_allocated) == KMAPPER_COMMIT_WHEN_ALLOCATED);

Commit commit_of(int commit) {
  if (commit == KMAPPER_COMMIT_WHEN_WRITTEN || commit == KMAPPER_COMMIT_WHEN_ALLOCATED)
    return static_cast<Commit>(commit);
  throw std::system_error(kmapper::process::WindowErrc::invalid_option,
                          "commit " + std::to_string(commit) + " is not from " +
                              std::to_string(KMAPPER_COMMIT_WHEN_WRITTEN) + " to " +
                              std::to_string(KMAPPER_COMMIT_WHEN_ALLOCATED));
}

}  // namespace

int kmapper_high_memory_create(const kmapper_budget* budget, kmapper_high_memory** memory) {
  return create(__func__, "memory", memory, {{budget, "budget"}},
                [&] { return new kmapper_high_memory{HighMemory(budget->budget)}; });
}

int kmapper_high_memory_create_committed(const kmapper_budget* budget, int commit,
                                         kmapper_high_memory** memory) {
  return create(__func__, "memory", memory, {{budget, "budget"}}, [&] {
    return new kmapper_high_memory{HighMemory(budget->budget, commit_of(commit))};
  });
}

void kmapper_high_memory_destroy(kmapper_high_memory* memory) { delete memory; }

int kmapper_high_memory_allocate(kmapper_high_memory* memory, kmapper_high_page* page) {
  if (page != nullptr) *page = 0;
  if (const int wrong = refuse_null(__func__, {{memory, "memory"}, {page, "page"}})) return wrong;
  const Expected<HighPage> allocated = memory->memory.allocate();
  *page = static_cast<kmapper_high_page>(*allocated);
  return allocated ? KMAPPER_OK : failed(allocated.error());
}

int kmapper_high_memory_free(kmapper_high_memory* memory, kmapper_high_page page) {
  if (memory == nullptr) return null_argument(__func__, "memory");
  return status_of(memory->memory.free(HighPage{page}));
}

int kmapper_high_memory_map(kmapper_high_memory* memory, kmapper_high_page page,
                            kmapper_mapping* mapping) {
  return map_from(__func__, {memory, "memory"}, mapping,
                  [&] { return memory->memory.map(HighPage{page}); });
}

int kmapper_high_memory_try_map(kmapper_high_memory* memory, kmapper_high_page page,
                                kmapper_mapping* mapping) {
  return map_from(__func__, {memory, "memory"}, mapping,
                  [&] { return memory->memory.try_map(HighPage{page}); });
}

int kmapper_high_memory_map_until(kmapper_high_memory* memory, kmapper_high_page page,
                                  const kmapper_patience* patience, kmapper_mapping* mapping) {
  return map_until(__func__, {memory, "memory"}, patience, mapping,
                   [&](const Patience& it) { return memory->memory.map(HighPage{page}, it); });
}

int64_t kmapper_high_memory_page_size(const kmapper_high_memory* memory) {
  if (memory == nullptr) return null_argument(__func__, "memory");
  return memory->memory.page_size();
}

int64_t kmapper_high_memory_allocated(const kmapper_high_memory* memory) {
  if (memory == nullptr) return null_argument(__func__, "memory");
  return memory->memory.allocated();
}
