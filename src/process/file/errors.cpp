// The errors of a file. Each names the file, what was asked for, and the limit.
#include <optional>

#include "process/api/patience.hpp"
#include "process/file/file.hpp"

namespace kmapper::process {

Error File::error(std::error_code code) const { return Error({.code = code, .name = name_}); }

Error File::error(std::error_code code, std::int64_t offset, std::int64_t length,
                  std::optional<std::int64_t> limit, const char* why) const {
  return Error({.code = code,
                .about = kind_ == Kind::high_memory ? Error::About::page : Error::About::range,
                .count = granule_at(offset),
                .offset = offset,
                .length = length,
                .limit = limit,
                .why = why,
                .name = name_});
}

Error File::size_error(std::error_code code, std::int64_t size, const char* why) const {
  return Error(
      {.code = code, .about = Error::About::size, .offset = size, .why = why, .name = name_});
}

Error File::page_error(std::error_code code, std::uint64_t page, const char* why) const {
  return Error({.code = code,
                .about = Error::About::page,
                .count = page,
                .length = static_cast<std::int64_t>(arena_->granule()),
                .why = why,
                .name = name_});
}

Error File::system_error(int number, std::int64_t offset, std::int64_t length) const {
  if (number == kCutShort) return error(WindowErrc::cut_short, offset, length, size());
  return error({number, std::system_category()}, offset, length);
}

/// The error for a refusal by the core. `granules`: all that there are for mappings of this kind.
Error File::refused(MapError error, std::int64_t offset, std::int64_t length,
                    std::uint32_t granules) const {
  std::optional<std::int64_t> limit;
  if (error == MapError::would_sleep || error == MapError::timed_out)
    limit = std::int64_t{granules} << arena_->granule_shift();
  return this->error(code_of(error), offset, length, limit);
}

}  // namespace kmapper::process
