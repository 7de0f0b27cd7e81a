// The C interface to statistics as text: see kmapper/kmapper.h.
#include "kmapper/process/statistics.hpp"

#include <exception>
#include <string>
#include <vector>

#include "process/c/api.hpp"

namespace kmapper::process::c {
namespace {

/// Copies what `make` returns, as far as it fits, and ends it with a zero.
template <class Make>
int hand_out_text(const char* call, char* text, std::size_t size, std::size_t* length,
                  Make make) noexcept {
  if (length != nullptr) *length = 0;
  if (size != 0) {
    if (text == nullptr) return null_argument(call, "text");
    *text = '\0';
  }
  try {
    const std::string all = make();
    if (length != nullptr) *length = all.size();
    if (size != 0) text[all.copy(text, size - 1)] = '\0';
    return KMAPPER_OK;
  } catch (const std::exception&) {
    return failed(ENOMEM, "no memory for a text");
  }
}

}  // namespace
}  // namespace kmapper::process::c

using namespace kmapper::process::c;  // NOLINT(google-build-using-namespace): this is its face
using kmapper::process::NamedStats;

int kmapper_budget_stats_line(const kmapper_budget* budget, char* text, size_t size,
                              size_t* length) {
  if (budget == nullptr) return null_argument(__func__, "budget");
  return hand_out_text(__func__, text, size, length,
                       [&] { return kmapper::process::to_line(budget->budget.stats()); });
}

int kmapper_stats_prometheus(const kmapper_budget* const* budgets, const char* const* names,
                             size_t count, char* text, size_t size, size_t* length) {
  if (budgets == nullptr && count != 0) return null_argument(__func__, "budgets");
  for (size_t i = 0; i < count; ++i) {
    if (budgets[i] == nullptr) return null_argument(__func__, "one of the budgets");
  }
  return hand_out_text(__func__, text, size, length, [&] {
    std::vector<NamedStats> all;
    for (size_t i = 0; i < count; ++i) {
      const char* const name = names != nullptr ? names[i] : nullptr;
      all.push_back({name != nullptr ? name : "", budgets[i]->budget.stats()});
    }
    return kmapper::process::to_prometheus(all);
  });
}
