// The C interface to named pages: see kmapper/kmapper.h.
#include "kmapper/process/named_pages.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "process/c/api.hpp"

// NOLINTBEGIN(readability-identifier-naming): C's names
struct kmapper_named_pages {
  kmapper::process::NamedPages pages;
};
// NOLINTEND(readability-identifier-naming)

using namespace kmapper::process::c;  // NOLINT(google-build-using-namespace): this is its face
using kmapper::process::Expected;
using kmapper::process::HighPage;
using kmapper::process::NamedPages;
using kmapper::process::Patience;

static_assert(sizeof(HighPage) == sizeof(kmapper_high_page));

int kmapper_named_pages_open(const char* path, const kmapper_budget* budget,
                             kmapper_named_pages** pages) {
  return create(__func__, "pages", pages, {{path, "path"}, {budget, "budget"}},
                [&] { return new kmapper_named_pages{NamedPages(path, budget->budget)}; });
}

void kmapper_named_pages_close(kmapper_named_pages* pages) { delete pages; }

int kmapper_named_pages_allocate(kmapper_named_pages* pages, kmapper_high_page* page) {
  if (page != nullptr) *page = 0;
  if (const int wrong = refuse_null(__func__, {{pages, "pages"}, {page, "page"}})) return wrong;
  const Expected<HighPage> allocated = pages->pages.allocate();
  *page = static_cast<kmapper_high_page>(*allocated);
  return allocated ? KMAPPER_OK : failed(allocated.error());
}

int kmapper_named_pages_free(kmapper_named_pages* pages, kmapper_high_page page) {
  if (pages == nullptr) return null_argument(__func__, "pages");
  return status_of(pages->pages.free(HighPage{page}));
}

int kmapper_named_pages_map(kmapper_named_pages* pages, kmapper_high_page page,
                            const kmapper_patience* patience, kmapper_mapping* mapping) {
  return map_until(__func__, {pages, "pages"}, patience, mapping,
                   [&](const Patience& it) { return pages->pages.map(HighPage{page}, it); });
}

int kmapper_named_pages_name(kmapper_named_pages* pages, const char* name,
                             const kmapper_high_page* list, size_t count) {
  if (const int wrong = refuse_null(__func__, {{pages, "pages"}, {name, "name"}})) return wrong;
  if (list == nullptr && count != 0) return null_argument(__func__, "list");
  try {
    std::vector<HighPage> all;
    for (size_t i = 0; i < count; ++i) all.push_back(HighPage{list[i]});
    return status_of(pages->pages.name(name, all));
  } catch (const std::bad_alloc&) {
    return failed(ENOMEM, "no memory for a list of pages");
  }
}

int kmapper_named_pages_unname(kmapper_named_pages* pages, const char* name) {
  if (const int wrong = refuse_null(__func__, {{pages, "pages"}, {name, "name"}})) return wrong;
  return status_of(pages->pages.unname(name));
}

int kmapper_named_pages_find(const kmapper_named_pages* pages, const char* name,
                             kmapper_high_page* list, size_t size, size_t* count) {
  if (count != nullptr) *count = 0;
  if (const int wrong = refuse_null(__func__, {{pages, "pages"}, {name, "name"}})) return wrong;
  if (list == nullptr && size != 0) return null_argument(__func__, "list");
  const Expected<std::vector<HighPage>> found = pages->pages.find(name);
  if (!found) return failed(found.error());
  if (count != nullptr) *count = found->size();
  for (size_t i = 0; i < std::min(size, found->size()); ++i)
    list[i] = static_cast<kmapper_high_page>((*found)[i]);
  return KMAPPER_OK;
}
